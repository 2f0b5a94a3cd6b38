"""Even spacing: the generic cell rate algorithm (ITU-T I.371, annex A, virtual scheduling)."""

from __future__ import annotations

from math import inf

from brain_gateway.domain.resilience.limits import RateLimit


class Gcra:
    """Admits `burst` at once, then one every `window / requests` seconds.

    In any span of s seconds it admits at most burst + s * requests / window. A clock that goes back admits
    nothing more. The theoretical arrival time is kept as a beginning and a count, so that no sum of roundings
    makes the last of a burst wait.
    """

    __slots__ = ("_begun", "_burst", "_count", "_limit")

    def __init__(self, limit: RateLimit, burst: int) -> None:
        self._limit = limit
        self._burst = burst
        self._begun = -inf  # instant of the first since the whole burst was free
        self._count = 0  # admitted since then

    @property
    def next_allowed(self) -> float:
        """The instant from which one more is allowed (-inf when fresh)."""
        return self._due(self._count + 1 - self._burst)

    @property
    def settled_at(self) -> float:
        """The instant from which the whole burst is free again (-inf when fresh)."""
        return self._due(self._count)

    def allows(self, now: float) -> bool:
        """Whether one more is allowed now; changes nothing."""
        return now >= self.next_allowed

    def record(self, now: float) -> None:
        """One was admitted now."""
        if now >= self.settled_at:
            self._begun = now
            self._count = 0
        self._count += 1

    def admit(self, now: float) -> bool:
        """Ask and record in one step."""
        allowed = self.allows(now)
        if allowed:
            self.record(now)
        return allowed

    def remaining(self, now: float) -> int:
        """How many would be admitted if they all came now."""
        if now >= self.settled_at:
            return self._burst
        spacings = (now - self._begun) * self._limit.requests / self._limit.window
        guess = self._burst - self._count + int(spacings)
        # the division rounds; the instants that admit() compares with decide
        if now >= self._due(self._count + guess + 1 - self._burst):
            guess += 1
        elif now < self._due(self._count + guess - self._burst):
            guess -= 1
        return max(0, guess)

    def _due(self, spacings: int) -> float:
        """The instant so many spacings after the beginning."""
        return self._begun + spacings * self._limit.window / self._limit.requests
