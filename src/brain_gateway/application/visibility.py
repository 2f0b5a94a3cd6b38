"""What of the platform a tenant gets to see: what it can call, and never where that is."""

from __future__ import annotations

from brain_gateway.application.dto import ServiceRegistrationDTO
from brain_gateway.application.ports.outbox import EventEnvelope

_OF_A_SERVICE = frozenset(
    (
        "ServiceRegistered",
        "ServiceUpdated",
        "ServiceDeregistered",
        "ServiceHealthChanged",
        "RouteRegistered",
        "RouteUpdated",
        "RouteRemoved",
    )
)
"""Events of a global service that tenants hear of. Those of targets name addresses, and are the platform's own."""
_OF_ALL = frozenset(("LimitChanged",))
"""Events of what holds for every tenant."""


def global_shown_to(tenant_id: str | None, proxied: bool) -> bool:
    """Whether a tenant (None: the platform) may know of a global service: the one rule, of lists, health and events.

    `proxied`: as ServiceRoute has it, whether the service can be called.
    """
    return tenant_id is None or proxied


def shown_to(item: ServiceRegistrationDTO, tenant_id: str | None) -> bool:
    """Whether a tenant (None: the platform) may know of a service: its own, and global ones that it can call."""
    return item.tenant_id is not None or global_shown_to(tenant_id, item.service.proxied)


def concerns(event: EventEnvelope, tenant_id: str | None) -> bool:
    """Whether a tenant (None: the platform) hears of an event: its own things', and those of the global services that
    it may know of as they are after the event (of one that is gone: as it was)."""
    if tenant_id is None or event.tenant_id == tenant_id:
        return True
    if event.tenant_id is not None:
        return False
    if event.type in _OF_A_SERVICE:
        return global_shown_to(tenant_id, event.data.get("proxied") is True)
    return event.type in _OF_ALL
