"""What one of several processes may admit of a limit while their store is away."""

from __future__ import annotations

from dataclasses import replace

from brain_gateway.domain.resilience.gcra import Gcra
from brain_gateway.domain.resilience.lease_terms import LeaseTerms, lease_life
from brain_gateway.domain.resilience.limits import RateLimit

AT_ONCE = 1.0  # seconds after the store went in which nothing that expires is used anew: it may be granted elsewhere


class LoneShare:
    """One spell without the store, that began at `since`.

    `held`: what the process has admitted that counts; `free`: what the store said last is left, None when that is
    long ago. At first the process may use its part of what was free; then what it held comes back to it as it
    expires, up to its part of the limit; a window and a life later its part of the limit. If all processes lose the
    store together, and heard the same, the sum of these never passes the limit.
    """

    __slots__ = ("_first", "_held", "_pacing", "_part", "_share", "_used", "since")

    def __init__(self, limit: RateLimit, terms: LeaseTerms, held: int, free: int | None) -> None:
        self.since = terms.alone_since or 0.0
        self._share = limit.requests // terms.members
        self._part = min(self._share, self._share if free is None else free // terms.members)
        self._held = held
        self._first = self.since + limit.window + lease_life(limit)
        self._used = 0
        self._pacing: Gcra | None = None
        if limit.burst is not None and self._share:
            burst = max(1, min(self._share, limit.burst // terms.members))
            self._pacing = Gcra(replace(limit, requests=self._share, burst=burst), burst)

    def admit(self, now: float, held: int) -> bool:
        """Whether one more may pass while `held` count; counts it in this spell."""
        if not self._room(now, held) or (self._pacing is not None and not self._pacing.admit(now)):
            return False
        self._used += 1
        return True

    def _room(self, now: float, held: int) -> bool:
        if now < self.since + AT_ONCE:
            return self._used < self._part and held < self._share
        if now < self._first:
            return held < min(self._share, self._held + self._part)
        return held < self._share
