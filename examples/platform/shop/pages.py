"""Pages of a result, by key: a cursor names the last row seen, so that inserted rows shift nothing.

https://relay.dev/graphql/connections.htm; like Saleor's, our connections count (`totalCount`) and want
`first` or `last`, at most 100.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import strawberry
from graphql import GraphQLError
from sqlalchemy import ColumnElement, Select, func, literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

LIMIT = 100

Node = TypeVar("Node")


@strawberry.type
class PageInfo:
    """Where this page is among the others."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type
class CountableEdge(Generic[Node]):
    """A row and the cursor that names it."""

    node: Node
    cursor: str


@strawberry.type
class CountableConnection(Generic[Node]):
    """A page of rows."""

    page_info: PageInfo
    edges: list[CountableEdge[Node]]
    total_count: int


@dataclass(frozen=True, slots=True)
class Window:
    """Which part is asked for: the first so many after a cursor, or the last so many before one."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None

    @property
    def size(self) -> int:
        """How many rows; GraphQLError when the request is not one that can be answered."""
        if (self.first is None) == (self.last is None):
            raise GraphQLError("Give either `first` or `last`.")
        size = self.first if self.first is not None else self.last
        if size is None or not 0 <= size <= LIMIT:
            raise GraphQLError(f"`first` and `last` are from 0 to {LIMIT}.")
        return size


@dataclass(frozen=True, slots=True)
class Order:
    """By which value rows are ordered; the row's number decides between equals."""

    value: ColumnElement[Any]
    number: ColumnElement[int]
    descending: bool = False


async def page(
    session: AsyncSession, rows: Select[Any], order: Order, window: Window, node: Callable[[Any], Node]
) -> CountableConnection[Node]:
    """Return the window's rows as nodes; one statement for the rows, one for the count."""
    size, backwards = window.size, window.last is not None
    total = await session.scalar(select(func.count()).select_from(rows.order_by(None).subquery()))
    keyed = rows.add_columns(order.value.label("sort_value"))
    if window.after is not None:
        keyed = keyed.where(_beyond(order, window.after, upwards=not order.descending))
    if window.before is not None:
        keyed = keyed.where(_beyond(order, window.before, upwards=order.descending))
    downwards = order.descending != backwards
    keys = [key.desc() if downwards else key.asc() for key in (order.value, order.number)]
    found: Sequence[Any] = (await session.execute(keyed.order_by(*keys).limit(size + 1))).all()
    more, found = len(found) > size, found[:size]
    edges = [CountableEdge(node=node(row), cursor=_cursor(value, row.id)) for row, value in found]
    if backwards:
        edges.reverse()
    info = PageInfo(
        has_next_page=window.before is not None if backwards else more,
        has_previous_page=more if backwards else window.after is not None,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
    return CountableConnection(page_info=info, edges=edges, total_count=total or 0)


def _beyond(order: Order, cursor: str, upwards: bool) -> ColumnElement[bool]:
    here = tuple_(order.value, order.number)
    there = tuple_(*(literal(part) for part in _read_cursor(cursor)))
    return here > there if upwards else here < there


def _cursor(value: Any, number: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([value, number]).encode()).decode()


def _read_cursor(cursor: str) -> tuple[str | int | float, int]:
    try:
        value, number = json.loads(base64.urlsafe_b64decode(cursor))
    except (binascii.Error, ValueError, TypeError):
        raise GraphQLError("This is no cursor of this list.") from None
    if not isinstance(value, str | int | float) or not isinstance(number, int):
        raise GraphQLError("This is no cursor of this list.")
    return value, number
