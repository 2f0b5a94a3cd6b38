"""Domain events as log lines: what an operator wants to see without being asked."""

from __future__ import annotations

import logging
from dataclasses import asdict

from brain_gateway.domain.events import (
    CircuitOpened,
    DomainEvent,
    ServiceHealthChanged,
    TargetHealthChanged,
    TargetsDiscovered,
)

logger = logging.getLogger("brain_gateway.events")

_LEVELS: dict[type[DomainEvent], int] = {
    TargetHealthChanged: logging.DEBUG
}  # mostly said by the service's own


def log_event(event: DomainEvent) -> None:
    """One line per event; what may mean trouble is a warning."""
    fields = {
        key: ", ".join(value) if isinstance(value, tuple) else str(value)
        for key, value in asdict(event).items()
        if value is not None and key not in ("occurred_at", "proxied")
    }
    trouble = (
        isinstance(event, CircuitOpened)
        or (isinstance(event, ServiceHealthChanged) and event.new.value not in ("healthy", "unknown"))
        or (isinstance(event, TargetsDiscovered) and not event.targets)
    )
    logger.log(
        logging.WARNING if trouble else _LEVELS.get(type(event), logging.INFO),
        type(event).__name__,
        extra=fields,
    )
