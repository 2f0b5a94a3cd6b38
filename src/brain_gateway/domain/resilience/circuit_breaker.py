"""The circuit breaker: a table of states.

CLOSED      everything passes. `failures` failures in a row open the circuit; a success starts the row anew.
OPEN        nothing passes for `reset_timeout` seconds. The first to ask after that is a trial: HALF_OPEN.
HALF_OPEN   at most `half_open_requests` trials are under way. One success closes the circuit, one failure
            opens it, an abandoned trial (the caller went away) says nothing and frees its place. A trial
            that never reports back is given up `reset_timeout` after it began, so the circuit cannot stay
            here for ever.

Results may name the instant at which their request was admitted (`since`). One from before the present
state began says nothing about it and is ignored: a slow answer of yesterday neither closes nor opens the
circuit of today.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, StrEnum
from math import inf, isfinite

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.domain.resilience.instants import seconds_until


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When a circuit opens and how it is tried again; `count_500`: a 500 answer counts as a failure too.

    Raises ConfigurationError.
    """

    failures: int = 5
    reset_timeout: float = 60.0
    half_open_requests: int = 1
    count_500: bool = False

    def __post_init__(self) -> None:
        if self.failures < 1:
            raise ConfigurationError(f"breaker: failures must be at least 1, not {self.failures}")
        if not isfinite(self.reset_timeout) or self.reset_timeout <= 0.0:
            raise ConfigurationError(
                f"breaker: reset_timeout must be more than 0 s, not {self.reset_timeout}"
            )
        if self.half_open_requests < 1:
            raise ConfigurationError(
                f"breaker: half_open_requests must be at least 1, not {self.half_open_requests}"
            )


class BreakerState(StrEnum):
    """The three states."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Signal(Enum):
    """What can happen to a breaker."""

    ASKED = "asked"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ABANDONED = "abandoned"
    TRIPPED = "tripped"


class CircuitBreaker:
    """The breaker of one target. `calm` is True exactly when it is CLOSED with no failure counted.

    While `calm`, admit() would say True and succeeded() would change nothing, so a caller may skip both.
    """

    __slots__ = ("_retry_at", "_since", "_trials", "calm", "failures", "policy", "state")

    def __init__(self, policy: BreakerPolicy) -> None:
        self.policy = policy
        self.state = BreakerState.CLOSED
        self.calm = True
        self.failures = 0
        self._since = -inf  # when the present state began
        self._retry_at = -inf  # when an open circuit may be tried
        self._trials: list[float] = []  # when each trial under way began, oldest first

    def admit(self, now: float) -> bool:
        """Whether a request may go there now. Who is admitted must report back with one of the three
        results.
        """
        return _TRANSITIONS[self.state, Signal.ASKED](self, now, None)

    def would_admit(self, now: float) -> bool:
        """What admit() would say; takes no trial and changes nothing."""
        return self.retry_after(now) == 0.0

    def succeeded(self, now: float, since: float | None = None) -> bool:
        """The target answered; True when this closed the circuit."""
        return self._report(Signal.SUCCEEDED, now, since)

    def failed(self, now: float, since: float | None = None) -> bool:
        """The target did not answer, or answered as if it were down; True when this opened the circuit."""
        return self._report(Signal.FAILED, now, since)

    def abandoned(self, now: float, since: float | None = None) -> None:
        """The request was cancelled before it could tell."""
        self._report(Signal.ABANDONED, now, since)

    def trip(self, now: float) -> bool:
        """Another process saw the target fail; True when this opened the circuit."""
        return _TRANSITIONS[self.state, Signal.TRIPPED](self, now, None)

    def hurry(self, now: float) -> None:
        """Another process saw the target answer: an open circuit may be tried at once."""
        if self.state is BreakerState.OPEN:
            self._retry_at = min(self._retry_at, now)

    def retry_after(self, now: float) -> float:
        """Seconds until a request is admitted, at the latest; 0.0 when it would be now."""
        if self.state is BreakerState.OPEN:
            return seconds_until(now, self._retry_at)
        if len(self._trials) < self.policy.half_open_requests:
            return 0.0
        return seconds_until(now, self._trials[0] + self.policy.reset_timeout)

    @property
    def outstanding(self) -> int:
        """Trials that have neither reported back nor been given up."""
        return len(self._trials)

    def _report(self, signal: Signal, now: float, since: float | None) -> bool:
        if since is not None and since < self._since:
            return False
        return _TRANSITIONS[self.state, signal](self, now, since)

    def _enter(self, state: BreakerState, now: float) -> None:
        self.state = state
        self.failures = 0
        self.calm = state is BreakerState.CLOSED
        self._since = now
        self._trials.clear()

    def _pass(self, now: float, since: float | None) -> bool:
        return True

    def _ignore(self, now: float, since: float | None) -> bool:
        return False

    def _forget_failures(self, now: float, since: float | None) -> bool:
        self.failures = 0
        self.calm = True
        return False

    def _count_failure(self, now: float, since: float | None) -> bool:
        self.failures += 1
        self.calm = False
        return self.failures >= self.policy.failures and self._open(now, since)

    def _open(self, now: float, since: float | None) -> bool:
        self._enter(BreakerState.OPEN, now)
        self._retry_at = now + self.policy.reset_timeout
        return True

    def _try_again(self, now: float, since: float | None) -> bool:
        if now < self._retry_at:
            return False
        self._enter(BreakerState.HALF_OPEN, now)
        return self._begin_trial(now, since)

    def _begin_trial(self, now: float, since: float | None) -> bool:
        trials = self._trials
        while trials and now >= trials[0] + self.policy.reset_timeout:
            del trials[0]
        if len(trials) >= self.policy.half_open_requests:
            return False
        trials.append(now)
        return True

    def _end_trial(self, now: float, since: float | None) -> bool:
        trials = self._trials
        if since in trials:
            trials.remove(since)
        elif since is None and trials:
            del trials[0]
        return False

    def _close(self, now: float, since: float | None) -> bool:
        self._enter(BreakerState.CLOSED, now)
        return True


_Rule = Callable[[CircuitBreaker, float, float | None], bool]
_CLOSED, _OPEN, _HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN

# (state, signal) -> rule. ASKED answers "admitted?", the others "did the circuit open or close?".
_TRANSITIONS: dict[tuple[BreakerState, Signal], _Rule] = {
    (_CLOSED, Signal.ASKED): CircuitBreaker._pass,
    (_CLOSED, Signal.SUCCEEDED): CircuitBreaker._forget_failures,
    (_CLOSED, Signal.FAILED): CircuitBreaker._count_failure,
    (_CLOSED, Signal.ABANDONED): CircuitBreaker._ignore,
    (_CLOSED, Signal.TRIPPED): CircuitBreaker._open,
    (_OPEN, Signal.ASKED): CircuitBreaker._try_again,
    (_OPEN, Signal.SUCCEEDED): CircuitBreaker._ignore,
    (_OPEN, Signal.FAILED): CircuitBreaker._ignore,
    (_OPEN, Signal.ABANDONED): CircuitBreaker._ignore,
    (_OPEN, Signal.TRIPPED): CircuitBreaker._ignore,
    (_HALF_OPEN, Signal.ASKED): CircuitBreaker._begin_trial,
    (_HALF_OPEN, Signal.SUCCEEDED): CircuitBreaker._close,
    (_HALF_OPEN, Signal.FAILED): CircuitBreaker._open,
    (_HALF_OPEN, Signal.ABANDONED): CircuitBreaker._end_trial,
    (_HALF_OPEN, Signal.TRIPPED): CircuitBreaker._open,
}
