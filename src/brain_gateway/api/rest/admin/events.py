"""/events: what happens, as it happens."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Header, Query
from starlette.responses import Response, StreamingResponse

from brain_gateway.api.rest.admin.asking import Asking
from brain_gateway.api.rest.admin.endpoint import Endpoint
from brain_gateway.api.rest.admin.event_stream import MEDIA_TYPE, Wanted, event_stream
from brain_gateway.application.queries.events import EventPage, LastEventQuery, ListEventsQuery
from brain_gateway.domain.errors import MalformedRequest, RateLimitExceeded
from brain_gateway.domain.events import DomainEvent

_ID = re.compile(r"[0-9]{1,18}", re.ASCII)
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


async def stream_events(
    ask: Asking,
    types: Annotated[str, Query(max_length=1000, description="Of these types alone: A,B.")] = "",
    after: Annotated[str | None, Query(description="From the event with this id on.")] = None,
    last_event_id: Annotated[str | None, Header(description="The same, as browsers send it.")] = None,
) -> Response:
    """Server-sent events of a tenant and of what it can call; for the platform, all. `id` is what to resume from:
    without one, the stream begins now. Of what was missed, a tenant gets its own events. It ends when the credentials
    do, when the gateway drains, or when it is read too slowly: connect again with the last id."""
    resume = _id(last_event_id if last_event_id is not None else after)
    last = await ask.find(LastEventQuery(tenant_id=ask.tenant_id))
    control, session = ask.control, ask.caller.session
    wanted = Wanted(
        caller=f"{ask.actor.tenant_id}/{ask.actor.user_id}",
        tenant_id=ask.tenant_id,
        types=_types(types),
        after=last if resume is None else min(resume, last),
    )
    if control.streams.full_for(wanted.caller):
        raise RateLimitExceeded("too many streams of events are open; close one first")

    async def earlier(after_id: int) -> EventPage:
        return await ask.find(ListEventsQuery(tenant_id=ask.tenant_id, after=after_id))

    def ended() -> bool:
        return bool(control.draining()) or session.expires <= control.clock()

    stream = event_stream(control.events, control.streams, wanted, earlier, ended, control.clock)
    return StreamingResponse(stream, headers=_HEADERS, media_type=MEDIA_TYPE)


def _id(text: str | None) -> int | None:
    if not text:
        return None
    if _ID.fullmatch(text) is None:
        raise MalformedRequest("Last-Event-ID: is not the id of an event; begin without it")
    return int(text)


def _types(text: str) -> frozenset[str]:
    types = frozenset(filter(None, text.split(",")))
    unknown = sorted(types - _known(DomainEvent))
    if unknown:
        raise MalformedRequest(f"types: {unknown[0][:60]!r} is not a type of event")
    return types


def _known(kind: type[DomainEvent]) -> set[str]:
    below = kind.__subclasses__()
    return {kind.__name__}.union(*map(_known, below)) if below else {kind.__name__}


ENDPOINTS = (Endpoint("GET", "/events", stream_events, "Stream events", media_type=MEDIA_TYPE, endless=True),)
