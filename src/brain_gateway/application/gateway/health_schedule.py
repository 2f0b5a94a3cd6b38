"""What is to be done next: a heap, so that 10,000 checks or look-ups cost no more than the next one."""

from __future__ import annotations

import heapq
import itertools
import math
from typing import Generic, Protocol, TypeVar

UNSCHEDULED = math.inf


class Scheduled(Protocol):
    """What can be put on a schedule: when it is `due`, and whether it is still `watched`."""

    due: float
    watched: bool


Item = TypeVar("Item", bound=Scheduled)


class CheckSchedule(Generic[Item]):
    """Times are monotonic seconds. Entries of items rescheduled or dropped since are skipped."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Item]] = []
        self._order = itertools.count()

    def put(self, item: Item, due: float) -> None:
        """Check the item at `due`, and not at the time set before."""
        item.due = due
        heapq.heappush(self._heap, (due, next(self._order), item))

    def pop(self, now: float) -> Item | None:
        """An item whose time has come, taken off the schedule; the longest overdue first."""
        self._skip_stale()
        if not self._heap or self._heap[0][0] > now:
            return None
        item = heapq.heappop(self._heap)[2]
        item.due = UNSCHEDULED
        return item

    def wait(self, now: float) -> float | None:
        """Seconds until the next item is due; None when nothing is scheduled."""
        self._skip_stale()
        return max(0.0, self._heap[0][0] - now) if self._heap else None

    def _skip_stale(self) -> None:
        while self._heap and (self._heap[0][0] != self._heap[0][2].due or not self._heap[0][2].watched):
            heapq.heappop(self._heap)
