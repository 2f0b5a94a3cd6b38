"""The store in memory: transactions of one writer at a time over a copy, scopes enforced as the databases do it.

`away = True` makes everything fail as if the database were gone. The repositories are in `memory_repositories.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields

from brain_gateway.application.dto import ApiKeyDTO, LimitDTO, ServiceRegistrationDTO, TenantDTO
from brain_gateway.application.ports.configuration_versions import ConfigurationChange
from brain_gateway.application.ports.idempotency_records import IdempotencyRecord
from brain_gateway.application.ports.outbox import EventEnvelope
from brain_gateway.application.scope import Scope
from brain_gateway.domain.audit import AuditEntry
from brain_gateway.domain.errors import StoreUnavailable
from brain_gateway.domain.integrations.integration_config import IntegrationConfig
from tests.fakes.memory_records import MemoryAuditLog, MemoryIdempotency, MemoryOutbox, MemoryVersions
from tests.fakes.memory_repositories import (
    MemoryApiKeys,
    MemoryIntegrations,
    MemoryLimits,
    MemoryServices,
    MemoryTenants,
)


@dataclass
class MemoryState:
    """All rows; values are never changed in place, so that a shallow copy is a copy."""

    services: dict[str, ServiceRegistrationDTO] = field(default_factory=dict)
    tenants: dict[str, TenantDTO] = field(default_factory=dict)
    api_keys: dict[str, ApiKeyDTO] = field(default_factory=dict)
    limits: dict[str, LimitDTO] = field(default_factory=dict)
    integrations: dict[str, IntegrationConfig] = field(default_factory=dict)
    audit: dict[str | None, tuple[AuditEntry, ...]] = field(default_factory=dict)
    outbox: dict[int, EventEnvelope] = field(default_factory=dict)
    published: dict[int, bool] = field(default_factory=dict)
    changes: dict[int, tuple[str | None, tuple[ConfigurationChange, ...]]] = field(default_factory=dict)
    declared: dict[tuple[str | None, str], str] = field(default_factory=dict)
    idempotency: dict[tuple[str, str], tuple[str | None, IdempotencyRecord]] = field(default_factory=dict)
    version: int = 0
    last_event: int = 0

    def copy(self) -> MemoryState:
        """Rows that may be replaced without anybody noticing."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return MemoryState(
            **{name: dict(value) if isinstance(value, dict) else value for name, value in values.items()}
        )


class MemoryUnit:
    """One unit of work. The rows are copied, and other writers wait, from its first call on."""

    def __init__(self, store: MemoryStore, scope: Scope, read_only: bool) -> None:
        self.store = store
        self.scope = scope
        self.read_only = read_only
        self.ended = False
        self._state: MemoryState | None = None
        self._writes = False
        self._relays = False
        self.services = MemoryServices(self)
        self.tenants = MemoryTenants(self)
        self.api_keys = MemoryApiKeys(self)
        self.limits = MemoryLimits(self)
        self.integrations = MemoryIntegrations(self)
        self.audit = MemoryAuditLog(self)
        self.outbox = MemoryOutbox(self)
        self.versions = MemoryVersions(self)
        self.idempotency = MemoryIdempotency(self)

    async def reading(self) -> MemoryState:
        """The rows as this unit sees them."""
        self._check()
        if not self.read_only:
            return await self.writing()
        if self._state is None:
            self._state = self.store.state.copy()
        return self._state

    async def writing(self) -> MemoryState:
        """The rows, to change them. Raises RuntimeError in a unit that only reads."""
        self._check()
        if self.read_only:
            raise RuntimeError("this unit of work only reads")
        if not self._writes:
            await self.store.begin()
            self._writes = True
            self._state = self.store.state.copy()
        assert self._state is not None
        return self._state

    def relaying(self) -> MemoryState | None:
        """The rows for the only relay; None when another unit is the relay."""
        self._check()
        if not self._relays:
            if self.store.relayed:
                return None
            self._relays = self.store.relayed = True
        return self._state if self._writes and self._state else self.store.state

    async def commit(self) -> None:
        self._check()
        await asyncio.sleep(0)
        if self._writes and self._state is not None:
            self.store.state = self._state
        self.end()

    def end(self) -> None:
        """Let others write."""
        self.ended = True
        if self._writes:
            self._writes = False
            self.store.writer.release()
        if self._relays:
            self._relays = self.store.relayed = False

    def _check(self) -> None:
        if self.ended:
            raise RuntimeError("this unit of work has ended")
        if self.store.away:
            raise StoreUnavailable("the database is away")


class MemoryStore:
    """UnitsOfWork in memory. `outdated`: what `ready` complains of while the store itself answers."""

    def __init__(self) -> None:
        self.state = MemoryState()
        self.writer = asyncio.Lock()
        self.relayed = False
        self.away = False
        self.outdated: str | None = None
        self._holder: asyncio.Task[object] | None = None

    @asynccontextmanager
    async def __call__(self, scope: Scope, *, read_only: bool = False) -> AsyncIterator[MemoryUnit]:
        unit = MemoryUnit(self, scope, read_only)
        try:
            yield unit
        finally:
            if not unit.ended:
                unit.end()

    async def ready(self) -> str | None:
        return "the database is away" if self.away else self.outdated

    async def begin(self) -> None:
        """Wait for the other writers; a task that waits for itself would do so for ever."""
        if self.writer.locked() and self._holder is asyncio.current_task():
            raise RuntimeError("a unit of work within a unit of work: the inner one would wait for ever")
        await self.writer.acquire()
        self._holder = asyncio.current_task()
