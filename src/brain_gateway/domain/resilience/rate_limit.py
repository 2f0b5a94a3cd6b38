"""Rate limits: a sliding window that is never exceeded, in a few hundred bytes and a tenth of a microsecond.

Rules:

1. No half-open interval of length `window` ever holds more than `requests` admissions. The readings of the
   clock that were given may go backwards: the rule holds for them too.
2. A fresh caller may use all `requests` at once, and gets each back exactly `window` after it was used.
3. Memory is bounded: a limit of more than 64 requests keeps 66 entries at most. Admissions within `window /
   64` of an entry's first are merged into it and all of them count from its last, so what is merged comes
   back late by that much at most, never early. Isolated admissions, and limits up to 64 requests, stay
   exact.
4. With a burst (`RateLimit.burst`) the spacing of `Gcra` holds as well.
"""

from __future__ import annotations

from math import inf

from brain_gateway.domain.resilience.gcra import Gcra
from brain_gateway.domain.resilience.instants import not_before, seconds_until
from brain_gateway.domain.resilience.limits import LimitClass, LimitClasses, RateLimit

__all__ = ["Gcra", "LimitClass", "LimitClasses", "RateLimit", "SlidingWindow"]

GRAINS = 64  # entries a window is divided into; more is finer and larger


class SlidingWindow:
    """The admissions of one caller. Every method takes `now` in seconds of one clock."""

    __slots__ = (
        "_closed",  # [(expiry, count)], oldest first: entries that take no more admissions
        "_first",  # instant of the first admission in the newest entry
        "_forgotten",  # expiry of the last entry that was dropped: before it, history is not known any more
        "_free",  # admissions left, not counting what has expired and was not yet dropped
        "_held",  # sum of the counts in _closed
        "_last",  # instant of the last admission
        "_next_expiry",  # nothing expires before this instant (a lower bound)
        "_pacing",
        "_quiet_until",  # until then an admission belongs to the newest entry and is only counted
        "limit",
    )

    def __init__(self, limit: RateLimit) -> None:
        self.limit = limit
        self._pacing = None if limit.burst is None else Gcra(limit, limit.burst)
        self._closed: list[tuple[float, int]] = []
        self._held = 0
        self._free = limit.requests
        self._first = self._last = self._forgotten = self._quiet_until = -inf
        self._next_expiry = inf

    def admit(self, now: float) -> bool:
        """Whether one more request may pass now; counts it when it may."""
        if self._last <= now < self._quiet_until and self._free > 0:
            self._last = now
            self._free -= 1
            return True
        return self._admit(now)

    def remaining(self, now: float) -> int:
        """How many more would be admitted if they all came now."""
        if now < self._forgotten:
            return 0
        free = self._free
        if now >= self._next_expiry:
            free = self.limit.requests if now >= self._newest_expiry() else free + self._expired(now)
        return free if self._pacing is None else min(free, self._pacing.remaining(now))

    def retry_after(self, now: float) -> float:
        """Seconds until one more is admitted, if none is in between; 0.0 when it would be now."""
        due = self._forgotten
        if self._pacing is not None:
            due = max(due, self._pacing.next_allowed)
        if self._free <= 0:
            due = max(due, self._closed[0][0] if self._closed else self._newest_expiry())
        return seconds_until(now, due)

    def resets_in(self, now: float) -> float:
        """Seconds until all `requests` are free again, if none is used in between; 0.0 when they are.

        A window for which this is 0.0 may be thrown away: a fresh one decides alike.
        """
        if self._free == self.limit.requests:
            return 0.0
        due = self._newest_expiry()
        return seconds_until(now, due if self._pacing is None else max(due, self._pacing.settled_at))

    def _admit(self, now: float) -> bool:
        if now < self._forgotten:
            return False  # the clock went back to where admissions were already dropped
        if self._pacing is not None and not self._pacing.allows(now):
            return False
        if now >= self._next_expiry:
            self._drop_expired(now)
        if self._free <= 0:
            return False
        self._count(max(now, self._last))
        if self._pacing is not None:
            self._pacing.record(now)
        return True

    def _count(self, at: float) -> None:
        used = self.limit.requests - self._free
        grain = self.limit.window / GRAINS if self.limit.requests > GRAINS else 0.0
        if used == self._held or at > self._first + grain:
            self._open_entry(at, used - self._held)
        self._last = at
        self._free -= 1
        if grain and self._pacing is None:
            self._quiet_until = self._first + grain

    def _open_entry(self, at: float, newest: int) -> None:
        if newest:
            self._closed.append((self._newest_expiry(), newest))
            self._held += newest
        self._first = at
        self._next_expiry = self._closed[0][0] if self._closed else not_before(at, self.limit.window)

    def _newest_expiry(self) -> float:
        return not_before(self._last, self.limit.window)

    def _expired(self, now: float) -> int:
        return sum(count for expiry, count in self._closed if now >= expiry)

    def _drop_expired(self, now: float) -> None:
        closed = self._closed
        while closed and now >= closed[0][0]:
            self._forgotten, count = closed.pop(0)
            self._held -= count
            self._free += count
        if closed:
            self._next_expiry = closed[0][0]
        elif self._free < self.limit.requests:
            self._drop_newest(now)

    def _drop_newest(self, now: float) -> None:
        expiry = self._newest_expiry()
        if now >= expiry:
            self._forgotten = expiry
            self._free = self.limit.requests
            expiry = inf
        self._next_expiry = expiry
