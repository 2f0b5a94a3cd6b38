"""What happened, in the past tense. Aggregates collect events; the application publishes them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum

from brain_gateway.domain.routing.service_status import ServiceStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainEvent:
    """Root of all events: `occurred_at` in unix seconds; `tenant_id` None when it concerns every tenant."""

    occurred_at: float
    tenant_id: str | None = None

    @property
    def aggregate(self) -> str:
        """What it happened to, such as "service/tenant/name": events of one aggregate keep their order."""
        return f"tenant/{self.tenant_id or 'platform'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceEvent(DomainEvent):
    """Something happened to a service; `proxied` as ServiceRoute has it: of a global one without, no tenant hears."""

    service: str
    proxied: bool = False

    @property
    def aggregate(self) -> str:
        """The service's key."""
        return f"service/{self.tenant_id or 'platform'}/{self.service}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRegistered(ServiceEvent):
    """A service is offered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceUpdated(ServiceEvent):
    """Settings of a service were changed; `settings` are their names."""

    settings: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceDeregistered(ServiceEvent):
    """A service is offered no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteRegistered(ServiceEvent):
    """A service got a route; no methods: every method."""

    path: str
    methods: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteUpdated(ServiceEvent):
    """A route's rules were changed."""

    path: str
    methods: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteRemoved(ServiceEvent):
    """A service lost a route."""

    path: str
    methods: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetAdded(ServiceEvent):
    """A service got an instance; `target` is its origin."""

    target: str
    weight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetReweighted(ServiceEvent):
    """An instance takes another share of the traffic; 0: drained."""

    target: str
    weight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRemoved(ServiceEvent):
    """A service lost an instance; `expired`: its lease ran out."""

    target: str
    expired: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceHealthChanged(ServiceEvent):
    """A service went up, down or in between."""

    old: ServiceStatus
    new: ServiceStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetHealthChanged(ServiceEvent):
    """One target of a service went up or down; `target` is its origin."""

    target: str
    healthy: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetsDiscovered(ServiceEvent):
    """A look-up gave a service other targets, or other weights; `targets` are origins."""

    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitOpened(ServiceEvent):
    """The breaker of a target opened."""

    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitClosed(ServiceEvent):
    """The breaker of a target closed again."""

    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitChanged(DomainEvent):
    """A limit of a class or of a tenant on a service was set (`requests` in `window` seconds) or taken away."""

    limit: str
    requests: int | None = None
    window: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantRegistered(DomainEvent):
    """The platform has a new tenant."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantUpdated(DomainEvent):
    """A tenant was renamed, suspended or resumed."""

    name: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantDeleted(DomainEvent):
    """A tenant is gone, with all that it owned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyIssued(DomainEvent):
    """A key was given out; `prefix` is what may be shown of it."""

    key_id: str
    prefix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyRevoked(DomainEvent):
    """A key opens nothing any more."""

    key_id: str
    prefix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationApplied(DomainEvent):
    """A declared configuration was put in force by `owner`."""

    owner: str
    created: int
    updated: int
    deleted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrationEvent(DomainEvent):
    """Something happened to an integration of a tenant."""

    integration_id: str
    integration_name: str

    @property
    def aggregate(self) -> str:
        """The integration's configuration."""
        return f"integration/{self.tenant_id or 'platform'}/{self.integration_name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrationActivated(IntegrationEvent):
    """A tenant activated an integration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrationDeactivated(IntegrationEvent):
    """A tenant took an integration out of use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrationRemoved(IntegrationEvent):
    """What a tenant had set up of an integration is gone, with its credentials."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrationUpdated(IntegrationEvent):
    """Settings of a tenant's integration were changed; `settings` are their names."""

    settings: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrationCredentialsChanged(IntegrationEvent):
    """A tenant's integration has other credentials; `fields` are the names of those set, none: forgotten."""

    fields: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrationHealthChanged(IntegrationEvent):
    """A tenant's integration went up, down or in between."""

    old: ServiceStatus
    new: ServiceStatus


def payload(event: DomainEvent) -> dict[str, object]:
    """What an event says beside its time and tenant, as plain values (sets as sorted lists). What does not say that it
    is `proxied` is not."""
    shared = {field.name for field in fields(DomainEvent)}
    said = {
        field.name: _plain(getattr(event, field.name)) for field in fields(event) if field.name not in shared
    }
    if not said.get("proxied"):
        said.pop("proxied", None)
    return said


def _plain(value: object) -> object:
    if isinstance(value, frozenset):
        return sorted(value)
    return value.value if isinstance(value, StrEnum) else value
