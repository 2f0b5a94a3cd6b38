"""What the store in memory writes down beside the aggregates: audit log, outbox, versions, answers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from brain_gateway.application.dto import Page, PageRequest
from brain_gateway.application.ports.audit_log import AuditDraft, AuditFilter
from brain_gateway.application.ports.configuration_versions import ChangeKind, ConfigurationChange
from brain_gateway.application.ports.idempotency_records import IdempotencyRecord
from brain_gateway.application.ports.outbox import EventEnvelope
from brain_gateway.domain.audit import GENESIS, AuditEntry, content_of, seal
from brain_gateway.domain.errors import Conflict, ResourceNotFound
from brain_gateway.domain.events import DomainEvent, payload

if TYPE_CHECKING:
    from tests.fakes.memory_store import MemoryUnit

KEPT_VERSIONS, MOST_CHANGES = 10_000, 1_000
_EVERYTHING = (ConfigurationChange(ChangeKind.EVERYTHING),)


class _Records:
    def __init__(self, unit: MemoryUnit) -> None:
        self._unit = unit

    def _check(self, tenant_id: str | None) -> None:
        if not self._unit.scope.writes(tenant_id):
            raise ResourceNotFound("there is no such thing")


class MemoryAuditLog(_Records):
    """AuditLog."""

    async def append(self, drafts: Sequence[AuditDraft]) -> None:
        audit = (await self._unit.writing()).audit
        for draft in drafts:
            self._check(draft.tenant_id)
        for draft in drafts:
            chain = audit.get(draft.tenant_id, ())
            audit[draft.tenant_id] = (*chain, _sealed(draft, chain[-1] if chain else None))

    async def page(self, tenant_id: str | None, wanted: AuditFilter, page: PageRequest) -> Page[AuditEntry]:
        found = [entry for entry in reversed(await self._chain(tenant_id)) if _is_wanted(entry, wanted)]
        rest = [entry for entry in found if page.after is None or entry.sequence < int(page.after[0])]
        shown = tuple(rest[: page.size])
        return Page(shown, (str(shown[-1].sequence),) if len(rest) > page.size else None)

    async def chain(self, tenant_id: str | None) -> AsyncIterator[AuditEntry]:
        for entry in await self._chain(tenant_id):
            yield entry

    async def head(self, tenant_id: str | None) -> tuple[int, str]:
        chain = await self._chain(tenant_id)
        return (chain[-1].sequence, chain[-1].hash) if chain else (0, GENESIS)

    async def chains(self) -> Sequence[str | None]:
        known = (await self._unit.reading()).audit
        return sorted(filter(self._unit.scope.writes, known), key=lambda owner: owner or "")

    async def _chain(self, tenant_id: str | None) -> tuple[AuditEntry, ...]:
        audit = (await self._unit.reading()).audit
        return audit.get(tenant_id, ()) if self._unit.scope.writes(tenant_id) else ()


class MemoryOutbox(_Records):
    """Outbox."""

    async def add(self, events: Sequence[DomainEvent], version: int) -> None:
        state = await self._unit.writing()
        for event in events:
            self._check(event.tenant_id)
        for event in events:
            state.last_event += 1
            state.published[state.last_event] = False
            state.outbox[state.last_event] = EventEnvelope(
                id=state.last_event,
                type=type(event).__name__,
                aggregate=event.aggregate,
                tenant_id=event.tenant_id,
                occurred_at=event.occurred_at,
                data=json.loads(json.dumps(payload(event))),
                version=version,
            )

    async def take(self, most: int) -> Sequence[EventEnvelope] | None:
        if self._unit.read_only:
            raise RuntimeError("this unit of work only reads")
        state = self._unit.relaying()
        if state is None:
            return None
        waiting = [event for event in self._seen(state.outbox) if not state.published[event.id]]
        return waiting[:most]

    async def published(self, ids: Sequence[int]) -> None:
        state = await self._unit.writing()
        for event in self._seen(state.outbox):
            if event.id in ids:
                state.published[event.id] = True

    async def after(
        self, event_id: int, most: int, *, shared: bool = False, types: Collection[str] = ()
    ) -> Sequence[EventEnvelope]:
        events = self._seen((await self._unit.reading()).outbox)
        wanted = [event for event in events if event.tenant_id is None or not shared]
        wanted = [event for event in wanted if not types or event.type in types]
        return [event for event in wanted if event.id > event_id][:most]

    async def last_id(self) -> int:
        state = await self._unit.reading()
        if self._unit.scope.tenant_id is None:
            return state.last_event
        return max((event.id for event in self._seen(state.outbox)), default=0)

    async def forget(self, before: float) -> int:
        state = await self._unit.writing()
        old = [
            event.id
            for event in self._seen(state.outbox)
            if event.occurred_at < before and state.published[event.id]
        ]
        for id_ in old:
            del state.outbox[id_], state.published[id_]
        return len(old)

    def _seen(self, events: Mapping[int, EventEnvelope]) -> list[EventEnvelope]:
        return [event for event in events.values() if self._unit.scope.writes(event.tenant_id)]


class MemoryVersions(_Records):
    """ConfigurationVersions; changes are kept beside the scope that made them."""

    async def current(self) -> int:
        return (await self._unit.reading()).version

    async def lock(self) -> int:
        return (await self._unit.writing()).version

    async def record(self, changes: Sequence[ConfigurationChange], actor: str, now: float) -> int:
        state = await self._unit.writing()
        state.version += 1
        kept = tuple(changes) if len(changes) <= MOST_CHANGES else _EVERYTHING
        state.changes[state.version] = self._unit.scope.tenant_id, kept
        state.changes.pop(state.version - KEPT_VERSIONS, None)
        return state.version

    async def since(self, version: int) -> tuple[int, Sequence[ConfigurationChange]]:
        state = await self._unit.reading()
        if version > state.version or version < min(state.changes, default=1) - 1:
            return state.version, _EVERYTHING
        scope = self._unit.scope
        found = [
            change
            for number in range(version + 1, state.version + 1)
            for change in (state.changes[number][1] if scope.writes(state.changes[number][0]) else ())
        ]
        return state.version, _EVERYTHING if _EVERYTHING[0] in found else found

    async def declared(self, owner: str) -> str:
        return (await self._unit.reading()).declared.get((self._unit.scope.tenant_id, owner), "")

    async def declare(self, owner: str, fingerprint: str) -> None:
        (await self._unit.writing()).declared[self._unit.scope.tenant_id, owner] = fingerprint


class MemoryIdempotency(_Records):
    """IdempotencyRecords; each belongs to the scope that wrote it."""

    async def find(self, caller: str, key: str) -> IdempotencyRecord | None:
        owner, record = (await self._unit.reading()).idempotency.get((caller, key), (None, None))
        return record if self._unit.scope.writes(owner) else None

    async def add(self, record: IdempotencyRecord) -> None:
        known = (await self._unit.writing()).idempotency
        if (record.caller, record.key) in known:
            raise Conflict("another request with this key is under way")
        known[record.caller, record.key] = self._unit.scope.tenant_id, record

    async def forget(self, before: float) -> int:
        known = (await self._unit.writing()).idempotency
        old = [
            place
            for place, (owner, record) in known.items()
            if self._unit.scope.writes(owner) and record.created_at < before
        ]
        for place in old:
            del known[place]
        return len(old)


def _sealed(draft: AuditDraft, last: AuditEntry | None) -> AuditEntry:
    entry = AuditEntry(
        tenant_id=draft.tenant_id,
        sequence=1 if last is None else last.sequence + 1,
        occurred_at=round(draft.occurred_at, 6),
        actor=draft.actor,
        actor_tenant=draft.actor_tenant,
        action=draft.action,
        subject=draft.subject,
        request_id=draft.request_id,
        before=_document(draft.before),
        after=_document(draft.after),
        previous=GENESIS if last is None else last.hash,
        hash="",
    )
    return replace(entry, hash=seal(entry.previous, content_of(entry)))


def _document(value: Mapping[str, object] | None) -> dict[str, object] | None:
    """As it comes back from a database."""
    return None if value is None else json.loads(json.dumps(value))


def _is_wanted(entry: AuditEntry, wanted: AuditFilter) -> bool:
    return (
        wanted.actor in (None, entry.actor)
        and wanted.action in (None, entry.action)
        and wanted.subject in (None, entry.subject)
        and (wanted.since is None or entry.occurred_at >= wanted.since)
        and (wanted.until is None or entry.occurred_at < wanted.until)
    )
