"""What must be done now and then: end the leases of instances that went silent, forget what is kept for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from brain_gateway.application.authorization import SYSTEM
from brain_gateway.application.bus import CommandBus
from brain_gateway.application.commands.instances import ExpireInstancesCommand
from brain_gateway.application.ports.unit_of_work import UnitsOfWork
from brain_gateway.application.scope import PLATFORM
from brain_gateway.domain.errors import GatewayError

EVERY = 1.0  # seconds between two looks at the leases
KEPT = 24 * 3600.0  # seconds that events and answers to Idempotency-Keys are kept
TIDY_EVERY = 600.0


class Housekeeping:
    """Any number of processes may do it: who comes second finds nothing to do. `unix` gives seconds since the epoch."""

    def __init__(self, units: UnitsOfWork, commands: CommandBus, unix: Callable[[], float]) -> None:
        self._units = units
        self._commands = commands
        self._unix = unix
        self._tidied = 0.0

    async def follow(self) -> None:
        """For ever. While the store is away nothing is done, and nothing is lost."""
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self.expire()
                await self.tidy()
            except GatewayError:
                continue

    async def expire(self) -> None:
        """Take out the targets whose lease has ended. Raises StoreUnavailable."""
        async with self._units(PLATFORM, read_only=True) as unit:
            ended = await unit.services.expired(self._unix())
        if ended:
            await self._commands.execute(SYSTEM, ExpireInstancesCommand())

    async def tidy(self) -> None:
        """Forget old events and answers. Raises StoreUnavailable."""
        now = self._unix()
        if now - self._tidied < TIDY_EVERY:
            return
        self._tidied = now
        async with self._units(PLATFORM) as unit:
            await unit.outbox.forget(now - KEPT)
            await unit.idempotency.forget(now - KEPT)
            await unit.commit()
