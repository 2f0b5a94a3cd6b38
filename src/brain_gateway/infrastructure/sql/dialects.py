"""What the expression language lacks, and each database has. Only the one that is used is imported."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import Table

if TYPE_CHECKING:
    from sqlalchemy.dialects.postgresql import Insert as PostgresqlInsert
    from sqlalchemy.dialects.postgresql.base import PGDialect
    from sqlalchemy.dialects.sqlite import Insert as SqliteInsert


def insert_into(table: Table, is_postgresql: bool) -> PostgresqlInsert | SqliteInsert:
    """An INSERT that can say what is done on a conflict."""
    if is_postgresql:
        from sqlalchemy.dialects.postgresql import insert as of_postgresql

        return of_postgresql(table)
    from sqlalchemy.dialects.sqlite import insert as of_sqlite

    return of_sqlite(table)


@cache
def postgresql() -> PGDialect:
    """To spell types out."""
    from sqlalchemy.dialects.postgresql.base import PGDialect

    return PGDialect()  # type: ignore[no-untyped-call]  # SQLAlchemy annotates no constructor of a dialect
