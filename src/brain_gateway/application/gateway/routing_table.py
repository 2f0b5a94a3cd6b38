"""The routing table: every service compiled for the path, in one immutable snapshot, replaced whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from brain_gateway.application.gateway.metrics_collector import MetricsCollector, ServiceMetrics
from brain_gateway.domain.errors import GatewayError, ServiceNotFound
from brain_gateway.domain.resilience.load_balancer import LoadBalancer
from brain_gateway.domain.resilience.rate_limit import LimitClasses, RateLimit
from brain_gateway.domain.resilience.retry import RetryBudget
from brain_gateway.domain.routing.service_route import ServiceRoute

if TYPE_CHECKING:
    from brain_gateway.application.gateway.targets import TargetRegistry, TargetState

# First path segments that are the gateway's own; no service may take them.
RESERVED = frozenset(
    ("", "health", "metrics", "docs", "redoc", "openapi.json", "api", "graphql", "ws", "mcp", "console",
     "brain-gateway", "favicon.ico")
)  # fmt: skip
RESERVED_BYTES = frozenset(name.encode() for name in RESERVED)


class ServiceEntry:
    """One service, ready for the path."""

    __slots__ = (
        "balancer",
        "budget",
        "cached",
        "cors",
        "hash_header",
        "host_line",
        "idle_timeout",
        "key",
        "matcher",
        "metrics",
        "name",
        "own_host",
        "prefix",
        "proxied",
        "response_timeout",
        "service",
        "single",
        "targets",
        "total_timeout",
    )

    def __init__(
        self, service: ServiceRoute, targets: tuple[TargetState, ...], metrics: ServiceMetrics
    ) -> None:
        self.service = service
        self.name = service.name
        self.key = service.key
        self.prefix = service.prefix.encode("ascii")
        self.proxied = service.proxied
        self.matcher = service.matcher if service.routes else None
        self.targets = targets
        self.single = targets[0] if len(targets) == 1 and targets[0].target.weight else None
        self.balancer = LoadBalancer(
            service.balancer.strategy,
            [state.target.weight for state in targets],
            [state.name for state in targets],
        )
        hash_on = service.balancer.hash_on or "tenant"
        self.hash_header = hash_on.partition(":")[2].lower().encode()
        self.cors = service.cors
        self.cached = any(route.cache is not None for route in service.routes)
        self.own_host = service.host_header != "upstream"
        literal = self.own_host and service.host_header != "preserve"
        self.host_line = b"Host: " + service.host_header.encode("ascii") if literal else b""
        timeouts = service.timeouts  # 0 means none
        self.response_timeout = timeouts.response or float("inf")
        self.idle_timeout = timeouts.idle or float("inf")
        self.total_timeout = timeouts.total
        self.budget = RetryBudget(service.retry)
        self.metrics = metrics


@dataclass(frozen=True, slots=True)
class TableRules:
    """What holds for all services: the limit classes, the limits of single tenants by (tenant id, class or
    "service:NAME"), and the tenants that are refused, suspended or deleted."""

    limits: LimitClasses = field(default_factory=LimitClasses)
    tenant_limits: Mapping[tuple[str, str], RateLimit] = field(default_factory=dict)
    refused: Set[str] = frozenset()


class RoutingTable:
    """Services by name: the global ones, and each tenant's own, which shadow them. `absent` is what is said of a name
    that is none of them."""

    __slots__ = ("_global", "_tenants", "absent", "rules")

    def __init__(
        self,
        services: Mapping[bytes, ServiceEntry],
        tenants: Mapping[str, Mapping[bytes, ServiceEntry]],
        rules: TableRules,
        absent: type[GatewayError] = ServiceNotFound,
    ) -> None:
        self._global = services
        self._tenants = tenants
        self.rules = rules
        self.absent = absent

    def find(self, name: bytes, tenant_id: str | None) -> ServiceEntry | None:
        """The service that this tenant means by a name; None for an anonymous caller's tenant-owned names."""
        own = self._tenants.get(tenant_id) if tenant_id is not None else None
        if own is not None and name in own:
            return own[name]
        return self._global.get(name)

    def renewed(self) -> RoutingTable:
        """The same table as another object: what was worked out from this one is worked out anew."""
        return RoutingTable(self._global, self._tenants, self.rules, self.absent)

    def ruled(self, rules: TableRules) -> RoutingTable:
        """The same services under other rules."""
        return RoutingTable(self._global, self._tenants, rules, self.absent)

    def complete(self) -> RoutingTable:
        """The same services, and there are no others: a name that is none of them does not exist."""
        return RoutingTable(self._global, self._tenants, self.rules)

    def changed(self, put: Iterable[ServiceEntry], dropped: Iterable[str]) -> RoutingTable:
        """A table with some entries put in, in place of those with their keys, and those with keys `dropped` left out.

        Costs a copy of the dictionaries of names, however many services there are.
        """
        shared, tenants = dict(self._global), dict(self._tenants)
        copied: dict[str, dict[bytes, ServiceEntry]] = {}

        def place(tenant_id: str | None) -> dict[bytes, ServiceEntry]:
            if tenant_id is None:
                return shared
            if tenant_id not in copied:
                tenants[tenant_id] = copied[tenant_id] = dict(self._tenants.get(tenant_id, {}))
            return copied[tenant_id]

        for entry in put:
            place(entry.service.tenant_id)[entry.name.encode()] = entry
        for key in dropped:
            tenant_id, _, name = key.rpartition("/")
            place(tenant_id or None).pop(name.encode(), None)
        for tenant_id, own in copied.items():
            if not own:
                del tenants[tenant_id]
        return RoutingTable(shared, tenants, self.rules, self.absent)

    def __iter__(self) -> Iterator[ServiceEntry]:
        yield from self._global.values()
        for own in self._tenants.values():
            yield from own.values()


def compile_entry(service: ServiceRoute, targets: TargetRegistry, metrics: MetricsCollector) -> ServiceEntry:
    """Compile one service."""
    return ServiceEntry(service, targets.states(service), metrics.of(service.name))
