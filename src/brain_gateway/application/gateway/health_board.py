"""Keeps the parts of the health report, so that asking for it costs little with 10,000 services."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from brain_gateway.application.gateway.health_report import (
    HealthReport,
    ServiceHealth,
    report_of,
    service_health,
)
from brain_gateway.application.gateway.health_watch import WatchedService
from brain_gateway.application.visibility import global_shown_to
from brain_gateway.domain.routing.service_route import ServiceKind

REPORT_AGE = 1.0  # seconds for which a report serves again, unless some health changed


class HealthBoard:
    """Reports on `services` (by key). `clock` is monotonic seconds, `unix` seconds since the epoch."""

    def __init__(
        self,
        services: Mapping[str, WatchedService],
        clock: Callable[[], float],
        unix: Callable[[], float],
    ) -> None:
        self._services = services
        self._clock, self._unix = clock, unix
        self._parts: dict[str, ServiceHealth] = {}
        self._shared: dict[bool, tuple[float, HealthReport]] = {}
        """The global services': (monotonic, report), as tenants get it (True), and whole."""

    def checked(self, key: str) -> None:
        """A check of the service came in: its part is out of date, the report will be soon."""
        self._parts.pop(key, None)

    def changed(self, key: str) -> None:
        """Some health of the service changed: the reports are out of date."""
        self._parts.pop(key, None)
        self._shared.clear()

    def report(self, tenant_id: str | None) -> HealthReport:
        """What a tenant may know: its own services, which shadow the global ones that it can call. For nobody in
        particular (None): all global ones but the internal."""
        shared = self._shared_report(tenant_id)
        own = [] if tenant_id is None else list(self._parts_of(tenant_id, tenant_id))
        if not own:
            return shared
        by_name = {part.name: part for part in (*shared.services, *own)}
        return report_of(by_name.values(), self._unix())

    def _shared_report(self, tenant_id: str | None) -> HealthReport:
        now, tenants = self._clock(), tenant_id is not None
        known = self._shared.get(tenants)
        if known is None or now - known[0] > REPORT_AGE:
            parts = self._parts_of(None, tenant_id)
            known = self._shared[tenants] = (now, report_of(parts, self._unix()))
        return known[1]

    def _parts_of(self, owner: str | None, viewer: str | None) -> Iterable[ServiceHealth]:
        for key, watched in self._services.items():
            service = watched.service
            if service.tenant_id != owner or service.kind is ServiceKind.INTERNAL:
                continue
            if owner is None and not global_shown_to(viewer, service.proxied):
                continue
            if key not in self._parts:
                self._parts[key] = service_health(watched)
            yield self._parts[key]
