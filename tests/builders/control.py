"""The use cases over the store in memory: buses, a clock that stands still, actors."""

from __future__ import annotations

import itertools
from typing import Any
from uuid import UUID

from brain_gateway.application import commands, queries
from brain_gateway.application.authorization import SYSTEM, Actor
from brain_gateway.application.bus import Command, CommandBus, Query, QueryBus
from brain_gateway.application.scope import PLATFORM
from brain_gateway.domain.routing.target_rule import TargetRule
from brain_gateway.schemas.rendering import document_of
from tests.builders.gateway import TENANT
from tests.fakes.manual_clock import ManualClock
from tests.fakes.memory_store import MemoryStore


class Control:
    """`committed`: the versions that the data plane was told of. `store`: another than one in memory."""

    def __init__(self, rule: TargetRule | None = None, store: Any = None) -> None:
        self.clock, self.store = ManualClock(), store or MemoryStore()
        self.committed: list[int] = []
        self._drawn = itertools.count(1)
        self.commands = CommandBus(
            self.store, commands.HANDLERS, document_of, self._commit, self.clock.unix, self.new_id,
            lambda count: next(self._drawn).to_bytes(count, "big"), rule or TargetRule(anywhere=True),
        )  # fmt: skip
        self.queries = QueryBus(self.store, queries.HANDLERS)

    def new_id(self) -> str:
        """UUIDs in a row."""
        return str(UUID(int=0x10000000_0000_4000_8000_000000000000 + next(self._drawn)))

    async def _commit(self, version: int) -> None:
        self.committed.append(version)

    async def do(self, command: Command[Any], actor: Actor = SYSTEM) -> Any:
        """What a command gives."""
        return await self.commands.execute(actor, command)

    async def find(self, query: Query[Any], actor: Actor = SYSTEM) -> Any:
        """What a query finds."""
        return await self.queries.ask(actor, query)

    async def events(self) -> list[tuple[str, dict[str, Any]]]:
        """Type and data of everything in the outbox, without what all events of services say (`proxied`)."""
        async with self.store(PLATFORM, read_only=True) as unit:
            found = await unit.outbox.after(0, 1000)
        return [
            (event.type, {name: event.data[name] for name in event.data if name != "proxied"})
            for event in found
        ]

    def audit(self, tenant_id: str | None = None) -> list[tuple[str, str, str]]:
        """Who did what to what, of one chain."""
        chain = self.store.state.audit.get(tenant_id, ())
        return [(entry.actor, entry.action, entry.subject) for entry in chain]


def actor(role: str = "tenant_admin", tenant_id: str = TENANT) -> Actor:
    """Somebody with a role."""
    return Actor(user_id=f"a-{role}", tenant_id=tenant_id, roles=frozenset((role,)), request_id="r-1")
