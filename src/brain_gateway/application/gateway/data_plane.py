"""The data plane of one process as something that can be changed: services, keys, limits and refused tenants.

Each change is one assignment of a new routing table: a request keeps the one that it began with, and what is known of a
target that stays (breaker, health, connections) is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from brain_gateway.application.gateway.routing_table import TableRules, compile_entry, compile_table

if TYPE_CHECKING:
    from brain_gateway.application.gateway.discovery import TargetDiscovery
    from brain_gateway.application.gateway.health_monitor import HealthMonitor
    from brain_gateway.application.gateway.metrics_collector import MetricsCollector
    from brain_gateway.application.gateway.request_router import RequestRouter
    from brain_gateway.application.gateway.sessions import SessionCache
    from brain_gateway.application.gateway.targets import TargetRegistry
    from brain_gateway.application.ports.api_key_record import ApiKeyRecord
    from brain_gateway.application.ports.api_key_register import ApiKeyRegister
    from brain_gateway.domain.routing.service_route import ServiceRoute
    from brain_gateway.domain.routing.target import Target


class DataPlane:
    """Everything happens in the event loop, between two requests. `soon` runs a callable after what runs now."""

    def __init__(
        self,
        router: RequestRouter,
        targets: TargetRegistry,
        monitor: HealthMonitor,
        discovery: TargetDiscovery,
        keys: ApiKeyRegister,
        sessions: SessionCache,
        metrics: MetricsCollector,
        soon: Callable[[Callable[[], None]], object],
    ) -> None:
        self._router = router
        self._targets = targets
        self._monitor = monitor
        self._discovery = discovery
        self._keys = keys
        self._sessions = sessions
        self._metrics = metrics
        self._soon = soon
        self._services: dict[str, ServiceRoute] = {}
        self._moved: set[str] = set()
        discovery.on_change = self._on_moved

    @property
    def services(self) -> dict[str, ServiceRoute]:
        """What is routed to, by key, as it was registered."""
        return self._services

    @property
    def rules(self) -> TableRules:
        """What holds for all services."""
        return self._router.table.rules

    def load(self, services: Iterable[ServiceRoute], rules: TableRules, keys: Iterable[ApiKeyRecord]) -> None:
        """Replace everything."""
        self._services = {service.key: service for service in services}
        self._discovery.watch(self._services.values())
        located = [self._discovery.located(service) for service in self._services.values()]
        self._monitor.watch(located)
        self._router.table = compile_table(located, rules, self._targets, self._metrics)
        self._keys.replace(keys)
        self._sessions.end_all(lambda principal: principal.scheme == "api_key")
        self.refuse(rules.refused)

    def change(self, put: Iterable[ServiceRoute], dropped: Iterable[str] = ()) -> None:
        """Route to these services, in place of those with their keys, and no more to those with keys `dropped`."""
        gone = [key for key in dropped if self._services.pop(key, None) is not None]
        for key in gone:
            self._discovery.remove(key)
            self._monitor.remove(key)
        entries = []
        for service in put:
            self._services[service.key] = service
            self._discovery.add(service)
            located = self._discovery.located(service)
            self._monitor.add(located)
            entries.append(compile_entry(located, self._targets, self._metrics))
        self._router.table = self._router.table.changed(entries, gone)
        for key in gone:
            self._targets.forget(key)

    def rule(self, rules: TableRules) -> None:
        """Other limits, other tenants refused."""
        self._router.table = self._router.table.ruled(rules)
        self.refuse(rules.refused)

    def refuse(self, tenants: Iterable[str]) -> None:
        """End what is open of these tenants: sessions, and with them tunnels. Requests under way are finished."""
        gone = frozenset(tenants)
        if gone:
            self._sessions.end_all(lambda principal: principal.tenant_id in gone)

    def drop_tenants(self, tenants: Iterable[str]) -> None:
        """Tenants were deleted: their services and keys are gone. That they are refused is a rule."""
        gone = frozenset(tenants)
        if not gone:
            return
        own = [key for key, service in self._services.items() if service.tenant_id in gone]
        if own:
            self.change((), own)
        for tenant_id in gone:
            self._keys.remove_of(tenant_id)

    def know_key(self, record: ApiKeyRecord) -> None:
        """One more key, or other roles for one that is known."""
        self._keys.put(record)
        self._end_key(record.hash)

    def forget_key(self, key_hash: str) -> None:
        """A key was revoked: it is refused from the next request on, and its tunnels end."""
        self._keys.remove(key_hash)
        self._end_key(key_hash)

    def _end_key(self, key_hash: str) -> None:
        self._sessions.end_all(lambda principal: principal.token_id == key_hash)

    def _on_moved(self, service_key: str, targets: tuple[Target, ...]) -> None:
        """Discovery found other targets of a service; several at a time make one new table."""
        if not self._moved:
            self._soon(self._follow)
        self._moved.add(service_key)

    def _follow(self) -> None:
        moved, self._moved = self._moved, set()
        self.change([self._services[key] for key in moved if key in self._services])
