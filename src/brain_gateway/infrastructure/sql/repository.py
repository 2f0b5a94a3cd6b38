"""What the repositories share: scopes as conditions, optimistic versions, bulk writes."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from itertools import islice
from typing import Any, ClassVar, TypeVar

from sqlalchemy import BindParameter, ColumnElement, Row, Select, Table, Update, and_, bindparam, select, true
from sqlalchemy import delete as delete_from
from sqlalchemy import update as update_of

from brain_gateway.application.dto import Page, PageRequest, Stored
from brain_gateway.domain.errors import Conflict, InvalidDocument, PreconditionFailed, ResourceNotFound
from brain_gateway.infrastructure.sql.dialects import insert_into
from brain_gateway.infrastructure.sql.session import Session
from brain_gateway.infrastructure.sql.tables import GLOBAL, SHARED

Item = TypeVar("Item")
IDS = 1_000  # ids in one IN (...)
_LAST = "\U0010ffff"  # behind every text that begins alike

logger = logging.getLogger("brain_gateway.sql")


def owner_of(tenant_id: str | None) -> str:
    """As the column has it."""
    return GLOBAL if tenant_id is None else tenant_id


def tenant_of(owner: str) -> str | None:
    """As the domain has it."""
    return None if owner == GLOBAL else owner


def bookkeeping(item: Stored) -> dict[str, Any]:
    """The columns of what the store keeps beside each aggregate, without the id."""
    return {
        "version": item.version,
        "owner": item.owner,
        "declared": item.declared,
        "created_at": item.created_at,
        "updated_at": item.updated_at,
    }


def seen_by(table: Table, everywhere: bool, owner: str | None = None) -> ColumnElement[bool]:
    """Rows that a scope may read: everything, or what this tenant may (None: the one in the parameter `scope`)."""
    if everywhere:
        return true()
    scope: BindParameter[str] = bindparam("scope", owner, required=owner is None)
    return table.c.tenant_id.in_((scope, GLOBAL)) if table in SHARED else table.c.tenant_id == scope


def chunks(items: Iterable[Any], size: int = IDS) -> Iterator[list[Any]]:
    """Lists of at most `size`."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk


def begins_with(column: ColumnElement[str], prefix: str) -> ColumnElement[bool]:
    """Whether a text begins so, as a range that an index serves."""
    return and_(column >= prefix, column < prefix + _LAST) if prefix else true()


def after_id(statement: Select[Any], column: ColumnElement[str], page: PageRequest) -> Select[Any]:
    """The page of a statement that is sorted by one id, and one row more."""
    if page.after is not None:
        if len(page.after) != 1:
            raise InvalidDocument("the cursor is not one of this list")
        statement = statement.where(column > page.after[0])
    return statement.order_by(column).limit(page.size + 1)


def page_of(
    rows: Sequence[Row[Any]],
    page: PageRequest,
    key: Callable[[Row[Any]], tuple[str, ...]],
    make: Callable[[Row[Any]], Item | None],
) -> Page[Item]:
    """The page in `page.size` + 1 rows; a row of which `make` makes nothing is left out."""
    shown = rows[: page.size]
    items = tuple(item for item in map(make, shown) if item is not None)
    return Page(items, key(shown[-1]) if len(rows) > page.size else None)


@cache
def _update(table: Table, fixed: tuple[str, ...], everywhere: bool) -> Update:
    """Made once: to make a statement takes longer than to run it."""
    columns = table.c
    same = [columns[name] == bindparam(f"is_{name}") for name in fixed]
    own = true() if everywhere else columns.tenant_id == bindparam("scope")
    return update_of(table).where(*same, own, columns.version == bindparam("expected"))


class Repository:
    """One table within a scope. The scope is a condition of every statement, and on PostgreSQL a policy of the table
    besides: either alone suffices.
    """

    table: ClassVar[Table]
    key: ClassVar[str] = "id"
    identity: ClassVar[tuple[str, ...]] = ("tenant_id",)
    gone: ClassVar[str] = "there is no such thing"
    taken: ClassVar[str] = "there is one already"

    def __init__(self, session: Session) -> None:
        self._session = session
        self._everywhere = session.scope.tenant_id is None

    @property
    def seen(self) -> ColumnElement[bool]:
        """Rows that the scope may read."""
        return seen_by(self.table, self._everywhere, self._session.owner)

    @property
    def own(self) -> ColumnElement[bool]:
        """Rows that the scope may write."""
        if self._everywhere:
            return true()
        return self.table.c.tenant_id == self._session.owner

    def refuse_others(self, tenant_id: str | None) -> None:
        """Raises ResourceNotFound for an owner whose rows the scope may not write."""
        if not self._session.scope.writes(tenant_id):
            raise ResourceNotFound(self.gone)

    async def insert(self, row: Mapping[str, Any]) -> None:
        """A new row. Raises Conflict when one of its keys is taken, by whomever."""
        statement = insert_into(self.table, self._session.postgresql).values(**row).on_conflict_do_nothing()
        if not await self._session.change(statement):
            raise Conflict(self.taken)

    async def update(self, row: Mapping[str, Any], expected: int) -> None:
        """Replace a row, all but what identifies it. Raises PreconditionFailed and ResourceNotFound."""
        fixed = (self.key, *self.identity)
        values = {f"is_{name}" if name in fixed else name: value for name, value in row.items()}
        values |= {"expected": expected, "scope": self._session.owner}
        if not await self._session.change(_update(self.table, fixed, self._everywhere), values):
            await self._explain(and_(*(self.table.c[name] == row[name] for name in fixed)))

    async def delete(self, id_: str, expected: int) -> None:
        """Take a row out. Raises PreconditionFailed and ResourceNotFound."""
        columns = self.table.c
        same = columns[self.key] == id_
        if not await self._session.change(
            delete_from(self.table).where(same, self.own, columns.version == expected)
        ):
            await self._explain(same)

    async def insert_many(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """New rows. Raises Conflict."""
        await self._session.insert_many(self.table, rows)

    async def delete_many(self, ids: Iterable[str]) -> None:
        """Take rows out; those that are gone, or another's, are left alone."""
        for chunk in chunks(dict.fromkeys(ids)):
            statement = delete_from(self.table).where(self.table.c[self.key].in_(chunk), self.own)
            await self._session.change(statement)

    async def check_there(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Raises ResourceNotFound unless all rows are there, with the same identity, and may be written."""
        columns = self.table.c
        names = (self.key, *self.identity)
        for chunk in chunks(rows):
            statement = select(*(columns[name] for name in names))
            ids = [row[self.key] for row in chunk]
            found = await self._session.rows(statement.where(columns[self.key].in_(ids), self.own))
            if {tuple(row) for row in found} != {tuple(row[name] for name in names) for row in chunk}:
                raise ResourceNotFound(self.gone)

    async def update_many(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Replace rows, whatever version they have. Raises ResourceNotFound."""
        if not rows:
            return
        await self.check_there(rows)
        await self._session.update_many(self.table, self.key, self.identity, rows)

    @asynccontextmanager
    async def all_or_nothing(self) -> AsyncIterator[None]:
        """What is done inside is undone when it raises; the unit of work can go on."""
        await self._session.savepoint()
        try:
            yield
        except (Conflict, ResourceNotFound):
            await self._session.back()
            raise

    async def _explain(self, same: ColumnElement[bool]) -> None:
        found = await self._session.rows(select(self.table.c.version).where(same, self.own))
        if not found:
            raise ResourceNotFound(self.gone)
        raise PreconditionFailed("it has another version by now: read it again")
