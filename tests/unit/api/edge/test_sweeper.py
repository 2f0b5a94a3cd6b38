"""One timer for all connections."""

from __future__ import annotations

import asyncio

import pytest

from brain_gateway.api.edge.sweeper import sweep
from tests.fakes.manual_clock import ManualClock

pytestmark = pytest.mark.anyio


class Connection:
    """Notes when it was looked at; may leave the set meanwhile."""

    def __init__(self, connections: set[object], leaves: bool = False) -> None:
        self._connections = connections
        self._leaves = leaves
        self.checked: list[float] = []

    def check(self, now: float) -> None:
        self.checked.append(now)
        if self._leaves:
            self._connections.discard(self)


async def test_every_connection_and_the_pools_are_looked_at_until_it_is_cancelled():
    clock, connections, pools = ManualClock(), set(), []
    staying, leaving = Connection(connections), Connection(connections, leaves=True)
    connections |= {staying, leaving, object()}  # what has no times to keep is passed over
    task = asyncio.ensure_future(sweep(connections, pools.append, clock, 0))
    while len(staying.checked) < 3:
        clock.tick(1)
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert staying.checked == pools[: len(staying.checked)]
    assert staying.checked == sorted(set(staying.checked))
    assert len(leaving.checked) == 1
