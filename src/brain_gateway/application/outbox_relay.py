"""Sends events out of the outbox, after the transactions that they tell of: at least once, in order.

One process relays at a time (the store sees to that); if it dies between sending and marking, another sends them again,
under the same ids.
"""

from __future__ import annotations

import asyncio

from brain_gateway.application.ports.event_bus import EventBus
from brain_gateway.application.ports.unit_of_work import UnitsOfWork
from brain_gateway.application.scope import PLATFORM
from brain_gateway.domain.errors import GatewayError

MOST = 500  # events in one transaction


class OutboxRelay:
    """`kick` after a commit; `follow` runs for ever, and looks every `interval` seconds in any case."""

    def __init__(self, units: UnitsOfWork, bus: EventBus) -> None:
        self._units = units
        self._bus = bus
        self._kicked = asyncio.Event()

    def kick(self) -> None:
        """There is something to send."""
        self._kicked.set()

    async def run(self) -> int:
        """Send all that is there; how many. Raises StoreUnavailable when the store or the bus is away."""
        sent = 0
        while True:
            async with self._units(PLATFORM) as unit:
                events = await unit.outbox.take(MOST)
                if not events:
                    return sent
                await self._bus.publish(events)
                await unit.outbox.published([event.id for event in events])
                await unit.commit()
            sent += len(events)

    async def follow(self, interval: float) -> None:
        """Relay whenever kicked, and now and then for those who died before they could."""
        while True:
            try:
                async with asyncio.timeout(interval):
                    await self._kicked.wait()
            except TimeoutError:
                pass
            self._kicked.clear()
            try:
                await self.run()
            except GatewayError:
                await asyncio.sleep(interval)  # they are in the outbox: nothing is lost
