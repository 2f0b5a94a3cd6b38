"""What GET /health tells, made from what the monitor knows; nobody is asked for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from brain_gateway.application.gateway.health_watch import WatchedService, WatchedTarget
from brain_gateway.domain.routing.service_status import ServiceStatus

REFUSED = "its name leads to an address that a tenant may not name"


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetHealth:
    """One target by its origin. `healthy` is None before the first result, times are ISO 8601 in UTC."""

    target: str
    healthy: bool | None
    response_time_ms: float | None
    checked_at: str | None
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceHealth:
    """One service. `response_time_ms` is the mean over its healthy targets' last checks, None without any."""

    key: str
    name: str
    tenant_id: str | None
    status: ServiceStatus
    response_time_ms: float | None
    since: str
    probed: bool
    targets: tuple[TargetHealth, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReport:
    """All services that a caller may know of, by name, and what they make together."""

    status: ServiceStatus
    services: tuple[ServiceHealth, ...]
    timestamp: str


def report_of(services: Iterable[ServiceHealth], unix: float) -> HealthReport:
    """The report at `unix` seconds since the epoch."""
    ordered = tuple(sorted(services, key=lambda service: service.name))
    return HealthReport(status=overall(ordered), services=ordered, timestamp=iso(unix))


def overall(services: Sequence[ServiceHealth]) -> ServiceStatus:
    """HEALTHY when every probed service is, DOWN when every one is, else DEGRADED (also while unknown)."""
    states = {service.status for service in services if service.probed}
    if states <= {ServiceStatus.HEALTHY}:
        return ServiceStatus.HEALTHY
    return ServiceStatus.DOWN if states == {ServiceStatus.DOWN} else ServiceStatus.DEGRADED


def service_health(watched: WatchedService) -> ServiceHealth:
    """One service's part of the report."""
    targets = tuple(map(_target_health, watched.targets.values()))
    times = [target.response_time_ms for target in targets if target.healthy]
    known = [time for time in times if time is not None]
    return ServiceHealth(
        key=watched.service.key,
        name=watched.service.name,
        tenant_id=watched.service.tenant_id,
        status=watched.service.status,
        response_time_ms=round(sum(known) / len(known), 3) if known else None,
        since=iso(watched.since),
        probed=any(item.probed for item in watched.targets.values()),
        targets=targets,
    )


def iso(unix: float) -> str:
    """ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(unix, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _target_health(item: WatchedTarget) -> TargetHealth:
    if item.target.refused:
        return TargetHealth(
            target=item.target.origin, healthy=False, response_time_ms=None, checked_at=None, detail=REFUSED
        )
    return TargetHealth(
        target=item.target.origin,
        healthy=item.tracker.healthy,
        response_time_ms=None if item.latency is None else round(item.latency * 1000, 3),
        checked_at=None if item.checked_at is None else iso(item.checked_at),
        detail=item.detail if item.probed else "not probed",
    )
