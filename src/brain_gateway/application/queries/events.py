"""What happened lately."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from brain_gateway.application.authorization import Action, Actor
from brain_gateway.application.bus import Query
from brain_gateway.application.ports.outbox import EventEnvelope
from brain_gateway.application.ports.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events, the id from which on to ask again, and whether there may be more by now."""

    items: Sequence[EventEnvelope]
    last: int
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEventsQuery(Query[EventPage]):
    """Events after an id, oldest first: a tenant's own, or (None) all. Of what concerns everybody, tenants hear as it
    happens; it is not kept for them."""

    action = Action.READ_EVENTS
    after: int
    most: int = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class LastEventQuery(Query[int]):
    """The id of the newest event, 0 when there is none: from where on to listen."""

    action = Action.READ_EVENTS


async def list_events(query: ListEventsQuery, unit: UnitOfWork, actor: Actor) -> EventPage:
    """From the outbox, as far back as it is kept."""
    found = await unit.outbox.after(query.after, query.most)
    last = found[-1].id if found else query.after
    return EventPage(found, last, len(found) == query.most)


async def last_event(query: LastEventQuery, unit: UnitOfWork, actor: Actor) -> int:
    """From the outbox."""
    return await unit.outbox.last_id()
