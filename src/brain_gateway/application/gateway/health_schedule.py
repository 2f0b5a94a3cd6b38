"""Which target is to be checked next: a heap, so that 10,000 targets cost no more than the next one."""

from __future__ import annotations

import heapq
import itertools

from brain_gateway.application.gateway.health_watch import UNSCHEDULED, WatchedTarget


class CheckSchedule:
    """Times are monotonic seconds. Entries of targets rescheduled or dropped since are skipped."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, WatchedTarget]] = []
        self._order = itertools.count()

    def put(self, item: WatchedTarget, due: float) -> None:
        """Check the item at `due`, and not at the time set before."""
        item.due = due
        heapq.heappush(self._heap, (due, next(self._order), item))

    def pop(self, now: float) -> WatchedTarget | None:
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
