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
    """Events after an id, oldest first: a tenant's own, or (None) all."""

    action = Action.READ_EVENTS
    after: int
    most: int = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSharedEventsQuery(Query[EventPage]):
    """Those that belong to no tenant: asked by the gateway for its tenants, who do not hear of all."""

    action = Action.READ_EVENTS
    after: int
    most: int = 500


@dataclass(frozen=True, slots=True)
class KeptEvents:
    """The ids of the oldest event that is kept (0: none is), and of the newest that ever was (0: none)."""

    oldest: int
    newest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptEventsQuery(Query[KeptEvents]):
    """Where the events that are kept begin and end, whoever they concern."""

    action = Action.READ_EVENTS


@dataclass(frozen=True, slots=True, kw_only=True)
class LastEventQuery(Query[int]):
    """The id of the newest event, 0 when there is none: from where on to listen."""

    action = Action.READ_EVENTS


async def list_events(query: ListEventsQuery, unit: UnitOfWork, actor: Actor) -> EventPage:
    """From the outbox, as far back as it is kept."""
    return _page(await unit.outbox.after(query.after, query.most), query.after, query.most)


async def list_shared_events(query: ListSharedEventsQuery, unit: UnitOfWork, actor: Actor) -> EventPage:
    """From the outbox, as far back as it is kept."""
    found = await unit.outbox.after(query.after, query.most, shared=True)
    return _page(found, query.after, query.most)


async def kept_events(query: KeptEventsQuery, unit: UnitOfWork, actor: Actor) -> KeptEvents:
    """From the outbox."""
    found = await unit.outbox.after(0, 1)
    return KeptEvents(found[0].id if found else 0, await unit.outbox.last_id())


async def last_event(query: LastEventQuery, unit: UnitOfWork, actor: Actor) -> int:
    """From the outbox."""
    return await unit.outbox.last_id()


def _page(found: Sequence[EventEnvelope], after: int, most: int) -> EventPage:
    return EventPage(found, found[-1].id if found else after, len(found) == most)
