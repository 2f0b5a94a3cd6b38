"""What a configuration file says, as domain objects: the input of the routing table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from brain_gateway.application.ports.api_key_record import ApiKeyRecord
from brain_gateway.domain.resilience.rate_limit import LimitClass, LimitClasses, RateLimit
from brain_gateway.domain.routing.service_route import ServiceRoute

__all__ = ["ApiKeyRecord", "GatewayConfiguration"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayConfiguration:
    """Services (global ones have no tenant_id), the limit classes, API keys, tenants' names by id, and the limits of
    single tenants by (tenant id, class or "service:NAME"). label: whose all this is, where the file says so."""

    services: tuple[ServiceRoute, ...]
    limit_classes: LimitClasses = field(default_factory=LimitClasses)
    api_keys: tuple[ApiKeyRecord, ...] = ()
    tenants: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    tenant_limits: Mapping[tuple[str, str], RateLimit] = field(default_factory=lambda: MappingProxyType({}))
    label: str | None = None

    def own_limits(self) -> Iterator[tuple[str, RateLimit]]:
        """The limit classes that differ from the defaults, by name."""
        defaults = LimitClasses()
        for name in LimitClass:
            limit = getattr(self.limit_classes, name)
            if limit != getattr(defaults, name):
                yield name.value, limit

    def limits(self) -> Iterator[RateLimit]:
        """Every limit that is named anywhere."""
        classes = self.limit_classes
        yield from (classes.default, classes.agents, classes.admin, classes.public)
        yield from self.tenant_limits.values()
        for service in self.services:
            named = (service.limit, *(route.limit for route in service.routes))
            yield from (limit for limit in named if limit is not None)
