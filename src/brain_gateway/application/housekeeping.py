"""What must be done now and then: end the leases of instances that went silent, forget what is kept for a while."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable

from brain_gateway.application.authorization import SYSTEM
from brain_gateway.application.bus import CommandBus
from brain_gateway.application.commands.instances import ExpireInstancesCommand
from brain_gateway.application.ports.unit_of_work import UnitsOfWork
from brain_gateway.application.scope import PLATFORM
from brain_gateway.domain.errors import GatewayError

EVERY = 1.0  # seconds between two looks at the leases
GAP = 5.0  # seconds without a look, by the wall clock, in which leases may have ended that nobody could renew
GRACE = 30.0  # seconds that such leases get to be renewed after all
KEPT = 24 * 3600.0  # seconds that events and answers to Idempotency-Keys are kept
TIDY_EVERY = 600.0


class Housekeeping:
    """Any number of processes may do it: who comes second finds nothing to do.

    `clock` is monotonic seconds, `unix` seconds since the epoch. `leases`: whether instances register themselves. A
    clock that is put back makes leases last longer by as much; one that is put forward is a gap.
    """

    def __init__(
        self,
        units: UnitsOfWork,
        commands: CommandBus,
        clock: Callable[[], float],
        unix: Callable[[], float],
        leases: bool = True,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._units = units
        self._commands = commands
        self._clock = clock
        self._unix = unix
        self._leases = leases
        self._pause = pause
        self._looked = self._tidied = -math.inf
        self._spared_until = -math.inf

    async def follow(self) -> None:
        """For ever. While the store is away nothing is done, and nothing is lost."""
        while True:
            await self._pause(EVERY)
            try:
                if self._leases:
                    await self.expire()
                await self.tidy()
            except GatewayError:
                continue

    async def expire(self) -> None:
        """Take out the targets whose lease has ended; after a gap (a start, a store that was away, a clock that was
        set) only once they had the time to say that they live. Raises StoreUnavailable.
        """
        now = self._unix()
        async with self._units(PLATFORM, read_only=True) as unit:
            ended = await unit.services.expired(now)
        if now - self._looked > GAP and ended:
            self._spared_until = self._clock() + GRACE
        self._looked = now
        if ended and self._clock() >= self._spared_until:
            await self._commands.execute(SYSTEM, ExpireInstancesCommand())

    async def tidy(self) -> None:
        """Forget old events and answers. Raises StoreUnavailable."""
        if self._clock() - self._tidied < TIDY_EVERY:
            return
        before = self._unix() - KEPT
        async with self._units(PLATFORM) as unit:
            await unit.outbox.forget(before)
            await unit.idempotency.forget(before)
            await unit.commit()
        self._tidied = self._clock()
