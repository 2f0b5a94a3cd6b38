"""The data plane of one process as something that can be changed: services, keys, limits and refused tenants.

Each change is one assignment of a new routing table: a request keeps the one that it began with, and what is known of a
target that stays (breaker, health, connections) is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Set
from dataclasses import replace
from typing import TYPE_CHECKING

from brain_gateway.application.gateway.routing_table import TableRules, compile_entry
from brain_gateway.domain.errors import ConfigurationError

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
        self._deleted: frozenset[str] = frozenset()
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

    def complete(self) -> None:
        """Everything was loaded: from now on what is not there does not exist."""
        self._router.table = self._router.table.complete()

    def change(self, put: Iterable[ServiceRoute], dropped: Iterable[str] = ()) -> None:
        """Route to these services, in place of those with their keys, and no more to those with keys `dropped`.

        Raises ConfigurationError, with nothing changed but what came before it, for a service that this process
        cannot watch: what had its key goes on.
        """
        gone = [key for key in dropped if self._services.pop(key, None) is not None]
        for key in gone:
            self._discovery.remove(key)
            self._monitor.remove(key)
        entries = []
        try:
            for service in put:
                located = self._watched(service)
                self._services[service.key] = service
                entries.append(compile_entry(located, self._targets, self._metrics))
        finally:
            self._router.table = self._router.table.changed(entries, gone)
            for key in gone:
                self._targets.forget(key)

    def _watched(self, service: ServiceRoute) -> ServiceRoute:
        """The service at the targets that hold now, looked up and watched. Raises ConfigurationError."""
        self._discovery.add(service)
        try:
            located = self._placed(service)
            self._monitor.add(located)
        except ConfigurationError:
            known = self._services.get(service.key)
            if known is None:
                self._discovery.remove(service.key)
            else:
                self._discovery.add(known)
            raise
        return located

    def _placed(self, service: ServiceRoute) -> ServiceRoute:
        """The service at the targets that hold now; those that a tenant named are guarded."""
        located = self._discovery.located(service)
        if not service.outside_only:
            return located
        return located.at(tuple(replace(target, guarded=True) for target in located.targets))

    def rule(self, rules: TableRules) -> None:
        """Other limits, other tenants refused: of those that were not refused before, what is open ends (sessions, and
        with them tunnels); their requests under way are finished."""
        refused = rules.refused - self.rules.refused
        self._router.table = self._router.table.ruled(rules)
        if refused:
            self._sessions.end_all(lambda principal: principal.tenant_id in refused)

    def delete_tenants(self, tenants: Iterable[str]) -> None:
        """All tenants that are deleted: their services and keys are gone. That they are refused is a rule."""
        deleted = frozenset(tenants)
        gone, self._deleted = deleted - self._deleted, deleted
        if not gone:
            return
        self.change((), [key for key, service in self._services.items() if service.tenant_id in gone])
        self._keys.remove_of(gone)

    def change_keys(self, put: Iterable[ApiKeyRecord], revoked: Collection[str]) -> None:
        """Keys that are new or other than before, and hashes of those that are refused from the next request on: what
        is open by these, and by those that are others now, ends."""
        ended = set(revoked)
        for key_hash in revoked:
            self._keys.remove(key_hash)
        ended.update(record.hash for record in put if self._keys.put(record))
        if ended:
            self._sessions.end_all(lambda principal: principal.token_id in ended, "api_key")

    def keys(self) -> Set[str]:
        """The hashes of all keys."""
        return self._keys.known()

    def _on_moved(self, service_key: str, targets: tuple[Target, ...]) -> None:
        """Discovery found other targets of a service; several at a time make one new table."""
        if not self._moved:
            self._soon(self._follow)
        self._moved.add(service_key)

    def _follow(self) -> None:
        moved, self._moved = self._moved, set()
        self.change([self._services[key] for key in moved if key in self._services])
