"""How a process comes to have a configuration: its own secrets are read, the store is made ready, the file is put in
force, the rest is read.

As long as the secrets or the database are away the process waits, says so, and is not ready; then it goes on by itself.
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
from brain_gateway.domain.errors import GatewayError, SecretsUnavailable, StoreUnavailable

AGAIN = 0.5  # seconds between two attempts
REMIND = 120  # attempts after which it is said again what is waited for
SECRETS, DATABASE = "the secrets store", "the database"


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


def waiting_for(lacking: str, detail: str) -> str:
    """What is said of a wait."""
    return f"waiting for {lacking}: {detail or 'it does not answer'}"


class Starting:
    """`obtain` reads the process's own secrets, or raises SecretsUnavailable; `check` is awaited once the store answers
    and may raise ConfigurationError. `report` hears of waits and returns.

    `waiting` says why there is no configuration yet; None once there is.
    """

    def __init__(
        self,
        store: Store,
        commands: CommandBus,
        live: LiveConfiguration,
        obtain: Callable[[], Awaitable[None]],
        check: Callable[[], Awaitable[None]],
        report: Callable[[str], object],
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._commands = commands
        self._live = live
        self._obtain = obtain
        self._check = check
        self._report = report
        self._pause = pause
        self._lacking = DATABASE
        self._attempts = 0
        self.waiting: str | None = "the configuration is being loaded"

    def lacks_secrets(self, detail: str) -> None:
        """Whoever started the process has looked for its secrets, in vain, and said so."""
        self._lacking, self.waiting = SECRETS, waiting_for(SECRETS, detail)

    async def begin(self, file: DeclaredFile) -> bool:
        """One attempt; False when the secrets or the store are away. Raises ConfigurationError."""
        self._attempts += 1
        try:
            self._lacking = SECRETS
            await self._obtain()
            self._lacking = DATABASE
            await self._store.prepare()
            if fault := await self._store.ready():
                raise StoreUnavailable(fault)
            await self._check()
            await self.put_in_force(file)
            await self._live.refresh()
        except (SecretsUnavailable, StoreUnavailable) as error:
            self._wait(waiting_for(self._lacking, error.detail))
            return False
        self.waiting = None
        return True

    async def go_on(self, file: DeclaredFile) -> None:
        """Attempts without end, until one succeeds. What would end a start is told, and may be mended meanwhile."""
        while True:
            await self._pause(AGAIN)
            lacking = self._lacking
            try:
                if await self.begin(file):
                    break
            except GatewayError as error:
                reason = "; ".join(error.detail.splitlines())
                self._wait(f"the configuration cannot be loaded: {reason}")
        self._report(f"{lacking} is there: configuration loaded")

    def _wait(self, reason: str) -> None:
        if self.waiting != reason or self._attempts % REMIND == 0:
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
