"""/events: what happens, as it happens."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Header, Query
from starlette.responses import Response

from brain_gateway.api.rest.admin.asking import Asking
from brain_gateway.api.rest.admin.endpoint import Endpoint
from brain_gateway.api.rest.admin.event_stream import MEDIA_TYPE, EventResponse, EventStream, Wanted
from brain_gateway.application.event_history import EventHistory
from brain_gateway.domain.errors import MalformedRequest, RateLimitExceeded
from brain_gateway.domain.events import DomainEvent

_ID = re.compile(r"[0-9]{1,18}", re.ASCII)


async def stream_events(
    ask: Asking,
    types: Annotated[str, Query(max_length=1000, description="Of these types alone: A,B.")] = "",
    after: Annotated[str | None, Query(description="From the event with this id on.")] = None,
    last_event_id: Annotated[str | None, Header(description="The same, as browsers send it.")] = None,
) -> Response:
    """Server-sent events of a tenant and of the global services that it can call; for the platform, all. `id` is what
    to resume from: without one, the stream begins now. An event `Gap` says that some of what was missed is no longer
    kept. It ends when the credentials do, when the gateway drains, or when it is read too slowly: connect again with
    the last id."""
    resume = _id(last_event_id if last_event_id is not None else after)
    control, session = ask.control, ask.caller.session
    history = EventHistory(control.queries, ask.actor, ask.tenant_id)
    begins = await history.begin(resume)
    wanted = Wanted(
        caller=f"{ask.actor.tenant_id}/{ask.actor.user_id}",
        tenant_id=ask.tenant_id,
        types=_types(types),
        after=begins.after,
        gap=begins.gap,
    )

    def ended() -> bool:
        return bool(control.draining()) or session.expires <= control.clock()

    stream = EventStream(control.events, control.streams, wanted, ended, control.clock)
    if not stream.begin():
        raise RateLimitExceeded("too many streams of events are open; close one first")
    return EventResponse(stream, history.after)


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
