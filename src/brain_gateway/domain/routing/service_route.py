"""The aggregate: a service as it is offered, its routes, targets and policies."""

from __future__ import annotations

import copy
import re
from collections import Counter
from dataclasses import dataclass, field

from brain_gateway.domain.errors import ConfigurationError, CredentialsInvalid
from brain_gateway.domain.events import DomainEvent, RouteRegistered, ServiceHealthChanged
from brain_gateway.domain.resilience.circuit_breaker import BreakerPolicy
from brain_gateway.domain.resilience.rate_limit import RateLimit
from brain_gateway.domain.resilience.retry import RetryPolicy
from brain_gateway.domain.routing.discovery import DiscoveryPolicy
from brain_gateway.domain.routing.policies import BalancerPolicy, CorsPolicy, ProbePolicy, ProbeType, Timeouts
from brain_gateway.domain.routing.route import Route
from brain_gateway.domain.routing.route_matcher import RouteMatcher
from brain_gateway.domain.routing.service_status import ServiceKind, ServiceStatus
from brain_gateway.domain.routing.target import Target
from brain_gateway.domain.tenancy import tenant_id

__all__ = [
    "BalancerPolicy",
    "CorsPolicy",
    "ProbePolicy",
    "ProbeType",
    "ServiceKind",
    "ServiceRoute",
    "ServiceStatus",
    "Timeouts",
]

MOST_TARGETS = 1000
MOST_ROUTES = 1000  # each is compared with the others of its shape
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*", re.ASCII)


@dataclass(slots=True, kw_only=True, eq=False)
class ServiceRoute:
    """One service of one tenant, or of all (tenant_id None). Raises ConfigurationError and Conflict.

    Invariants: the name is one path segment; no more than MOST_TARGETS and MOST_ROUTES; no two targets have one
    origin; no two routes tie; the status changes by update_health_status alone. That a name is unique per tenant is
    for its repository to hold (`key`). prefix: "" or "/a/b". roles: any of these is needed (none: every authenticated
    caller). host_header: "upstream", "preserve" or a literal host[:port]. max_body: bytes, 0: no limit. strict: only
    the listed routes exist. discovery: where its targets are looked up; `targets` hold until something is found.
    outside_only: a tenant registered it, so its targets are guarded.
    """

    name: str
    tenant_id: str | None = None
    kind: ServiceKind = ServiceKind.BACKEND
    prefix: str = ""
    targets: tuple[Target, ...] = ()
    routes: tuple[Route, ...] = ()
    exposed: bool = True
    roles: frozenset[str] = frozenset()
    limit: RateLimit | None = None
    balancer: BalancerPolicy = field(default_factory=BalancerPolicy)
    breaker: BreakerPolicy = field(default_factory=BreakerPolicy)
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    timeouts: Timeouts = field(default_factory=Timeouts)
    probe: ProbePolicy = field(default_factory=ProbePolicy)
    cors: CorsPolicy | None = None
    host_header: str = "upstream"
    max_body: int = 0
    websocket: bool = True
    strict: bool = False
    outside_only: bool = False
    discovery: DiscoveryPolicy | None = None
    status: ServiceStatus = field(default=ServiceStatus.UNKNOWN, init=False)
    _matcher: RouteMatcher = field(init=False, repr=False)
    _events: list[DomainEvent] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        if _NAME.fullmatch(self.name) is None:
            raise ConfigurationError(
                f'service name "{self.name}" is not 1 to 63 of a-z, 0-9 and -, not beginning with -'
            )
        self.tenant_id = _owner(self.tenant_id, self.name)
        self.prefix = normal_prefix(self.prefix)
        self.targets = tuple(self.targets)
        _check_targets(self.targets, self.name)
        if self.max_body < 0:
            raise ConfigurationError(f"service {self.name}: max_body must be at least 0, not {self.max_body}")
        if self.host_header not in ("upstream", "preserve"):
            _check_host_header(self.host_header)
        if len(self.routes) > MOST_ROUTES:
            raise ConfigurationError(
                f"service {self.name}: has {len(self.routes)} routes; at most {MOST_ROUTES} are taken"
            )
        self._matcher = RouteMatcher(self.routes)
        self.routes = self._matcher.routes

    @property
    def key(self) -> str:
        """The identity: "name" of a global service, "tenant id/name" of a tenant's own."""
        return self.name if self.tenant_id is None else f"{self.tenant_id}/{self.name}"

    @property
    def proxied(self) -> bool:
        """Whether it is offered through the proxy. A global one that is not, no tenant may know of."""
        return self.exposed and self.kind is not ServiceKind.INTERNAL

    @property
    def matcher(self) -> RouteMatcher:
        """The routes, compiled; a new one after each registration."""
        return self._matcher

    def at(self, targets: tuple[Target, ...]) -> ServiceRoute:
        """The same service, with its status, at other targets. Raises ConfigurationError for two of one origin."""
        if targets == self.targets:
            return self
        _check_targets(targets, self.name)
        other = copy.copy(self)
        other.targets, other._events = targets, []
        return other

    def register_route(self, route: Route, now: float) -> None:
        """Adds a route (`now` in unix seconds). Raises Conflict when it ties with one that is there."""
        self._matcher = RouteMatcher((*self.routes, route))
        self.routes = self._matcher.routes
        self._events.append(
            RouteRegistered(
                occurred_at=now,
                tenant_id=self.tenant_id,
                service=self.name,
                proxied=self.proxied,
                path=route.pattern.text,
                methods=route.methods,
            )
        )

    def update_health_status(self, status: ServiceStatus, now: float) -> bool:
        """Takes a new status (`now` in unix seconds); True, and an event, when it differs."""
        if status is self.status:
            return False
        event = ServiceHealthChanged(
            occurred_at=now,
            tenant_id=self.tenant_id,
            service=self.name,
            proxied=self.proxied,
            old=self.status,
            new=status,
        )
        self.status = status
        self._events.append(event)
        return True

    def can_route_request(self) -> bool:
        """Whether a request has somewhere to go: a target that is not drained, and the service is not DOWN.

        Whether it may come from outside is another question (`exposed`).
        """
        return self.status is not ServiceStatus.DOWN and any(not target.drained for target in self.targets)

    def pull_events(self) -> list[DomainEvent]:
        """What happened since the last call, oldest first; each event is given once."""
        events, self._events = self._events, []
        return events


def normal_prefix(text: str) -> str:
    """An upstream path prefix as "" or "/a/b"; raises ConfigurationError."""
    prefix = text.rstrip("/")
    if _PREFIX.fullmatch(prefix) is None or any(part in (".", "..") for part in prefix.split("/")):
        raise ConfigurationError(f'prefix "{text}" is not a path such as /api/v1 (no query, no dot segments)')
    return prefix


def _owner(text: str | None, name: str) -> str | None:
    if text is None:
        return None
    try:
        return tenant_id(text)
    except CredentialsInvalid as fault:
        raise ConfigurationError(f"service {name}: {fault.detail}") from None


def _check_targets(targets: tuple[Target, ...], name: str) -> None:
    if len(targets) > MOST_TARGETS:
        raise ConfigurationError(
            f"service {name}: has {len(targets)} targets; at most {MOST_TARGETS} are taken"
        )
    counts = Counter(target.origin for target in targets)
    twice = sorted(origin for origin, count in counts.items() if count > 1)
    if twice:
        raise ConfigurationError(
            f"service {name}: target {twice[0]} is listed twice; give it a weight instead"
        )


def _check_host_header(text: str) -> None:
    try:
        Target.parse(f"http://{text}")
    except ConfigurationError:
        raise ConfigurationError(
            f'host_header "{text}" is neither upstream, preserve nor a host[:port]'
        ) from None
