"""EventBus on a Valkey or Redis stream: what this process publishes and what others do comes back in one order.

Others may read the stream too (XREAD or a consumer group on `{bg}:events`): each entry has the fields id, type,
aggregate, tenant, occurred_at, version and data (JSON). An id that comes again is the same event. The newest some
10,000 entries are kept.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import orjson
from redis.exceptions import RedisError

from brain_gateway.application.ports.event_bus import Receive
from brain_gateway.application.ports.outbox import EventEnvelope
from brain_gateway.domain.errors import StoreUnavailable

if TYPE_CHECKING:
    from redis.asyncio import Redis

STREAM = "{bg}:events"
KEPT = 10_000
AT_ONCE = 100  # events that are read together; they take some milliseconds
BLOCK_MS = 2_000
AGAIN = 0.25  # seconds between two attempts to read while the store is away


class ValkeyEventBus:
    """Enter it (async) to hear what comes from then on. `client` must wait for an answer longer than BLOCK_MS."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._receivers: dict[int, Receive] = {}
        self._next = 0
        self._last = b"$"
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        with contextlib.suppress(RedisError, OSError):  # it is away: hear what comes when it is back
            self._last = await self._newest()
        self._reader = asyncio.create_task(self._read(), name="event bus")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._reader is not None and not self._reader.done():
            self._reader.cancel()  # more than once: the library may swallow it on its way to a connection
            await asyncio.wait({self._reader}, timeout=0.1)

    async def publish(self, events: Sequence[EventEnvelope]) -> None:
        """See the port: one pipeline."""
        try:
            async with self._client.pipeline(transaction=False) as pipe:
                for event in events:
                    pipe.xadd(STREAM, _fields(event), maxlen=KEPT, approximate=True)
                await pipe.execute()
        except (RedisError, OSError) as error:
            raise StoreUnavailable from error

    def subscribe(self, receive: Receive) -> Callable[[], None]:
        """See the port."""
        number, self._next = self._next, self._next + 1
        self._receivers[number] = receive
        return lambda: self._receivers.pop(number, None) and None

    async def _read(self) -> None:
        """For ever; after a pause of the store it goes on where it was."""
        while True:
            try:
                await self._find_the_place()
                found = await self._client.xread({STREAM: self._last}, count=AT_ONCE, block=BLOCK_MS)
            except (RedisError, OSError):
                await asyncio.sleep(AGAIN)
                continue
            for _, entries in _streams(found):
                for entry_id, values in entries:
                    self._last = entry_id
                    self._deliver(values)

    async def _find_the_place(self) -> None:
        """From where to read on. A store that is behind has lost its data, and its clock may be slow: all that is
        there is new."""
        newest = await self._newest()
        if self._last == b"$":
            self._last = newest
        elif _place(newest) < _place(self._last):
            self._last = b"0-0"

    async def _newest(self) -> bytes:
        entries: Any = await self._client.xrevrange(STREAM, count=1)
        newest: bytes = entries[0][0] if entries else b"0-0"
        return newest

    def _deliver(self, values: Mapping[bytes, bytes]) -> None:
        event = _event(values)
        if event is not None:
            for receive in tuple(self._receivers.values()):
                try:
                    receive(event)
                # One that breaks must not end the hearing of all others.
                except Exception as error:
                    context = {"message": "a receiver of events broke", "exception": error}
                    asyncio.get_running_loop().call_exception_handler(context)


def _place(entry_id: bytes) -> tuple[int, int]:
    """Where an entry stands in the stream: milliseconds of the server's clock, and a number within them."""
    milliseconds, _, number = entry_id.partition(b"-")
    return int(milliseconds), int(number)


def _streams(found: Any) -> list[Any]:  # noqa: ANN401 - a list or, by the newer protocol, a mapping
    if not found:
        return []
    return list(found.items()) if isinstance(found, dict) else list(found)


def _fields(event: EventEnvelope) -> dict[Any, Any]:
    return {
        "id": event.id,
        "type": event.type,
        "aggregate": event.aggregate,
        "tenant": event.tenant_id or "",
        "occurred_at": repr(event.occurred_at),
        "version": event.version,
        "data": orjson.dumps(dict(event.data)),
    }


def _event(values: Mapping[bytes, bytes]) -> EventEnvelope | None:
    """None for what nobody of this kind has written."""
    try:
        return EventEnvelope(
            id=int(values[b"id"]),
            type=values[b"type"].decode(),
            aggregate=values[b"aggregate"].decode(),
            tenant_id=values[b"tenant"].decode() or None,
            occurred_at=float(values[b"occurred_at"]),
            data=orjson.loads(values[b"data"]),
            version=int(values[b"version"]),
        )
    except (KeyError, ValueError):
        return None
