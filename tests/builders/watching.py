"""To watch or to look up these services and no others, as a changed configuration comes to it."""

from __future__ import annotations

from collections.abc import Iterable

from brain_gateway.application.gateway.discovery import TargetDiscovery
from brain_gateway.application.gateway.health_monitor import HealthMonitor
from brain_gateway.domain.routing.service_route import ServiceRoute


def watch(watcher: HealthMonitor | TargetDiscovery, services: Iterable[ServiceRoute]) -> None:
    """What is not among them is removed; the others are added."""
    wanted = {service.key: service for service in services}
    for key in watcher._services.keys() - wanted.keys():
        watcher.remove(key)
    for service in wanted.values():
        watcher.add(service)
