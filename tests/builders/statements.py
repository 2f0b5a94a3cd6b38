"""Which statements a store sends to its database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event

from brain_gateway.infrastructure.sql.store import SqlStore


@contextmanager
def statements_of(store: SqlStore) -> Iterator[list[str]]:
    """What is executed within, one after the other; each is a round trip."""
    seen: list[str] = []

    def see(connection: object, cursor: object, statement: str, *_: object) -> None:
        seen.append(" ".join(statement.split()))

    engine = store._engine.sync_engine
    event.listen(engine, "before_cursor_execute", see)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", see)
