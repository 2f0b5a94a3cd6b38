"""What happened lately."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from brain_gateway.application.authorization import Action, Actor
from brain_gateway.application.bus import Query
from brain_gateway.application.ports.outbox import EventEnvelope
from brain_gateway.application.ports.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEventsQuery(Query[Sequence[EventEnvelope]]):
    """Events after an id, oldest first: a tenant's and those that concern everybody, or (None) all."""

    action = Action.READ_EVENTS
    after: int
    most: int = 500


async def list_events(query: ListEventsQuery, unit: UnitOfWork, actor: Actor) -> Sequence[EventEnvelope]:
    """From the outbox, as far back as it is kept."""
    return await unit.outbox.after(query.after, query.most)
