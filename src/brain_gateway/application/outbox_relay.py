"""Sends events out of the outbox, after the transactions that they tell of: at least once, in order.

One process relays at a time (the store sees to that); if it dies between sending and marking, another sends them again,
under the same ids.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from brain_gateway.application.ports.event_bus import EventBus
from brain_gateway.application.ports.unit_of_work import UnitsOfWork
from brain_gateway.application.scope import PLATFORM
from brain_gateway.domain.errors import GatewayError

MOST = 200  # events in one transaction: making so many takes the event loop a few milliseconds
BUSY = 0.01  # seconds until the next look while another process relays: it may have looked before our commit


class OutboxRelay:
    """`kick` after a commit; `follow` runs for ever, and looks every `interval` seconds in any case."""

    def __init__(
        self, units: UnitsOfWork, bus: EventBus, pause: Callable[[float], Awaitable[object]] = asyncio.sleep
    ) -> None:
        self._units = units
        self._bus = bus
        self._pause = pause
        self._kicked = asyncio.Event()

    def kick(self) -> None:
        """There is something to send."""
        self._kicked.set()

    async def run(self) -> bool:
        """Send all that was there; False when another process is at it. Raises StoreUnavailable when the store or the
        bus is away: what was not marked is sent again.
        """
        while True:
            async with self._units(PLATFORM) as unit:
                events = await unit.outbox.take(MOST)
                if not events:
                    return events is not None
                await self._bus.publish(events)
                await unit.outbox.published([event.id for event in events])
                await unit.commit()
            if len(events) < MOST:
                return True  # who has written more since has kicked, or finds out that it has to

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
                while not await self.run():
                    await self._pause(BUSY)
            except GatewayError:
                await self._pause(interval)  # they are in the outbox: nothing is lost
