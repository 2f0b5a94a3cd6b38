"""A clock that jumps: who waits for a time gets it as soon as nothing else is left to do."""

from __future__ import annotations

import asyncio
import math

SETTLED = 10  # rounds of the event loop after which nothing else is expected to happen


class VirtualTime:
    """`now` is monotonic seconds; `unix()` runs along with it. `pause` is what the scheduler waits with."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._until = 1000.0
        self._rounds = 0

    def clock(self) -> float:
        self._rounds = 0  # who asks for the time is still at work
        return self.now

    def unix(self) -> float:
        return 1_800_000_000.0 + self.now

    async def pause(self, wake: asyncio.Event, seconds: float | None) -> None:
        """Return when woken, or as soon as the loop is idle and the time asked for lies before the end."""
        due = math.inf if seconds is None else self.now + seconds
        self._rounds = 0
        while not wake.is_set():
            if self._rounds >= SETTLED and due <= self._until:
                self.now = due
                return
            await asyncio.sleep(0)
        self._rounds = 0

    async def run_for(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self._until = self.now + seconds
        self._rounds = 0
        while self._rounds < 3 * SETTLED:
            self._rounds += 1
            await asyncio.sleep(0)
        self.now = self._until
