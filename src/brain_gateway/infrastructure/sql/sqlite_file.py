"""A SQLite file and its write-ahead log: made once, by however many start at the same time."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from brain_gateway.domain.errors import StoreUnavailable
from brain_gateway.infrastructure.sql.failures import by_code

_AGAIN: Final = 0.01  # seconds between two attempts
_HELD: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)


def use_wal(file: Path, patience: float, pause: Callable[[float], object] = time.sleep) -> None:
    """Make the file, readable for its owner alone, and give it a write-ahead log, so that readers never wait.

    Blocking, for `patience` seconds while others hold the file. Raises StoreUnavailable.
    """
    end = time.monotonic() + patience
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        with closing(sqlite3.connect(file, timeout=patience, isolation_level=None)) as connection:
            while not _switched(connection, file):
                if time.monotonic() >= end:
                    raise StoreUnavailable(f"{file}: another process holds it; end that one, or try again")
                pause(_AGAIN)
    except OSError as error:
        raise StoreUnavailable(
            f"{file} cannot be made or opened as a database ({os.strerror(error.errno or 0)}): "
            "the gateway must be able to write there (BRAIN_GATEWAY_DATA_DIR, DATABASE_URL)"
        ) from error
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{file}: {by_code(_code(error)).detail}") from error


def _switched(connection: sqlite3.Connection, file: Path) -> bool:
    """Whether the file has a write-ahead log now; False while somebody else is in the way.

    Of several that switch a file at once, SQLite tells all but one that it is busy, without waiting: each of them
    reads, and would wait for the others to do so no more (sqlite.org/c3ref/busy_handler.html, on deadlocks).
    """
    try:
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    except sqlite3.Error as error:
        if _code(error) & 0xFF not in _HELD:
            raise
        return False
    if mode != "wal":
        raise StoreUnavailable(f"{file}: a write-ahead log is not possible there; put it on a local disk")
    return True


def _code(error: sqlite3.Error) -> int:
    """The result code; SQLITE_ERROR for what Python's module raises by itself."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
