"""A stream of events to one subscriber (server-sent events, HTML standard section 9.2).

What is waiting for a subscriber is bounded: one who reads too slowly is cut off, and resumes by Last-Event-ID from the
store. What comes twice (events are published at least once) is sent once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field

import orjson

from brain_gateway.application.ports.event_bus import EventBus
from brain_gateway.application.ports.outbox import EventEnvelope
from brain_gateway.application.queries.events import EventPage
from brain_gateway.application.visibility import concerns
from brain_gateway.schemas.rendering import date_time

MEDIA_TYPE = "text/event-stream"
Earlier = Callable[[int], Awaitable[EventPage]]
"""What happened after an id, from the store."""


@dataclass(slots=True)
class EventStreams:
    """The streams of one process. Times in seconds: `poll` between two looks whether a stream must end, `heartbeat`
    between two signs of life. Bounds: events that wait for a subscriber, streams in all, streams of one caller."""

    poll: float = 1.0
    heartbeat: float = 15.0
    most_waiting: int = 256
    most: int = 1000
    most_of_caller: int = 20
    open: dict[str, int] = field(default_factory=dict)

    def full_for(self, caller: str) -> bool:
        """Whether there is no room for one more."""
        return self.open.get(caller, 0) >= self.most_of_caller or sum(self.open.values()) >= self.most

    @contextlib.contextmanager
    def one_more(self, caller: str) -> Iterator[None]:
        """Counts a stream while it is open."""
        self.open[caller] = self.open.get(caller, 0) + 1
        try:
            yield
        finally:
            self.open[caller] -= 1
            if not self.open[caller]:
                del self.open[caller]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Whose events (None: all), of which types (none: all), after which id."""

    caller: str
    tenant_id: str | None
    types: frozenset[str]
    after: int

    def takes(self, event: EventEnvelope) -> bool:
        """Whether the event is wanted."""
        return concerns(event, self.tenant_id) and (not self.types or event.type in self.types)


class _Waiting:
    """What waits for one subscriber."""

    def __init__(self, wanted: Wanted, most: int) -> None:
        self._wanted = wanted
        self._most = most
        self.events: deque[EventEnvelope] = deque()
        self.cut = False
        self.news = asyncio.Event()

    def receive(self, event: EventEnvelope) -> None:
        """Called by the bus."""
        if self.cut or not self._wanted.takes(event):
            return
        if len(self.events) >= self._most:
            self.cut = True
            self.events.clear()
        else:
            self.events.append(event)
        self.news.set()


async def event_stream(
    bus: EventBus,
    streams: EventStreams,
    wanted: Wanted,
    earlier: Earlier,
    ended: Callable[[], bool],
    clock: Callable[[], float],
) -> AsyncIterator[bytes]:
    """What happened after `wanted.after`, then what happens, until `ended()` or the subscriber is too slow."""
    waiting = _Waiting(wanted, streams.most_waiting)
    with streams.one_more(wanted.caller):
        unsubscribe = bus.subscribe(waiting.receive)
        try:
            yield b"retry: 1000\n\n"
            last, more = wanted.after, True
            while more and not ended():
                page = await earlier(last)
                for event in page.items:
                    if wanted.takes(event):
                        yield _message(event)
                last, more = page.last, page.more
            async for message in _live(waiting, streams, last, ended, clock):
                yield message
        finally:
            unsubscribe()


async def _live(
    waiting: _Waiting,
    streams: EventStreams,
    last: int,
    ended: Callable[[], bool],
    clock: Callable[[], float],
) -> AsyncIterator[bytes]:
    spoke = clock()
    while not (waiting.cut or ended()):
        waiting.news.clear()
        while waiting.events:
            event = waiting.events.popleft()
            if event.id > last or not event.id:
                last, spoke = max(last, event.id), clock()
                yield _message(event)
        if clock() - spoke >= streams.heartbeat:
            spoke = clock()
            yield b": alive\n\n"
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(streams.poll):
                await waiting.news.wait()


def _message(event: EventEnvelope) -> bytes:
    """An event that the store does not keep has no id, by which to resume."""
    document = {
        "type": event.type,
        "occurred_at": date_time(event.occurred_at),
        "aggregate": event.aggregate,
        **({} if event.tenant_id is None else {"tenant": event.tenant_id}),
        **({"version": event.version} if event.version else {}),
        **event.data,
    }
    id_ = b"id: %d\n" % event.id if event.id else b""
    return b"%bevent: %b\ndata: %b\n\n" % (id_, event.type.encode(), orjson.dumps(document))
