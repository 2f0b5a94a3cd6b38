"""The audit log: entries sealed onto the chain of their tenant."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from brain_gateway.application.dto import Page, PageRequest
from brain_gateway.application.ports.audit_log import AuditDraft, AuditFilter
from brain_gateway.domain.audit import GENESIS, AuditEntry, content_of, seal
from brain_gateway.domain.errors import InvalidDocument
from brain_gateway.infrastructure.sql.dialects import insert_into
from brain_gateway.infrastructure.sql.pieces import in_pieces
from brain_gateway.infrastructure.sql.repository import Repository, owner_of, page_of, tenant_of
from brain_gateway.infrastructure.sql.tables import GLOBAL, audit_heads, audit_log

_READ_AT_ONCE = 500
_HEAD = select(audit_heads).where(audit_heads.c.tenant_id == bindparam("owner"))
_MOVE = update(audit_heads).where(audit_heads.c.tenant_id == bindparam("owner"))


class SqlAuditLog(Repository):
    """AuditLog. The session is the only writer, so that a chain's head cannot move between reading and writing it."""

    table = audit_log

    async def append(self, drafts: Sequence[AuditDraft]) -> None:
        """Raises ResourceNotFound for a chain that is not the scope's."""
        for draft in drafts:
            self.refuse_others(draft.tenant_id)
        chains: dict[str | None, list[AuditDraft]] = {}
        for draft in drafts:
            chains.setdefault(draft.tenant_id, []).append(draft)
        for tenant_id, some in chains.items():
            await self._append(tenant_id, some)

    async def page(self, tenant_id: str | None, wanted: AuditFilter, page: PageRequest) -> Page[AuditEntry]:
        """Newest first."""
        columns = audit_log.c
        statement = select(audit_log).where(columns.tenant_id == owner_of(tenant_id), self.seen)
        for name in ("actor", "action", "subject"):
            if (value := getattr(wanted, name)) is not None:
                statement = statement.where(columns[name] == value)
        if wanted.since is not None:
            statement = statement.where(columns.occurred_at >= wanted.since)
        if wanted.until is not None:
            statement = statement.where(columns.occurred_at < wanted.until)
        if page.after is not None:
            statement = statement.where(columns.sequence < _sequence(page.after))
        statement = statement.order_by(columns.sequence.desc()).limit(page.size + 1)
        return page_of(await self._session.rows(statement), page, lambda row: (str(row.sequence),), _entry)

    async def chain(self, tenant_id: str | None) -> AsyncIterator[AuditEntry]:
        """Oldest first, a few hundred at a time."""
        columns, last = audit_log.c, 0
        statement = select(audit_log).where(columns.tenant_id == owner_of(tenant_id), self.seen)
        statement = statement.order_by(columns.sequence).limit(_READ_AT_ONCE)
        while rows := await self._session.rows(statement.where(columns.sequence > last)):
            for row in rows:
                yield _entry(row)
            last = rows[-1].sequence

    async def head(self, tenant_id: str | None) -> tuple[int, str]:
        """(0, GENESIS) of an empty chain, and of one that is not seen."""
        if not self._session.scope.writes(tenant_id):
            return 0, GENESIS
        rows = await self._session.rows(_HEAD, {"owner": owner_of(tenant_id)})
        return (rows[0].sequence, rows[0].hash) if rows else (0, GENESIS)

    async def chains(self) -> Sequence[str | None]:
        """The platform's first."""
        columns = audit_heads.c
        statement = select(columns.tenant_id).order_by(columns.tenant_id != GLOBAL, columns.tenant_id)
        rows = await self._session.rows(statement)
        return [owner for row in rows if self._session.scope.writes(owner := tenant_of(row.tenant_id))]

    async def _append(self, tenant_id: str | None, drafts: Sequence[AuditDraft]) -> None:
        await self._session.lock()
        chain = _Chain(*await self.head(tenant_id))
        await self.insert_many(await in_pieces(chain.row, drafts))
        await self._move_head(owner_of(tenant_id), chain.sequence, chain.last)

    async def _move_head(self, owner: str, sequence: int, last: str) -> None:
        if not await self._session.change(_MOVE, {"owner": owner, "sequence": sequence, "hash": last}):
            values = {"tenant_id": owner, "sequence": sequence, "hash": last}
            new = insert_into(audit_heads, self._session.postgresql).values(**values)
            await self._session.change(new)


class _Chain:
    """The end of a tenant's chain: the sequence and the hash of its newest entry."""

    def __init__(self, sequence: int, last: str) -> None:
        self.sequence = sequence
        self.last = last

    def row(self, draft: AuditDraft) -> dict[str, Any]:
        """The row of an entry that is sealed onto it."""
        self.sequence += 1
        entry = _sealed(draft, self.sequence, self.last)
        self.last = entry.hash
        return _row(entry)


def _sealed(draft: AuditDraft, sequence: int, previous: str) -> AuditEntry:
    entry = AuditEntry(
        tenant_id=draft.tenant_id,
        sequence=sequence,
        occurred_at=round(draft.occurred_at, 6),
        actor=draft.actor,
        actor_tenant=draft.actor_tenant,
        action=draft.action,
        subject=draft.subject,
        request_id=draft.request_id,
        before=draft.before,
        after=draft.after,
        previous=previous,
        hash="",
    )
    return replace(entry, hash=seal(previous, content_of(entry)))


def _row(entry: AuditEntry) -> dict[str, Any]:
    return {
        "tenant_id": owner_of(entry.tenant_id),
        "sequence": entry.sequence,
        "occurred_at": entry.occurred_at,
        "actor": entry.actor,
        "actor_tenant": entry.actor_tenant,
        "action": entry.action,
        "subject": entry.subject,
        "request_id": entry.request_id,
        "before": _text(entry.before),
        "after": _text(entry.after),
        "previous": entry.previous,
        "hash": entry.hash,
    }


def _entry(row: Row[Any]) -> AuditEntry:
    return AuditEntry(
        tenant_id=tenant_of(row.tenant_id),
        sequence=row.sequence,
        occurred_at=row.occurred_at,
        actor=row.actor,
        actor_tenant=row.actor_tenant,
        action=row.action,
        subject=row.subject,
        request_id=row.request_id,
        before=_document(row.before),
        after=_document(row.after),
        previous=row.previous,
        hash=row.hash,
    )


def _text(document: Mapping[str, object] | None) -> str | None:
    """As the hash spells it; orjson would refuse integers of more than 64 bits."""
    return None if document is None else json.dumps(document, sort_keys=True, separators=(",", ":"))


def _document(text: str | None) -> Mapping[str, object] | None:
    """What is no JSON any more was tampered with: it is shown as it is, and its hash does not hold."""
    if text is None:
        return None
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"unreadable": text}


def _sequence(after: tuple[str, ...]) -> int:
    if len(after) != 1 or not after[0].isdecimal():
        raise InvalidDocument("the cursor is not one of this list")
    return int(after[0])
