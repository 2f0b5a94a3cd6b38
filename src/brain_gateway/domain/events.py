"""What happened, in the past tense. Aggregates collect events; the application publishes them."""

from __future__ import annotations

from dataclasses import dataclass

from brain_gateway.domain.routing.service_status import ServiceStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainEvent:
    """Root of all events: `occurred_at` in unix seconds; `tenant_id` None when it concerns every tenant."""

    occurred_at: float
    tenant_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRegistered(DomainEvent):
    """A service is offered."""

    service: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceDeregistered(DomainEvent):
    """A service is offered no more."""

    service: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteRegistered(DomainEvent):
    """A service got a route; no methods: every method."""

    service: str
    path: str
    methods: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceHealthChanged(DomainEvent):
    """A service went up, down or in between."""

    service: str
    old: ServiceStatus
    new: ServiceStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetHealthChanged(DomainEvent):
    """One target of a service went up or down; `target` is its origin."""

    service: str
    target: str
    healthy: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitOpened(DomainEvent):
    """The breaker of a target opened."""

    service: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitClosed(DomainEvent):
    """The breaker of a target closed again."""

    service: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrationActivated(DomainEvent):
    """A tenant activated an integration."""

    integration_id: str
    integration_name: str
