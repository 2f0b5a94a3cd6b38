"""Domain events on their way out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, bindparam, delete, false, func, select, update

from brain_gateway.application.ports.outbox import EventEnvelope
from brain_gateway.domain.events import DomainEvent, payload
from brain_gateway.infrastructure.sql.documents import from_text, to_text
from brain_gateway.infrastructure.sql.pieces import in_pieces
from brain_gateway.infrastructure.sql.repository import Repository, chunks, owner_of, seen_by, tenant_of
from brain_gateway.infrastructure.sql.tables import GLOBAL, outbox


class SqlOutbox(Repository):
    """Outbox. Ids are counted in the row that writers lock, so that they grow in the order of the commits."""

    table = outbox

    async def add(self, events: Sequence[DomainEvent], version: int) -> None:
        """Raises ResourceNotFound for an event of another tenant."""
        for event in events:
            self.refuse_others(event.tenant_id)
        if not events:
            return
        head = await self._session.head()
        rows = await in_pieces(lambda one: _row(one[1], one[0], version), enumerate(events, head.event + 1))
        await self.insert_many(rows)
        self._session.move_head(head._replace(event=head.event + len(rows)))

    async def take(self, most: int) -> Sequence[EventEnvelope] | None:
        """Nobody else gets any until this unit of work ends; writers go on meanwhile."""
        if not await self._session.become_relay():
            return None
        values = {"most": most, "scope": self._session.owner}
        return [_envelope(row) for row in await self._session.apart(_waiting(self._everywhere), values)]

    async def published(self, ids: Sequence[int]) -> None:
        """Ids that are not there are left alone."""
        for chunk in chunks(ids):
            statement = update(outbox).where(outbox.c.id.in_(chunk), self.own).values(published=True)
            await self._session.change_apart(statement)

    async def after(
        self, event_id: int, most: int, *, shared: bool = False, types: Collection[str] = ()
    ) -> Sequence[EventEnvelope]:
        """Oldest first."""
        statement = select(outbox).where(outbox.c.id > event_id, self.seen).order_by(outbox.c.id).limit(most)
        if shared:
            statement = statement.where(outbox.c.tenant_id == GLOBAL)
        if types:
            statement = statement.where(outbox.c.type.in_(sorted(types)))
        return [_envelope(row) for row in await self._session.rows(statement)]

    async def last_id(self) -> int:
        """Of the platform: of all that ever were; of a tenant: of its own that are still there."""
        if self._session.scope.tenant_id is None:
            return (await self._session.head()).event
        rows = await self._session.rows(select(func.max(outbox.c.id)).where(self.seen))
        return int(rows[0][0] or 0)

    async def forget(self, before: float) -> int:
        """Holds up no other writer (on PostgreSQL)."""
        old: ColumnElement[bool] = outbox.c.published
        statement = delete(outbox).where(old, outbox.c.occurred_at < before, self.own)
        return await self._session.change_apart(statement)


@cache
def _waiting(everywhere: bool) -> Select[Any]:
    """Made once: each change asks."""
    waiting = select(outbox).where(outbox.c.published == false(), seen_by(outbox, everywhere))
    return waiting.order_by(outbox.c.id).limit(bindparam("most"))


def _row(event: DomainEvent, id_: int, version: int) -> dict[str, Any]:
    return {
        "id": id_,
        "tenant_id": owner_of(event.tenant_id),
        "type": type(event).__name__,
        "aggregate": event.aggregate,
        "occurred_at": event.occurred_at,
        "data": to_text(payload(event)),
        "version": version,
        "published": False,
    }


def _envelope(row: Row[Any]) -> EventEnvelope:
    return EventEnvelope(
        id=row.id,
        type=row.type,
        aggregate=row.aggregate,
        tenant_id=tenant_of(row.tenant_id),
        occurred_at=row.occurred_at,
        data=from_text(row.data),
        version=row.version,
    )
