"""The event bus of a single process."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from brain_gateway.application.ports.event_bus import Receive
from brain_gateway.application.ports.outbox import EventEnvelope


class MemoryEventBus:
    """See the port. Subscribers are called within `publish`, in the order in which they came."""

    def __init__(self) -> None:
        self._receivers: dict[int, Receive] = {}
        self._next = 0

    async def publish(self, events: Sequence[EventEnvelope]) -> None:
        """See the port."""
        for event in events:
            self.deliver(event)

    def subscribe(self, receive: Receive) -> Callable[[], None]:
        """See the port."""
        number, self._next = self._next, self._next + 1
        self._receivers[number] = receive
        return lambda: self._receivers.pop(number, None) and None

    def deliver(self, event: EventEnvelope) -> None:
        """Tell those who are here."""
        for receive in tuple(self._receivers.values()):
            receive(event)
