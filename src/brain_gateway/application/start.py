"""How a process comes to have a configuration: the store is made ready, the file is put in force, the rest is read.

As long as the database is away the process waits, says so, and is not ready; then it goes on by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from brain_gateway.application.authorization import SYSTEM
from brain_gateway.application.bus import CommandBus
from brain_gateway.application.commands.configuration import ApplyConfigurationCommand
from brain_gateway.application.configuration import GatewayConfiguration
from brain_gateway.application.configuration_plan import FILE, Plan, PlanOptions
from brain_gateway.application.gateway.live_configuration import LiveConfiguration
from brain_gateway.application.ports.unit_of_work import UnitsOfWork
from brain_gateway.application.scope import PLATFORM
from brain_gateway.domain.errors import GatewayError, StoreUnavailable

AGAIN = 0.5  # seconds between two attempts


class Store(UnitsOfWork, Protocol):
    """A store that can be made ready."""

    async def prepare(self) -> None:
        """Make what is missing, where that is the gateway's own affair. Raises StoreUnavailable."""
        ...


@dataclass(frozen=True, slots=True)
class DeclaredFile:
    """What the configuration file says, and its fingerprint: the same file is put in force once."""

    wanted: GatewayConfiguration
    fingerprint: str


class Starting:
    """`check` is awaited once the store answers; it may raise ConfigurationError. `report` hears of waits and returns.

    `waiting` says why there is no configuration yet; None once there is.
    """

    def __init__(
        self,
        store: Store,
        commands: CommandBus,
        live: LiveConfiguration,
        check: Callable[[], Awaitable[None]],
        report: Callable[[str], object],
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._commands = commands
        self._live = live
        self._check = check
        self._report = report
        self._pause = pause
        self.waiting: str | None = "the configuration is being loaded"

    async def begin(self, file: DeclaredFile) -> bool:
        """One attempt; False when the store is away. Raises ConfigurationError."""
        try:
            await self._store.prepare()
            if fault := await self._store.ready():
                raise StoreUnavailable(fault)
            await self._check()
            await self.put_in_force(file)
            await self._live.refresh()
        except StoreUnavailable as error:
            self._wait(f"waiting for the database: {error.detail or 'it does not answer'}")
            return False
        self.waiting = None
        return True

    async def go_on(self, file: DeclaredFile) -> None:
        """Attempts without end, until one succeeds. What would end a start is told, and may be mended meanwhile."""
        begun = False
        while not begun:
            await self._pause(AGAIN)
            try:
                begun = await self.begin(file)
            except GatewayError as error:
                reason = "; ".join(error.detail.splitlines())
                self._wait(f"the configuration cannot be loaded: {reason}")
        self._report("the database is there: configuration loaded")

    def _wait(self, reason: str) -> None:
        if self.waiting != reason:
            self._report(reason)
            self.waiting = reason

    async def put_in_force(self, file: DeclaredFile) -> Plan | None:
        """Apply the file, unless it was applied already: what was changed by hand since is kept.

        Raises StoreUnavailable.
        """
        async with self._store(PLATFORM, read_only=True) as unit:
            if await unit.versions.declared(FILE) == file.fingerprint:
                return None
        command = ApplyConfigurationCommand(
            wanted=file.wanted,
            options=PlanOptions(owner=FILE, keep_changes=True),
            skip_conflicts=True,
            fingerprint=file.fingerprint,
        )
        plan = await self._commands.execute(SYSTEM, command)
        for change in plan.conflicts:
            self._report(f"{change.kind} {change.key} of the file is left to another file, which declares it")
        return plan
