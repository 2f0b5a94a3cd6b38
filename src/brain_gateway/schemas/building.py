"""From the models of the file to domain objects."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from brain_gateway.application.ports.api_key_record import ApiKeyRecord
from brain_gateway.domain.resilience.circuit_breaker import BreakerPolicy
from brain_gateway.domain.resilience.rate_limit import LimitClasses, RateLimit
from brain_gateway.domain.resilience.retry import RetryPolicy
from brain_gateway.domain.routing.discovery import DiscoveryPolicy, Lookup, RecordType
from brain_gateway.domain.routing.policies import (
    BalancerPolicy,
    CachePolicy,
    CorsPolicy,
    ProbePolicy,
    ProbeType,
    Timeouts,
)
from brain_gateway.domain.routing.route import Route
from brain_gateway.domain.routing.service_route import ServiceRoute
from brain_gateway.domain.routing.target import Target, is_address
from brain_gateway.schemas.checks import is_exposed
from brain_gateway.schemas.file import ApiKeyModel, LimitsModel, TenantLimitsModel, fill_template
from brain_gateway.schemas.policies import (
    DiscoveryModel,
    LimitModel,
    ProbeModel,
)
from brain_gateway.schemas.service import RouteModel, ServiceModel
from brain_gateway.settings.addresses import is_loopback

_BALANCER, _BREAKER, _RETRY, _TIMEOUTS = BalancerPolicy(), BreakerPolicy(), RetryPolicy(), Timeouts()
_BY_WEIGHT = BalancerPolicy("weighted")
_NO_ROLES: frozenset[str] = frozenset()


class ServiceBuilder:
    """Makes services; policies are frozen, so thousands of services share the default ones.

    auto_discovery: whether services that the host template gives a name are looked up by it.
    """

    def __init__(
        self, host_template: str, health_check_interval: float, auto_discovery: bool = False
    ) -> None:
        self._host_template = host_template
        self._auto_discovery = auto_discovery
        self._interval = health_check_interval
        self._probe = ProbePolicy(interval=health_check_interval)
        self._limits: dict[LimitModel, RateLimit] = {}

    def build(self, name: str, model: ServiceModel, tenant_id: str | None) -> ServiceRoute:
        """The service. Raises ConfigurationError for what only the domain can tell."""
        discovery = self._discovery(name, model)
        return ServiceRoute(
            name=name,
            tenant_id=tenant_id,
            kind=model.kind,
            prefix=model.prefix,
            targets=self._targets(name, model, discovery),
            discovery=discovery,
            routes=tuple([self.route(route) for route in model.routes]),
            exposed=is_exposed(model),
            roles=_roles(model.roles),
            limit=self._limit(model.limit),
            balancer=_balancer(model),
            breaker=_BREAKER if model.breaker is None else BreakerPolicy(**dict(model.breaker)),
            retry=_RETRY if model.retry is None else RetryPolicy(**dict(model.retry)),
            timeouts=_TIMEOUTS if model.timeouts is None else Timeouts(**dict(model.timeouts)),
            probe=self._probe if model.probe is None else self._probe_policy(model.probe),
            cors=None if model.cors is None else CorsPolicy(**dict(model.cors)),
            host_header=model.host_header,
            max_body=model.max_body,
            websocket=model.websocket,
            strict=model.strict,
        )

    def needs_port(self, model: ServiceModel) -> bool:
        """Whether it has neither targets, nor a discovery, nor the port that the host template asks for."""
        if model.discovery is not None:
            return False
        return model.targets is None and model.port is None and "{port}" in self._host_template

    def _targets(
        self, name: str, model: ServiceModel, discovery: DiscoveryPolicy | None
    ) -> tuple[Target, ...]:
        if model.targets is not None:
            return tuple(target.to_domain() for target in model.targets)
        return (self._templated(name, model),) if discovery is None else discovery.unanswered

    def _templated(self, name: str, model: ServiceModel) -> Target:
        return Target.parse(fill_template(self._host_template, name, model.port))

    def _discovery(self, name: str, model: ServiceModel) -> DiscoveryPolicy | None:
        if model.discovery is not None:
            return _discovery(model.discovery, model.port)
        if not self._auto_discovery or model.targets is not None:
            return None
        target = self._templated(name, model)
        if is_address(target.host) or is_loopback(target.host):
            return None
        return DiscoveryPolicy(Lookup(target.host), target.port, target.scheme)

    def route(self, model: RouteModel) -> Route:
        """One route. Raises ConfigurationError."""
        return Route(
            model.path,
            frozenset(model.methods),
            model.public,
            _roles(model.roles),
            self._limit(model.limit),
            None if model.cache is None else CachePolicy(**dict(model.cache)),
        )

    def _limit(self, model: LimitModel | None) -> RateLimit | None:
        if model is None:
            return None
        limit = self._limits.get(model)
        if limit is None:
            limit = self._limits[model] = rate_limit(model)
        return limit

    def _probe_policy(self, model: ProbeModel) -> ProbePolicy:
        return ProbePolicy(
            type=model.type,
            path=_probe_path(model),
            interval=self._interval if model.interval is None else model.interval,
            timeout=model.timeout,
            healthy_after=model.healthy_after,
            unhealthy_after=model.unhealthy_after,
        )


def rate_limit(model: LimitModel) -> RateLimit:
    """The limit."""
    return RateLimit(model.requests, model.window, model.burst)


def limit_classes(model: LimitsModel | None) -> LimitClasses:
    """The four classes; one that the file leaves out keeps the domain's default."""
    given = {} if model is None else {name: limit for name, limit in model if limit is not None}
    return LimitClasses(**{name: rate_limit(limit) for name, limit in given.items()})


def tenant_limits(model: TenantLimitsModel | None) -> Iterator[tuple[str, RateLimit]]:
    """The limits of one tenant, by class or "service:NAME"."""
    if model is None:
        return
    for name, limit in model:
        if isinstance(limit, LimitModel):
            yield name, rate_limit(limit)
    for name, limit in (model.services or {}).items():
        yield f"service:{name}", rate_limit(limit)


def api_key_record(model: ApiKeyModel, tenant_id: str) -> ApiKeyRecord:
    """The record of one API key."""
    return ApiKeyRecord(
        hash=model.hash,
        prefix=model.prefix,
        tenant_id=tenant_id,
        user_id=model.user,
        roles=_roles(model.roles),
        expires_at=math.inf if model.expires_at is None else model.expires_at,
    )


def _balancer(service: ServiceModel) -> BalancerPolicy:
    """SRV records have weights, and mean them; who names a strategy means that."""
    model = service.balancer
    if model is not None:
        return BalancerPolicy(model.strategy, model.hash_on or _BALANCER.hash_on)
    weighted = service.discovery is not None and service.discovery.record is RecordType.SRV
    return _BY_WEIGHT if weighted else _BALANCER


def _discovery(model: DiscoveryModel, port: int | None) -> DiscoveryPolicy:
    lookup = Lookup(
        model.name, model.type, model.record, model.min_interval, model.max_interval, model.empty_after
    )
    return DiscoveryPolicy(
        lookup, port if model.port is None else model.port, model.scheme, model.server_name or ""
    )


def _probe_path(model: ProbeModel) -> str:
    """The domain writes every path with a leading slash; a gRPC service name gets one here."""
    if model.path is None:
        return "/health" if model.type is ProbeType.HTTP else "/"
    return model.path if model.path.startswith("/") else f"/{model.path}"


def _roles(names: Iterable[str]) -> frozenset[str]:
    return frozenset(names) or _NO_ROLES
