"""Many rows in one statement, in the way that is fast on each database.

PostgreSQL takes one array per column (row level security holds for INSERT ... SELECT, not for COPY); SQLite a statement
that it runs for each row. Both are spelled out here: going through the expression language takes longer than the rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Table

from brain_gateway.infrastructure.sql.dialects import postgresql

Rows = Sequence[Mapping[str, Any]]


def insert_many(table: Table, rows: Rows, is_postgresql: bool) -> tuple[str, Any]:
    """A driver's statement that inserts rows, which have all columns, and its parameters."""
    names = tuple(rows[0])
    if is_postgresql:
        return _arrays_in(table, names), _arrays(names, rows)
    return _rows_in(table, names), [tuple(row.values()) for row in rows]


def update_many(
    table: Table, key: str, kept: Sequence[str], rows: Rows, is_postgresql: bool
) -> tuple[str, Any]:
    """A driver's statement that replaces the rows with these keys, all but the columns `kept`, and its parameters."""
    changed = tuple(name for name in rows[0] if name != key and name not in kept)
    if is_postgresql:
        return _arrays_over(table, key, changed), _arrays((key, *changed), rows)
    return _rows_over(table, key, changed), [tuple(row[name] for name in (*changed, key)) for row in rows]


def _arrays(names: Sequence[str], rows: Rows) -> tuple[list[Any], ...]:
    return tuple([row[name] for row in rows] for name in names)


@cache
def _arrays_in(table: Table, names: tuple[str, ...]) -> str:
    columns = ", ".join(f'"{name}"' for name in names)
    return f'INSERT INTO "{table.name}" ({columns}) SELECT * FROM unnest({_types(table, names)})'


@cache
def _arrays_over(table: Table, key: str, names: tuple[str, ...]) -> str:
    changes = ", ".join(f'"{name}" = n."{name}"' for name in names)
    columns = ", ".join(f'"{name}"' for name in (key, *names))
    source = f"unnest({_types(table, (key, *names))}) AS n({columns})"
    return f'UPDATE "{table.name}" AS t SET {changes} FROM {source} WHERE t."{key}" = n."{key}"'


@cache
def _rows_in(table: Table, names: tuple[str, ...]) -> str:
    columns = ", ".join(f'"{name}"' for name in names)
    return f'INSERT INTO "{table.name}" ({columns}) VALUES ({", ".join("?" for _ in names)})'


@cache
def _rows_over(table: Table, key: str, names: tuple[str, ...]) -> str:
    changes = ", ".join(f'"{name}" = ?' for name in names)
    return f'UPDATE "{table.name}" SET {changes} WHERE "{key}" = ?'


def _types(table: Table, names: tuple[str, ...]) -> str:
    kinds = (table.c[name].type.compile(postgresql()).split(" COLLATE")[0] for name in names)
    return ", ".join(f"${at}::{kind}[]" for at, kind in enumerate(kinds, 1))
