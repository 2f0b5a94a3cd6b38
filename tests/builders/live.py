"""A data plane over the store in memory: commands change the store, a LiveConfiguration follows it."""

from __future__ import annotations

import itertools
from typing import Any
from uuid import UUID

from brain_gateway.application import commands
from brain_gateway.application.authorization import SYSTEM
from brain_gateway.application.bus import Command, CommandBus
from brain_gateway.application.gateway.data_plane import DataPlane
from brain_gateway.application.gateway.discovery import TargetDiscovery
from brain_gateway.application.gateway.health_monitor import HealthMonitor
from brain_gateway.application.gateway.live_configuration import LiveConfiguration
from brain_gateway.application.gateway.routing_table import RoutingTable, ServiceEntry, TableRules
from brain_gateway.application.gateway.sessions import Session
from brain_gateway.application.ports.unit_of_work import UnitsOfWork
from brain_gateway.domain.errors import StoreUnavailable
from brain_gateway.domain.routing.target_rule import TargetRule
from brain_gateway.infrastructure.identity.api_keys import ApiKeyRing
from brain_gateway.schemas.rendering import document_of
from tests.builders.gateway import FakeGateway, principal
from tests.fakes.manual_clock import ManualClock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.scripted_probe import ScriptedProbe
from tests.fakes.service_discovery import KnownInstances

_NUMBERS = itertools.count(1)


class Plane:
    """A DataPlane with everything behind it; it refuses everything until it is loaded. `soon` keeps what is to run
    later."""

    def __init__(self) -> None:
        self.gateway = FakeGateway()
        self.gateway.router.table = RoutingTable({}, {}, TableRules(), StoreUnavailable)
        for key in list(self.gateway.targets._states):
            self.gateway.targets.forget(key)
        self.probe = ScriptedProbe(self.gateway.clock)
        self.names = KnownInstances()
        self.monitor = HealthMonitor({"http": self.probe, "none": self.probe}, clock=self.gateway.clock)
        self.discovery = TargetDiscovery({"dns": self.names}, clock=self.gateway.clock)
        self.ring = ApiKeyRing()
        self.soon: list[Any] = []
        self.plane = DataPlane(
            self.gateway.router,
            self.gateway.targets,
            self.monitor,
            self.discovery,
            self.ring,
            self.gateway.sessions,
            self.gateway.metrics,
            self.soon.append,
        )

    @property
    def table(self) -> RoutingTable:
        """The routing table in force."""
        return self.gateway.router.table

    def entry(self, name: str, tenant_id: str | None = None) -> ServiceEntry | None:
        """A service of it."""
        return self.table.find(name.encode(), tenant_id)

    def session(self, line: str, tenant_id: str, **about: Any) -> Session:
        """A caller who is known."""
        session = Session(principal(tenant_id, **about), tenant_id, 1e9)
        self.gateway.sessions.put(line.encode(), session)
        return session

    def state(self) -> dict[str, Any]:
        """All that a request can notice, as plain values."""
        table = self.table
        return {
            "services": {
                entry.key: (entry.service, tuple(state.target for state in entry.targets)) for entry in table
            },
            "keys": dict(self.ring._keys),
            "rules": table.rules,
            "absent": table.absent,
            "registered": dict(self.plane.services),
            "watched": {key: set(one.targets) for key, one in self.monitor._services.items()},
            "states": {key: set(known) for key, known in self.gateway.targets._states.items()},
        }


class Process(Plane):
    """A data plane that follows a store; `said`: what it reported. Commands of it are in force here when they return,
    those of others after `live.refresh()`."""

    def __init__(self, store: UnitsOfWork | None = None, **options: Any) -> None:
        super().__init__()
        self.store = store or MemoryStore()
        self.clock = ManualClock()
        self.said: list[str] = []
        self.live = LiveConfiguration(self.store, self.plane, report=self.said.append, **options)
        self.commands = CommandBus(
            self.store, commands.HANDLERS, document_of, self._committed, self.clock.unix, self._new_id,
            lambda count: next(_NUMBERS).to_bytes(count, "big"), TargetRule(anywhere=True),
        )  # fmt: skip

    async def do(self, command: Command[Any]) -> Any:
        """Execute a command as the platform itself."""
        return await self.commands.execute(SYSTEM, command)

    async def _committed(self, version: int) -> None:
        if version:
            await self.live.committed(version)

    def _new_id(self) -> str:
        return str(UUID(int=next(_NUMBERS)))
