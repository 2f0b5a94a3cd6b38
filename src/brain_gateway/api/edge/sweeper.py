"""One timer for all connections: deadlines and idle times are looked at a few times a second, not armed one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol

INTERVAL = 0.25  # seconds: how late a timeout may be noticed


class Checked(Protocol):
    """What has times to keep."""

    def check(self, now: float) -> None:
        """Has anything taken too long?"""


async def sweep(
    connections: Iterable[object],
    pools: Callable[[float], None],
    clock: Callable[[], float],
    interval: float = INTERVAL,
) -> None:
    """Run until cancelled."""
    while True:
        await asyncio.sleep(interval)
        now = clock()
        for connection in list(connections):
            check = getattr(connection, "check", None)
            if check is not None:
                check(now)
        pools(now)
