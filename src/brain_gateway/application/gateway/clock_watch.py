"""The wall clock was set, or the machine slept: what was reckoned by the monotonic clock ends when it should after all.

Sessions end by the monotonic clock, which costs a request nothing and does not jump. A credential ends by the wall
clock. Where one of the two moves without the other (an operator, a time server, a virtual machine that was suspended or
restored), tokens would be taken for as long as they were found valid for, days after their end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

EVERY = 1.0  # seconds between two looks
JUMP = 0.5  # seconds by which the clocks must have come apart; time servers slew less in a second
SLOW = 0.1  # seconds that a look may take: during a longer pause the two clocks are not read together


class ClockWatch:
    """Tells `on_jump` by how many seconds the wall clock is ahead of the monotonic one, whenever that has changed.

    `clock` is monotonic seconds, `unix` seconds since the epoch.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        unix: Callable[[], float],
        on_jump: Callable[[float], object],
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._unix = unix
        self._on_jump = on_jump
        self._pause = pause
        self._ahead = unix() - clock()

    async def follow(self) -> None:
        """For ever."""
        while True:
            await self._pause(EVERY)
            self.look()

    def look(self) -> None:
        """Compare the clocks. What drifts slowly adds up until it counts, too."""
        before = self._clock()
        unix = self._unix()
        after = self._clock()
        if after - before > SLOW:
            return
        ahead = unix - before
        if abs(ahead - self._ahead) > JUMP:
            self._ahead = ahead
            self._on_jump(ahead)
