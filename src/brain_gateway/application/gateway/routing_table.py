"""The routing table: every service compiled for the path, in one immutable snapshot, replaced whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from brain_gateway.application.gateway.metrics_collector import MetricsCollector, ServiceMetrics
from brain_gateway.domain.resilience.load_balancer import LoadBalancer
from brain_gateway.domain.resilience.rate_limit import LimitClasses
from brain_gateway.domain.resilience.retry import RetryBudget
from brain_gateway.domain.routing.service_route import ServiceKind, ServiceRoute

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
        self.proxied = service.exposed and service.kind is not ServiceKind.INTERNAL
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
        self.own_host = service.host_header != "upstream"
        literal = self.own_host and service.host_header != "preserve"
        self.host_line = b"Host: " + service.host_header.encode("ascii") if literal else b""
        timeouts = service.timeouts  # 0 means none
        self.response_timeout = timeouts.response or float("inf")
        self.idle_timeout = timeouts.idle or float("inf")
        self.total_timeout = timeouts.total
        self.budget = RetryBudget(service.retry)
        self.metrics = metrics


class RoutingTable:
    """Services by name: the global ones, and each tenant's own, which shadow them."""

    __slots__ = ("_global", "_tenants", "limits")

    def __init__(
        self,
        services: Mapping[bytes, ServiceEntry],
        tenants: Mapping[str, Mapping[bytes, ServiceEntry]],
        limits: LimitClasses,
    ) -> None:
        self._global = services
        self._tenants = tenants
        self.limits = limits

    def find(self, name: bytes, tenant_id: str | None) -> ServiceEntry | None:
        """The service that this tenant means by a name; None for an anonymous caller's tenant-owned names."""
        own = self._tenants.get(tenant_id) if tenant_id is not None else None
        if own is not None and name in own:
            return own[name]
        return self._global.get(name)

    def renewed(self) -> RoutingTable:
        """The same table as another object: what was worked out from this one is worked out anew."""
        return RoutingTable(self._global, self._tenants, self.limits)

    def __iter__(self) -> Iterator[ServiceEntry]:
        yield from self._global.values()
        for own in self._tenants.values():
            yield from own.values()


def compile_table(
    services: Iterable[ServiceRoute], limits: LimitClasses, targets: TargetRegistry, metrics: MetricsCollector
) -> RoutingTable:
    """Compile a configuration; states, pools and counters of what stays are kept."""
    shared: dict[bytes, ServiceEntry] = {}
    owned: dict[str, dict[bytes, ServiceEntry]] = {}
    named: set[tuple[str, str]] = set()
    for service in services:
        entry = ServiceEntry(service, targets.states(service), metrics.of(service.name))
        named.update((service.key, target.origin) for target in service.targets)
        place = shared if service.tenant_id is None else owned.setdefault(service.tenant_id, {})
        place[service.name.encode()] = entry
    targets.keep_only(named)
    return RoutingTable(shared, owned, limits)
