"""A gateway of fakes: everything between a head and a pool, in memory, with a clock that stands still."""

from __future__ import annotations

from typing import Any

from brain_gateway.api.edge.runtime import EdgeRuntime, WireLimits
from brain_gateway.application.gateway.deferred import Deferred
from brain_gateway.application.gateway.exchange import ClientAddress, Exchange, Refusal, Reply
from brain_gateway.application.gateway.forwarding import TrustedProxies
from brain_gateway.application.gateway.identification import Identification
from brain_gateway.application.gateway.lanes import LimitRegistry
from brain_gateway.application.gateway.metrics_collector import MetricsCollector
from brain_gateway.application.gateway.request_router import RequestRouter
from brain_gateway.application.gateway.routing_table import (
    RoutingTable,
    ServiceEntry,
    TableRules,
    compile_entry,
)
from brain_gateway.application.gateway.sessions import SessionCache
from brain_gateway.application.gateway.settlement import Settlement
from brain_gateway.application.gateway.targets import TargetRegistry, TargetState
from brain_gateway.application.gateway.trace_ids import TraceIds, TracePolicy
from brain_gateway.domain.events import DomainEvent
from brain_gateway.domain.http.requests import Request, RequestParser
from brain_gateway.domain.resilience.rate_limit import LimitClasses, RateLimit
from brain_gateway.domain.routing.route import Route
from brain_gateway.domain.routing.route_pattern import RoutePattern
from brain_gateway.domain.routing.service_route import ServiceRoute
from brain_gateway.domain.routing.target import Target
from brain_gateway.domain.tenancy import Principal
from tests.builders.requests import client, head
from tests.fakes.access_log import KeptRecords
from tests.fakes.api_keys import KnownKeys
from tests.fakes.manual_clock import ManualClock
from tests.fakes.span_sink import KeptSpans
from tests.fakes.token_verifier import KnownTokens
from tests.fakes.upstream import FakeConnection, FakePool, FakePools

TENANT = "0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a"
OTHER_TENANT = "7f9f43c1-6a4e-4b0e-9f57-0d1f0e6a2b11"
TOKEN = "Authorization: Bearer good-token"
KEY = "X-API-Key: bgk_a-good-key"
AMPLE = LimitClasses(*[RateLimit(1_000_000, 60.0)] * 4)


def service(name: str = "shop", *origins: str, **changes: Any) -> ServiceRoute:
    """A service with targets at `origins`."""
    targets = tuple(map(Target.parse, origins or (f"http://{name}:9000",)))
    return ServiceRoute(**{"name": name, "prefix": "/api", "targets": targets, **changes})


def route(path: str, *methods: str, **changes: Any) -> Route:
    """A route of a service."""
    return Route(RoutePattern(path), frozenset(methods), **changes)


def principal(tenant_id: str = TENANT, *roles: str, **changes: Any) -> Principal:
    """A verified caller."""
    return Principal(
        **{"tenant_id": tenant_id, "user_id": "u-1", "roles": frozenset(roles or ("client",)), **changes}
    )


class FakeGateway:
    """One token (TOKEN) and one key (KEY) of TENANT are known. `random` is what the balancers draw; `spans`: the share
    of traces begun here that are recorded, None for no spans at all."""

    def __init__(
        self,
        *services: ServiceRoute,
        classes: LimitClasses = AMPLE,
        sample: float = 1.0,
        slow: float = 1000.0,
        trusted: TrustedProxies | None = None,
        limits: LimitRegistry | None = None,
        wire_limits: WireLimits | None = None,
        spans: float | None = None,
        clock: ManualClock | None = None,
    ) -> None:
        self.clock = clock or ManualClock()
        self.tokens, self.keys, self.sessions = KnownTokens(), KnownKeys(), SessionCache()
        self.tokens.tokens[b"good-token"] = principal()
        self.keys.keys[b"bgk_a-good-key"] = principal(scheme="api_key", token_id="sha256:a")
        self.pools, self.metrics = FakePools(), MetricsCollector()
        self.targets = TargetRegistry(self.pools)
        self.log, self.spans = KeptRecords(), KeptSpans()
        self.notes: list[tuple[str, str, bool]] = []
        self.events: list[DomainEvent] = []
        self.classes = classes
        self.random = 0.0
        self.limits = limits or LimitRegistry()
        self.identification = Identification(
            self.tokens, self.keys, self.sessions, self.clock, self.clock.unix
        )
        self.ids = TraceIds(self._entropy)
        self._drawn = 0
        trusts = (trusted or TrustedProxies(())).trusts
        self.router = RequestRouter(
            self.compile(*services or (service(),)), self.identification, self.limits, self.ids,
            None if spans is None else TracePolicy(self.ids, spans), self.clock, lambda: self.random, trusts,
        )  # fmt: skip
        self.settlement = Settlement(
            self.metrics, self.limits, self.log, self.clock, self.clock.unix, lambda: self.random,
            lambda *note: self.notes.append(note), self.events.append, sample, slow,
            None if spans is None else self.spans,
        )  # fmt: skip
        self.runtime = EdgeRuntime(
            router=self.router,
            settlement=self.settlement,
            clock=self.clock,
            parser=RequestParser(),
            trusts=trusts,
            limits=wire_limits or WireLimits(),
        )

    def _entropy(self, count: int) -> bytes:
        """Numbers in a row: ids that differ and can be foretold."""
        self._drawn += 1
        return b"".join((self._drawn * 1000 + at).to_bytes(8, "big") for at in range(count // 8))

    def compile(self, *services: ServiceRoute) -> RoutingTable:
        """A table that keeps the states of what stays."""
        entries = [compile_entry(service, self.targets, self.metrics) for service in services]
        for key in self.targets._states.keys() - {entry.key for entry in entries}:
            self.targets.forget(key)
        return RoutingTable({}, {}, TableRules(self.classes)).changed(entries, ())

    def replace(self, *services: ServiceRoute) -> None:
        """Swap the table, as a reload does."""
        self.router.table = self.compile(*services)

    def entry(self, name: str = "shop", tenant_id: str | None = None) -> ServiceEntry:
        """A service of the present table."""
        found = self.router.table.find(name.encode(), tenant_id)
        assert found is not None
        return found

    def target(self, name: str = "shop", at: int = 0) -> TargetState:
        """One target of a service."""
        return self.entry(name).targets[at]

    def pool(self, name: str = "shop", at: int = 0) -> FakePool:
        """Its pool."""
        pool = self.target(name, at).pool
        assert isinstance(pool, FakePool)
        return pool

    def sent(self, name: str = "shop", at: int = 0) -> list[FakeConnection]:
        """What it was sent."""
        return self.pool(name, at).sent

    def admit(
        self, asked: Request | None = None, caller: ClientAddress | None = None
    ) -> Exchange | Refusal | Reply | Deferred:
        """Ask; by default GET /shop/items with TOKEN, on a new connection."""
        return self.router.admit(asked or head("GET /shop/items HTTP/1.1", TOKEN), caller or client())

    def admitted(self, *fields: str, first: str = "GET /shop/items HTTP/1.1") -> Exchange:
        """An exchange of a request with TOKEN; it must be admitted."""
        answer = self.admit(head(first, TOKEN, *fields))
        assert isinstance(answer, Exchange), getattr(answer, "error", answer)
        return answer

    def refused(self, *fields: str, first: str = "GET /shop/items HTTP/1.1") -> Refusal:
        """The refusal of a request without credentials but those in `fields`."""
        answer = self.admit(head(first, *fields))
        assert isinstance(answer, Refusal), answer
        return answer
