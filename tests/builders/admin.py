"""The administrative API over the store in memory: an application, its callers, and a clock that stands still."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI

from brain_gateway.api.application import create_application
from brain_gateway.api.dependencies import Door
from brain_gateway.api.rest.admin.control_plane import ControlPlane
from brain_gateway.api.rest.admin.router import PREFIX, admin_router
from brain_gateway.application import commands, queries
from brain_gateway.application.authorization import Actor
from brain_gateway.application.bus import CommandBus, QueryBus
from brain_gateway.application.commands.integrations import IntegrationCommands
from brain_gateway.application.gateway.health_report import HealthReport
from brain_gateway.application.gateway.identification import Identification
from brain_gateway.application.gateway.lanes import LimitRegistry
from brain_gateway.application.gateway.sessions import SessionCache
from brain_gateway.application.integration_credentials import IntegrationCredentials
from brain_gateway.application.queries.health import GetHealthStatusQuery, health_handler
from brain_gateway.application.queries.integrations import CatalogueQueries
from brain_gateway.application.scope import PLATFORM
from brain_gateway.domain.resilience.rate_limit import LimitClasses, RateLimit
from brain_gateway.domain.routing.service_status import ServiceStatus
from brain_gateway.domain.routing.target_rule import TargetRule
from brain_gateway.infrastructure.configuration import parse_configuration
from brain_gateway.infrastructure.memory.event_bus import MemoryEventBus
from brain_gateway.schemas.rendering import document_of
from tests.builders.gateway import OTHER_TENANT, TENANT, principal
from tests.builders.integrations import integration
from tests.fakes.api_keys import KnownKeys
from tests.fakes.integration_catalogue import FakeIntegrationCatalogue
from tests.fakes.manual_clock import ManualClock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.secrets import FakeSecrets
from tests.fakes.token_verifier import KnownTokens

AMPLE = LimitClasses(*[RateLimit(1_000_000, 60.0)] * 4)
ROLES = ("super_admin", "tenant_admin", "manager", "client")
NOBODY_YET = HealthReport(status=ServiceStatus.HEALTHY, services=(), timestamp="2027-01-15T08:16:40.000Z")


_asked: ContextVar[AdminApi] = ContextVar("_asked")


class _Part:
    """A part of the API that is asked, whichever that is."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(getattr(_asked.get(), self._name), name)


@functools.cache
def application() -> FastAPI:
    """One for all: making its routes takes longer than most tests do."""
    return create_application([admin_router(_Part("control"), _Part("door"))])  # type: ignore[arg-type]  # parts of one


class AdminApi:
    """An application with one token for each role in TENANT (`admin.as_("manager")`) and in OTHER_TENANT
    (`admin.as_("manager", OTHER_TENANT)`)."""

    def __init__(
        self, *, rule: TargetRule | None = None, classes: LimitClasses = AMPLE, **changes: Any
    ) -> None:
        self.clock = ManualClock()
        self.store = MemoryStore()
        self.tokens, self.keys, self.sessions = KnownTokens(), KnownKeys(), SessionCache()
        self.committed: list[int] = []
        self.refused: set[str] = set()
        self.purged: list[tuple[Any, ...]] = []
        self.report = NOBODY_YET
        self.bus = MemoryEventBus()
        self.draining = False
        self._ids = itertools.count(1)
        for tenant_id, role in itertools.product(
            (TENANT, OTHER_TENANT), (*ROLES, "service_registrar", "other")
        ):
            self.tokens.tokens[token(role, tenant_id).encode()] = principal(
                tenant_id, role, user_id=f"{role}-of-{tenant_id[:4]}"
            )
        self.secrets = FakeSecrets()
        self.credentials = IntegrationCredentials(
            self.store, self.secrets, self.clock.unix, self._entropy, lambda *told: self.warned.append(told)
        )
        self.warned: list[tuple[Any, ...]] = []
        self.catalogue = FakeIntegrationCatalogue(integration())
        integrations = IntegrationCommands(self.store, self.catalogue, self.credentials)
        self.commands = CommandBus(
            self.store, {**commands.HANDLERS, **integrations.handlers}, document_of, self._committed,
            self.clock.unix, self.new_id, self._entropy, rule or TargetRule(anywhere=True),
            integrations.preparations,
        )  # fmt: skip
        health = health_handler(lambda tenant_id: self.report, lambda key, origin: "closed")
        self.queries = QueryBus(
            self.store,
            {**queries.HANDLERS, **CatalogueQueries(self.catalogue).handlers},
            {GetHealthStatusQuery: health},
        )
        self.control = ControlPlane(
            **{
                "commands": self.commands,
                "queries": self.queries,
                "events": self.bus,
                "describe": document_of,
                "parse": parse_configuration,
                "purge": self._purge,
                "draining": lambda: self.draining,
                "clock": self.clock,
                "new_id": self.new_id,
                **changes,
            }
        )
        identification = Identification(self.tokens, self.keys, self.sessions, self.clock, self.clock.unix)
        self.door = Door(
            identification=identification,
            limits=LimitRegistry(),
            classes=lambda: classes,
            is_served=lambda tenant_id: tenant_id not in self.refused,
            clock=self.clock,
        )

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        """The ASGI application."""
        _asked.set(self)
        await application()(scope, receive, send)

    def new_id(self) -> str:
        """UUIDs in a row."""
        return str(UUID(int=0x10000000_0000_4000_8000_000000000000 + next(self._ids)))

    def _entropy(self, count: int) -> bytes:
        return next(self._ids).to_bytes(count, "big")

    async def _committed(self, version: int) -> None:
        self.committed.append(version)
        async with self.store(PLATFORM) as unit:
            events = await unit.outbox.take(1000) or ()
            await unit.outbox.published([event.id for event in events])
            await unit.commit()
        await self.bus.publish(events)

    async def _purge(self, *asked: Any) -> int:
        self.purged.append(asked)
        return 3

    def as_(self, role: str = "tenant_admin", tenant_id: str = TENANT, **headers: str) -> httpx.AsyncClient:
        """A client with the token of a role."""
        fields = {"Authorization": f"Bearer {token(role, tenant_id)}", **headers}
        return self.client(fields)

    def client(self, headers: Mapping[str, str] | None = None) -> httpx.AsyncClient:
        """A client that sends these fields."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=True)
        return httpx.AsyncClient(transport=transport, base_url=f"http://gw.example{PREFIX}", headers=headers)

    def actor(self, role: str = "super_admin", tenant_id: str = TENANT) -> Actor:
        """Who has a token of a role."""
        return Actor.of(principal(tenant_id, role))


def token(role: str, tenant_id: str = TENANT) -> str:
    """The token of a role."""
    return f"{role}.{tenant_id}"


def problem(answer: httpx.Response) -> str:
    """The last part of a problem's type."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    name: str = json.loads(answer.content)["type"].rpartition(":")[2]
    return name
