"""How the services are, from memory: nobody is asked for this answer, not even the store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from brain_gateway.application.authorization import Action, Actor
from brain_gateway.application.bus import MemoryHandler, Query
from brain_gateway.application.gateway.health_report import HealthReport, ServiceHealth, TargetHealth

BreakerState = Callable[[str, str], str]
"""closed, half_open or open: of a service's key and a target's origin."""


@dataclass(frozen=True, slots=True)
class TargetState:
    """A target's health and its breaker. `target.target` is empty where the address is not for the caller."""

    target: TargetHealth
    breaker: str


@dataclass(frozen=True, slots=True)
class ServiceState:
    """A service's health and its targets'."""

    service: ServiceHealth
    targets: tuple[TargetState, ...]


@dataclass(frozen=True, slots=True)
class HealthStatus:
    """What makes the whole, and each service by name."""

    report: HealthReport
    services: tuple[ServiceState, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GetHealthStatusQuery(Query[HealthStatus]):
    """How the services are that a tenant (None: nobody in particular) can call; `name`: that one alone."""

    action = Action.READ_HEALTH
    name: str = ""


def health_handler(report: Callable[[str | None], HealthReport], breaker: BreakerState) -> MemoryHandler:
    """The handler over a HealthMonitor's report and the state of breakers."""

    def get_health_status(query: GetHealthStatusQuery, actor: Actor) -> HealthStatus:
        found = report(query.tenant_id)
        services = tuple(
            _state(service, breaker, actor) for service in found.services if query.name in ("", service.name)
        )
        return HealthStatus(found, services)

    return get_health_status


def _state(service: ServiceHealth, breaker: BreakerState, actor: Actor) -> ServiceState:
    """Where global services are is for the platform's people."""
    shown = actor.everywhere or service.tenant_id is not None
    targets = [
        TargetState(one if shown else replace(one, target=""), breaker(service.key, one.target))
        for one in service.targets
    ]
    return ServiceState(service, tuple(targets))
