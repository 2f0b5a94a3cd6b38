"""What one caller has missed: its own events, and those of the platform that it may hear of, in one order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from brain_gateway.application.authorization import SYSTEM, Actor
from brain_gateway.application.bus import Query, QueryBus
from brain_gateway.application.queries.events import (
    EventPage,
    KeptEventsQuery,
    LastEventQuery,
    ListEventsQuery,
    ListSharedEventsQuery,
)
from brain_gateway.application.visibility import concerns

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Beginning:
    """After which id a stream begins; `gap`: of what is after it, some is no longer kept."""

    after: int
    gap: bool


class EventHistory:
    """Of a tenant (None: of all). Another tenant's events are read by nobody here: the caller's own are read in its
    scope, those that belong to no tenant in the platform's."""

    def __init__(self, queries: QueryBus, actor: Actor, tenant_id: str | None) -> None:
        self._queries = queries
        self._actor = actor
        self._tenant_id = tenant_id

    async def begin(self, resume: int | None) -> Beginning:
        """After `resume` (None: now; 0: with the oldest). Raises what authorize raises, StoreUnavailable."""
        await self._queries.ask(self._actor, LastEventQuery(tenant_id=self._tenant_id))
        kept = await self._own(KeptEventsQuery())
        if resume is None or resume > kept.newest:
            return Beginning(kept.newest, False)
        oldest = kept.oldest or kept.newest + 1
        return Beginning(resume, 0 < resume < oldest - 1)

    async def after(self, event_id: int) -> EventPage:
        """What happened after an id, oldest first. Raises as `begin`."""
        newest = await self._own(LastEventQuery())  # first: what is newer may be in one of the answers alone
        own = await self._queries.ask(self._actor, ListEventsQuery(tenant_id=self._tenant_id, after=event_id))
        if self._tenant_id is None:
            return own
        shared = await self._own(ListSharedEventsQuery(after=event_id))
        upto = max(event_id, min([newest, *(page.last for page in (own, shared) if page.more)]))
        found = [event for event in (*own.items, *shared.items) if event.id <= upto]
        heard = (event for event in found if concerns(event, self._tenant_id))
        return EventPage(sorted(heard, key=lambda event: event.id), upto, own.more or shared.more)

    async def _own(self, query: Query[Result]) -> Result:
        """Asked by the gateway itself."""
        return await self._queries.ask(SYSTEM, query)
