"""What of the platform a tenant gets to see: what it can call, and never where that is."""

from __future__ import annotations

from brain_gateway.application.dto import ServiceRegistrationDTO
from brain_gateway.application.ports.outbox import EventEnvelope
from brain_gateway.domain.routing.service_status import ServiceKind

_OF_THE_PLATFORM = frozenset(
    (
        "ServiceRegistered",
        "ServiceUpdated",
        "ServiceDeregistered",
        "ServiceHealthChanged",
        "RouteRegistered",
        "RouteUpdated",
        "RouteRemoved",
        "LimitChanged",
    )
)
"""Events of global things that tenants hear of. Those of targets name addresses, and are the platform's own."""


def shown_to(item: ServiceRegistrationDTO, tenant_id: str | None) -> bool:
    """Whether a tenant (None: the platform) may know of a service: its own, and global ones that it can call."""
    if tenant_id is None or item.tenant_id is not None:
        return True
    return item.service.exposed and item.service.kind is not ServiceKind.INTERNAL


def concerns(event: EventEnvelope, tenant_id: str | None) -> bool:
    """Whether a tenant (None: the platform) hears of an event."""
    if tenant_id is None or event.tenant_id == tenant_id:
        return True
    return event.tenant_id is None and event.type in _OF_THE_PLATFORM
