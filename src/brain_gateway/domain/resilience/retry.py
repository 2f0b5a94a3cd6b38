"""Whether a request may be sent again: one named branch per reason, and a budget so that retries never pile
up.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.domain.resilience.rate_limit import RateLimit, SlidingWindow

MAX_ATTEMPTS: Final = 10
FLOOR: Final = RateLimit(3, 10.0)  # retries that a quiet service may always make
SAVINGS: Final = 100  # retries at most that quiet times save up for a bad moment
_WHOLE: Final = 1_000_000  # one retry, in the integer units in which the budget is kept


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """`attempts` in all (1: never again); `budget`: share of requests (0..1) that may be retries (0: none).

    Raises ConfigurationError.
    """

    attempts: int = 2
    budget: float = 0.2

    def __post_init__(self) -> None:
        if not 1 <= self.attempts <= MAX_ATTEMPTS:
            raise ConfigurationError(f"retry: attempts must be within 1..{MAX_ATTEMPTS}, not {self.attempts}")
        if not 0.0 <= self.budget <= 1.0:
            raise ConfigurationError(f"retry: budget must be within 0..1, not {self.budget}")


class RetryBudget:
    """Retries of one service: at most `budget` times its requests, plus 3 in any 10 seconds.

    When an upstream fails, retries would multiply its load just then; the budget bounds the factor. A
    budget of 0 allows none at all.
    """

    __slots__ = ("_balance", "_counted", "_floor", "_share", "requests")

    def __init__(self, policy: RetryPolicy) -> None:
        self._share = round(policy.budget * _WHOLE)
        self._balance = 0
        self._counted = 0
        self.requests = 0  # a plain count, which the path raises without a call
        self._floor = SlidingWindow(FLOOR)

    def deposit(self) -> None:
        """A request came (not a retry)."""
        self.requests += 1

    def withdraw(self, now: float) -> bool:
        """Whether one retry is left now; takes it when it is."""
        earned = (self.requests - self._counted) * self._share
        self._counted = self.requests
        self._balance = min(self._balance + earned, SAVINGS * _WHOLE)
        if self._balance >= _WHOLE:
            self._balance -= _WHOLE
            return True
        return self._share > 0 and self._floor.admit(now)


class Verdict(StrEnum):
    """Why a request is sent again, or why not."""

    RETRY_NOT_SENT = "not_sent"
    RETRY_IDEMPOTENT = "idempotent"
    NO_ANSWERED = "answered"
    NO_NOT_IDEMPOTENT = "not_idempotent"
    NO_BODY_GONE = "body_gone"
    NO_ATTEMPTS_LEFT = "no_attempts_left"
    NO_TIME_LEFT = "no_time_left"

    @property
    def retry(self) -> bool:
        """Whether to send it again (the budget has the last word)."""
        return self is Verdict.RETRY_NOT_SENT or self is Verdict.RETRY_IDEMPOTENT


def may_retry(
    *,
    idempotent: bool,
    sent: bool,
    answered: bool,
    body_replayable: bool,
    attempt: int,
    policy: RetryPolicy,
    deadline_left: float,
) -> Verdict:
    """Whether attempt number `attempt` (from 1), which failed, may be followed by another.

    sent: a byte of the request went upstream. answered: a byte of the response came back. body_replayable:
    the whole body can be sent once more (none, or still held). deadline_left: seconds, inf when there is no
    deadline.
    """
    if answered:
        return Verdict.NO_ANSWERED  # the client may have its beginning already: two answers cannot be joined
    if not body_replayable:
        return Verdict.NO_BODY_GONE  # a shorter body would be another request
    if attempt >= policy.attempts:
        return Verdict.NO_ATTEMPTS_LEFT
    if deadline_left <= 0.0:
        return Verdict.NO_TIME_LEFT
    if not sent:
        return Verdict.RETRY_NOT_SENT  # nobody has seen it: any method is safe
    if idempotent:
        return Verdict.RETRY_IDEMPOTENT  # RFC 9110 section 9.2.2 allows it for these alone
    return Verdict.NO_NOT_IDEMPOTENT
