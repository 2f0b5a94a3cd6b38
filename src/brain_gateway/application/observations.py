"""What a process observes itself (health, circuits, names that lead elsewhere) among the events that it tells.

Observations are told live, here alone, and kept nowhere: every process makes its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from brain_gateway.application.ports.event_bus import EventBus, Receive
from brain_gateway.application.ports.outbox import EventEnvelope
from brain_gateway.domain.events import (
    CircuitClosed,
    CircuitOpened,
    DomainEvent,
    ServiceHealthChanged,
    TargetHealthChanged,
    TargetsDiscovered,
    payload,
)

_OBSERVED = (ServiceHealthChanged, TargetHealthChanged, TargetsDiscovered, CircuitOpened, CircuitClosed)


class ObservedEvents:
    """An EventBus over another, whose subscribers hear of observations, too; those have the id 0."""

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self._receivers: dict[int, Receive] = {}
        self._numbers = itertools.count()

    async def publish(self, events: Sequence[EventEnvelope]) -> None:
        """See the port."""
        await self._bus.publish(events)

    def subscribe(self, receive: Receive) -> Callable[[], None]:
        """See the port."""
        number = next(self._numbers)
        self._receivers[number] = receive
        leave = self._bus.subscribe(receive)

        def end() -> None:
            self._receivers.pop(number, None)
            leave()

        return end

    def heed(self, event: DomainEvent) -> None:
        """An event of this process; those that are in the outbox come by the bus."""
        if not self._receivers or not isinstance(event, _OBSERVED):
            return
        envelope = EventEnvelope(
            id=0,
            type=type(event).__name__,
            aggregate=event.aggregate,
            tenant_id=event.tenant_id,
            occurred_at=event.occurred_at,
            data=payload(event),
        )
        for receive in tuple(self._receivers.values()):
            receive(envelope)
