"""Port: events between processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from brain_gateway.application.ports.outbox import EventEnvelope

Receive = Callable[[EventEnvelope], None]


class EventBus(Protocol):
    """At least once, in the order of publication. Publishing to it is how this process's subscribers hear too."""

    async def publish(self, events: Sequence[EventEnvelope]) -> None:
        """Send. Raises StoreUnavailable when nobody else can be reached: publish them again later."""
        ...

    def subscribe(self, receive: Receive) -> Callable[[], None]:
        """Call `receive` with each event from now on; call what is returned to end that."""
        ...
