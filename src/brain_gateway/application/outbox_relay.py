"""Sends events out of the outbox, after the transactions that they tell of: at least once, in order.

One process relays at a time (the store sees to that); if it dies between sending and marking, another sends them again,
under the same ids.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from brain_gateway.application.ports.event_bus import EventBus
from brain_gateway.application.ports.outbox import EventEnvelope
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
        self._oldest: float | None = None
        self.published = 0
        """Events that were sent by this process."""
        self.failures = 0
        """Attempts that the store or the bus ended."""
        self.store_answers: bool | None = None
        """Whether the store did at the last attempt; None before the first."""

    def kick(self) -> None:
        """There is something to send."""
        self._kicked.set()

    async def run(self) -> bool:
        """Send all that was there; False when another process is at it. Raises StoreUnavailable when the store or the
        bus is away: what was not marked is sent again.
        """
        while True:
            try:
                events = await self._piece()
            except GatewayError:
                self.failures += 1
                raise
            if not events:
                return events is not None
            self.published += len(events)
            if len(events) < MOST:
                return True  # who has written more since has kicked, or finds out that it has to

    async def _piece(self) -> Sequence[EventEnvelope] | None:
        """Send the oldest; what was sent. None: another process is at it."""
        answered = False
        try:
            async with self._units(PLATFORM) as unit:
                events = await unit.outbox.take(MOST)
                answered = True
                self._oldest = events[0].occurred_at if events else None
                if events:
                    await self._bus.publish(events)
                    await unit.outbox.published([event.id for event in events])
                    await unit.commit()
        finally:
            self.store_answers = answered
        self._oldest = None
        return events

    def lag(self, unix: float) -> float:
        """Since when (in seconds, at `unix` seconds since the epoch) the oldest event waits that this process tried to
        send; 0.0 when none does."""
        return 0.0 if self._oldest is None else max(0.0, unix - self._oldest)

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
