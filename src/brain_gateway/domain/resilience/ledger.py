"""A ledger of admissions by the instant until which each counts: bounded, and rounded away from the caller."""

from __future__ import annotations

from math import ceil, inf

from brain_gateway.domain.resilience.limits import RateLimit

GRAINS = 64  # a window is divided into so many for limits of more requests than that
FINEST = 0.001  # seconds


def grain_of(limit: RateLimit) -> float:
    """The width of a ledger's buckets in seconds: small limits are kept to the millisecond."""
    return max(FINEST, limit.window / GRAINS) if limit.requests > GRAINS else FINEST


class Ledger:
    """Counts by expiry. Expiries are rounded up to `grain` seconds, so nothing is forgotten early.

    Holds no more than one bucket per grain (or per admission, for limits up to GRAINS): 66 for a window, and
    those of a lease's life beside.
    """

    __slots__ = ("_buckets", "_grain", "_next", "_total")

    def __init__(self, grain: float) -> None:
        self._grain = grain
        self._buckets: dict[int, int] = {}
        self._total = 0
        self._next = inf  # nothing expires before this instant

    def __bool__(self) -> bool:
        """Whether anything was noted that is not known to have expired."""
        return self._total > 0

    def add(self, expiry: float, count: int) -> int:
        """`count` more that count until `expiry`; the bucket that they went to."""
        bucket = ceil(expiry / self._grain)
        if bucket * self._grain < expiry:
            bucket += 1  # the division was rounded down
        self._buckets[bucket] = self._buckets.get(bucket, 0) + count
        self._total += count
        self._next = min(self._next, bucket * self._grain)
        return bucket

    def held(self, now: float) -> int:
        """How many count now; forgets the others."""
        if now >= self._next:
            grain = self._grain
            for bucket in [bucket for bucket in self._buckets if bucket * grain <= now]:
                self._total -= self._buckets.pop(bucket)
            self._next = min(self._buckets, default=inf) * grain
        return self._total

    def take_back(self, bucket: int, count: int) -> bool:
        """`count` in a bucket were never used; False (and nothing changed) when it does not hold so many."""
        held = self._buckets.get(bucket, 0)
        if not 0 < count <= held:
            return False
        self._buckets[bucket] = held - count
        if held == count:
            del self._buckets[bucket]
        self._total -= count
        return True

    def next_expiry(self, now: float) -> float:
        """When the first of what is held stops counting; infinite when nothing is held."""
        self.held(now)
        return self._next if self._total else inf

    def entries(self, now: float) -> tuple[tuple[float, int], ...]:
        """(expiry, count) of what counts now."""
        self.held(now)
        return tuple((bucket * self._grain, count) for bucket, count in self._buckets.items())

    def absorb(self, other: Ledger) -> None:
        """Take over all that another ledger of the same grain holds."""
        for bucket, count in other._buckets.items():
            self._buckets[bucket] = self._buckets.get(bucket, 0) + count
        self._total += other._total
        self._next = min(self._next, other._next)
