"""Registered services in three tables: services, targets, routes."""

from __future__ import annotations

import asyncio
import gc
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from itertools import chain
from typing import Any

from sqlalchemy import ColumnElement, Executable, Row, Table, delete, func, select, true, tuple_, update

from brain_gateway.application.dto import Page, PageRequest, ServiceRegistrationDTO
from brain_gateway.application.ports.route_repository import ServiceFilter
from brain_gateway.domain.errors import InternalError, InvalidDocument
from brain_gateway.infrastructure.sql.pieces import in_pieces
from brain_gateway.infrastructure.sql.repository import (
    Repository,
    begins_with,
    chunks,
    logger,
    owner_of,
    seen_by,
)
from brain_gateway.infrastructure.sql.service_rows import (
    BROKEN,
    ServiceReader,
    ServiceWriter,
    closed,
    target_rows,
)
from brain_gateway.infrastructure.sql.service_statements import by_id, by_ids, by_name, parts
from brain_gateway.infrastructure.sql.session import Session
from brain_gateway.infrastructure.sql.tables import routes, services, targets

_AT_ONCE = 10  # services that are made before the event loop gets its turn
_MANY = 50_000  # objects; the collector looks through fewer in some milliseconds
_PARTS = (targets, routes)
_Rows = dict[str, list[Row[Any]]]


class SqlRouteRepository(Repository):
    """RouteRepository. Targets and routes carry their service's owner, which a foreign key holds to be the same."""

    table = services
    identity = ("tenant_id", "name")
    gone = "there is no such service"
    taken = "there is a service of that name already, or its id or lease is taken"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._writer = ServiceWriter()
        self._read: dict[str, ServiceRegistrationDTO] = {}  # one by one, to be changed most likely

    async def add(self, item: ServiceRegistrationDTO) -> None:
        """Raises Conflict and ResourceNotFound."""
        self.refuse_others(item.tenant_id)
        async with self._undone(item):
            await self.insert(self._writer.service_row(item))
            await self._insert_parts(_PARTS, (item,))

    async def get(self, service_id: str) -> ServiceRegistrationDTO | None:
        """Raises InternalError when its row means nothing."""
        return await self._one(by_id(self._everywhere), id=service_id)

    async def find(self, tenant_id: str | None, name: str) -> ServiceRegistrationDTO | None:
        """Raises InternalError when its row means nothing."""
        return await self._one(by_name(self._everywhere), owner=owner_of(tenant_id), name=name)

    async def save(self, item: ServiceRegistrationDTO, expected: int) -> None:
        """Raises PreconditionFailed, ResourceNotFound, and Conflict for a lease of another service."""
        self.refuse_others(item.tenant_id)
        read = self._read.pop(item.id, None)
        if read is not None and read.version != expected:
            read = None
        others = [table for table in _PARTS if read is None or _differ(table, read, item)]
        async with self._undone(item) if others else nullcontext():
            await self.update(self._writer.service_row(item), expected)
            await self._delete_parts(others, [item.id])
            await self._insert_parts(others, (item,))

    async def remove(self, service_id: str, expected: int) -> None:
        """Targets and routes go with it, by their foreign keys."""
        await self.delete(service_id, expected)

    async def page(self, wanted: ServiceFilter, page: PageRequest) -> Page[ServiceRegistrationDTO]:
        """By (name, id)."""
        columns = services.c
        statement = select(services).where(self.seen, *_conditions(wanted))
        if page.after is not None:
            if len(page.after) != 2:
                raise InvalidDocument("the cursor is not one of this list")
            statement = statement.where(tuple_(columns.name, columns.id) > tuple_(*page.after))
        rows = await self._session.rows(statement.order_by(columns.name, columns.id).limit(page.size + 1))
        shown = rows[: page.size]
        items = await self._made(shown)
        last = (shown[-1].name, shown[-1].id) if len(rows) > page.size else None
        return Page(tuple(items), last)

    async def all(self) -> Sequence[ServiceRegistrationDTO]:
        """In three statements; a service whose rows mean nothing is closed, not left out."""
        order = (services.c.name, services.c.id)
        with _nothing_collected():
            found = await self._session.rows(select(services).where(self.seen).order_by(*order))
            return await self._assembled(found, *[await self._every(table) for table in _PARTS])

    async def many(self, ids: Collection[str]) -> Sequence[ServiceRegistrationDTO]:
        """By (name, id)."""
        rows: list[Row[Any]] = []
        for chunk in chunks(dict.fromkeys(ids)):
            rows += await self._rows(by_ids(self._everywhere), ids=chunk)
        return await self._made(sorted(rows, key=lambda row: (row.name, row.id)))

    async def count(self, tenant_id: str) -> int:
        """In the index of names."""
        statement = select(func.count()).select_from(services)
        rows = await self._session.rows(statement.where(self.seen, services.c.tenant_id == tenant_id))
        return int(rows[0][0])

    async def write_many(
        self,
        added: Sequence[ServiceRegistrationDTO],
        saved: Sequence[ServiceRegistrationDTO],
        removed: Sequence[str],
    ) -> None:
        """Raises Conflict and ResourceNotFound; then nothing of it was done."""
        for item in (*added, *saved):
            self.refuse_others(item.tenant_id)
        self._read.clear()
        async with self.all_or_nothing():
            await self.delete_many(removed)
            await self.update_many(await in_pieces(self._writer.service_row, saved))
            await self._delete_parts(_PARTS, [item.id for item in saved])
            await self.insert_many(await in_pieces(self._writer.service_row, added))
            await self._insert_parts(_PARTS, (*saved, *added))

    async def leased(self, lease_id: str) -> ServiceRegistrationDTO | None:
        """Raises InternalError when its row means nothing."""
        owners = select(targets.c.service_id).where(targets.c.lease_id == lease_id)
        return await self._one(select(services).where(services.c.id.in_(owners), self.seen))

    async def renew(self, lease_id: str, expires_at: float) -> bool:
        """Holds up no other writer (on PostgreSQL): heartbeats are many."""
        own = true() if self._everywhere else targets.c.tenant_id == self._session.owner
        statement = update(targets).where(targets.c.lease_id == lease_id, own)
        return bool(await self._session.change_apart(statement.values(lease_expires_at=expires_at)))

    async def expired(self, now: float) -> Sequence[ServiceRegistrationDTO]:
        """By (name, id)."""
        ended = select(targets.c.service_id).where(targets.c.lease_expires_at <= now)
        statement = select(services).where(services.c.id.in_(ended), self.seen)
        return await self._made(await self._session.rows(statement.order_by(services.c.name, services.c.id)))

    async def _rows(self, statement: Executable, **values: object) -> Sequence[Row[Any]]:
        return await self._session.rows(statement, {**values, "scope": self._session.owner})

    async def _one(self, statement: Executable, **values: object) -> ServiceRegistrationDTO | None:
        rows = await self._rows(statement, **values)
        if not rows:
            return None
        of_targets, of_routes = await self._parts([rows[0].id])
        try:
            item = ServiceReader().service(rows[0], of_targets[rows[0].id], of_routes[rows[0].id])
        except BROKEN as error:
            raise InternalError(
                f"service {rows[0].id} is stored in a form that means nothing here"
            ) from error
        self._read[item.id] = item
        return item

    async def _made(self, rows: Sequence[Row[Any]]) -> list[ServiceRegistrationDTO]:
        found: tuple[_Rows, _Rows] = {}, {}
        for chunk in chunks(row.id for row in rows):
            for all_of, some in zip(found, await self._parts(chunk), strict=True):
                all_of.update(some)
        return await self._assembled(rows, *found)

    async def _parts(self, ids: Sequence[str]) -> tuple[_Rows, _Rows]:
        """The targets and the routes of some services."""
        of_targets: _Rows = defaultdict(list)
        of_routes: _Rows = defaultdict(list)
        for row in await self._rows(parts(self._everywhere), ids=ids):
            (of_targets if row.pattern is None else of_routes)[row.service_id].append(row)
        return of_targets, of_routes

    async def _every(self, table: Table) -> _Rows:
        found: _Rows = defaultdict(list)
        seen = seen_by(table, self._everywhere)
        statement = select(table).where(seen).order_by(table.c.service_id, table.c.position)
        for row in await self._rows(statement):
            found[row.service_id].append(row)
        return found

    async def _assembled(
        self, rows: Sequence[Row[Any]], targets: _Rows, routes: _Rows
    ) -> list[ServiceRegistrationDTO]:
        reader = ServiceReader()
        items: list[ServiceRegistrationDTO] = []
        for at, row in enumerate(rows):
            if at % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(0)  # requests go through this same loop
            items += _made_or_closed(reader, row, targets.get(row.id, []), routes.get(row.id, []))
        return items

    def _undone(self, item: ServiceRegistrationDTO) -> AbstractAsyncContextManager[None]:
        """What is done inside is undone when it raises: only a lease can be refused once its service's row is in."""
        return self.all_or_nothing() if item.leases else nullcontext()

    async def _insert_parts(self, tables: Sequence[Table], items: Sequence[ServiceRegistrationDTO]) -> None:
        for table in tables:
            rows = await in_pieces(target_rows if table is targets else self._writer.route_rows, items)
            await self._session.insert_many(table, list(chain.from_iterable(rows)))

    async def _delete_parts(self, tables: Sequence[Table], ids: Sequence[str]) -> None:
        for chunk in chunks(ids):
            for table in tables:
                await self._session.change(delete(table).where(table.c.service_id.in_(chunk)))


def _differ(table: Table, before: ServiceRegistrationDTO, after: ServiceRegistrationDTO) -> bool:
    """Whether a service has other rows of this table than it had."""
    if table is routes:
        return before.service.routes != after.service.routes
    return before.service.targets != after.service.targets or before.leases != after.leases


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """What a registry is made of stays: to look through it for garbage, again and again while it grows, takes as long
    as to make it. A second or two without doing so costs little; nor is it looked through afterwards, in one go that
    keeps the event loop for a quarter of a second."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            if gc.get_count()[0] > _MANY:
                gc.freeze()  # it is freed as always, once nothing refers to it
            gc.enable()


def _made_or_closed(
    reader: ServiceReader, row: Row[Any], targets: list[Row[Any]], routes: list[Row[Any]]
) -> list[ServiceRegistrationDTO]:
    try:
        return [reader.service(row, targets, routes)]
    except BROKEN:
        logger.exception("service %s is stored in a form that means nothing here: it is closed", row.id)
    try:
        return [closed(row)]
    except BROKEN:
        return []


def _conditions(wanted: ServiceFilter) -> list[ColumnElement[bool]]:
    columns = services.c
    conditions = [begins_with(columns.name, wanted.prefix)]
    if wanted.owned:
        conditions.append(columns.tenant_id == owner_of(wanted.tenant_id))
    if wanted.kind is not None:
        conditions.append(columns.kind == wanted.kind.value)
    if wanted.owner is not None:
        conditions.append(columns.owner == wanted.owner)
    return conditions
