"""Tells subscribers about orders as they are placed, within this process."""

import asyncio
import uuid
from collections import defaultdict
from collections.abc import AsyncGenerator

BACKLOG = 100  # orders that wait for one slow subscriber before the oldest is dropped


class OrderFeed:
    """One queue per subscriber; a tenant's subscribers hear of that tenant's orders only."""

    def __init__(self) -> None:
        self._queues: defaultdict[uuid.UUID, set[asyncio.Queue[int]]] = defaultdict(set)

    def announce(self, tenant_id: uuid.UUID, order_id: int) -> None:
        """Tell the tenant's subscribers of an order, by its number in the database; never waits."""
        for queue in self._queues.get(tenant_id, ()):
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(order_id)

    async def listen(self, tenant_id: uuid.UUID) -> AsyncGenerator[int, None]:
        """Yield the tenant's orders from now on."""
        queue: asyncio.Queue[int] = asyncio.Queue(BACKLOG)
        self._queues[tenant_id].add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._queues[tenant_id].discard(queue)
            if not self._queues[tenant_id]:
                del self._queues[tenant_id]
