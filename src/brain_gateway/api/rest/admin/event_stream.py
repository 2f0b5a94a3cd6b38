"""A stream of events to one subscriber (server-sent events, HTML standard section 9.2).

What is waiting for a subscriber is bounded: one who reads too slowly is told so and cut off, and resumes by
Last-Event-ID from the store. What comes twice (events are published at least once) is sent once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import orjson
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from brain_gateway.application.ports.event_bus import EventBus
from brain_gateway.application.ports.outbox import EventEnvelope
from brain_gateway.application.queries.events import EventPage
from brain_gateway.application.visibility import concerns
from brain_gateway.schemas.rendering import date_time

MEDIA_TYPE = "text/event-stream"
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_ALIVE = b": alive\n\n"
_TOO_SLOW = b": read too slowly, resume after the last id\n\n"
Earlier = Callable[[int], Awaitable[EventPage]]
"""What happened after an id, from the store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Whose events (None: all), of which types (none: all), after which id; `gap`: of those after it some are no longer
    kept."""

    caller: str
    tenant_id: str | None
    types: frozenset[str]
    after: int
    gap: bool = False

    def takes(self, event: EventEnvelope) -> bool:
        """Whether the event is wanted."""
        return concerns(event, self.tenant_id) and (not self.types or event.type in self.types)


@dataclass(slots=True)
class EventStreams:
    """The streams of one process. Times in seconds: `poll` between two looks whether streams must end, `heartbeat`
    between two signs of life. Bounds: events that wait for a subscriber, streams in all, streams of one caller."""

    poll: float = 0.05
    heartbeat: float = 15.0
    most_waiting: int = 256
    most: int = 1000
    most_of_caller: int = 20
    open: dict[str, int] = field(default_factory=dict)
    _streams: dict[EventStream, None] = field(default_factory=dict)
    _timer: asyncio.TimerHandle | None = None

    def begin(self, stream: EventStream) -> bool:
        """Count one more, at once; False when there is no room for it."""
        caller = stream.wanted.caller
        if self.open.get(caller, 0) >= self.most_of_caller or sum(self.open.values()) >= self.most:
            return False
        self.open[caller] = self.open.get(caller, 0) + 1
        self._streams[stream] = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self.poll, self._look)
        return True

    def end(self, stream: EventStream) -> None:
        """It is over; once is enough."""
        if stream not in self._streams:
            return
        del self._streams[stream]
        caller = stream.wanted.caller
        self.open[caller] -= 1
        if not self.open[caller]:
            del self.open[caller]
        if not self._streams and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        """One timer for all of them: wake those that have something to do without an event."""
        for stream in self._streams:
            if stream.due:
                stream.news.set()
        self._timer = asyncio.get_running_loop().call_later(self.poll, self._look)


class EventStream:
    """One subscriber's. `ended()`: whether it must end, whoever reads; `clock`: monotonic seconds."""

    def __init__(
        self,
        bus: EventBus,
        streams: EventStreams,
        wanted: Wanted,
        ended: Callable[[], bool],
        clock: Callable[[], float],
    ) -> None:
        self.wanted = wanted
        self.news = asyncio.Event()
        self._bus, self._streams, self._ended, self._clock = bus, streams, ended, clock
        self._waiting: deque[EventEnvelope] = deque()
        self._cut = False
        self._spoke = clock()
        self._unsubscribe: Callable[[], None] | None = None

    def begin(self) -> bool:
        """Take a place among the streams, and hear what happens from now on; False when there is none."""
        if not self._streams.begin(self):
            return False
        self._unsubscribe = self._bus.subscribe(self._receive)
        return True

    def close(self) -> None:
        """Give the place back; once is enough."""
        self._streams.end(self)
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None

    @property
    def due(self) -> bool:
        """Whether it must end, or has been silent for long."""
        return self._ended() or self._clock() - self._spoke >= self._streams.heartbeat

    def _receive(self, event: EventEnvelope) -> None:
        """Called by the bus."""
        if self._cut or not self.wanted.takes(event):
            return
        if len(self._waiting) >= self._streams.most_waiting:
            self._cut = True
            self._waiting.clear()
        else:
            self._waiting.append(event)
        self.news.set()

    async def messages(self, earlier: Earlier) -> AsyncIterator[bytes]:
        """What happened after `wanted.after`, then what happens, until it must end or the subscriber is too slow."""
        yield b"retry: 1000\n\n"
        last, more = self.wanted.after, True
        if self.wanted.gap:
            yield _written("Gap", {"type": "Gap", "after": last})
        while more and not self._ended():
            page = await earlier(last)
            for event in page.items:
                if self.wanted.takes(event):
                    yield self._message(event)
            last, more = page.last, page.more
        while not (self._cut or self._ended()):
            self.news.clear()
            while self._waiting and not self._ended():
                event = self._waiting.popleft()
                if event.id > last or not event.id:
                    last = max(last, event.id)
                    yield self._message(event)
            if self._clock() - self._spoke >= self._streams.heartbeat:
                self._spoke = self._clock()
                yield _ALIVE
            await self.news.wait()
        if self._cut:
            yield _TOO_SLOW

    def _message(self, event: EventEnvelope) -> bytes:
        """An event that the store does not keep has no id, by which to resume. The version counts what is changed for
        all tenants: it is for the platform."""
        self._spoke = self._clock()
        version = {"version": event.version} if event.version and self.wanted.tenant_id is None else {}
        document = {
            "type": event.type,
            "occurred_at": date_time(event.occurred_at),
            "aggregate": event.aggregate,
            **({} if event.tenant_id is None else {"tenant": event.tenant_id}),
            **version,
            **{name: value for name, value in event.data.items() if name != "proxied"},
        }
        return _written(event.type, document, event.id)


def _written(kind: str, document: dict[str, object], id_: int = 0) -> bytes:
    line = b"id: %d\n" % id_ if id_ else b""
    return b"%bevent: %b\ndata: %b\n\n" % (line, kind.encode(), orjson.dumps(document))


class EventResponse(StreamingResponse):
    """The stream as a response; however it ends, its place is free again."""

    def __init__(self, stream: EventStream, earlier: Earlier) -> None:
        super().__init__(stream.messages(earlier), headers=_HEADERS, media_type=MEDIA_TYPE)
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As Starlette has it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._stream.close()
