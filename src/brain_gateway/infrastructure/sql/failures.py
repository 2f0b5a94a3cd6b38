"""What the drivers raise, as errors of the gateway: the one place that knows both languages.

PostgreSQL says what is wrong by SQLSTATE (appendix A of its manual): five characters, of which two are the class;
SQLite by primary result code (sqlite.org/rescode.html). The tables name every class and every code; a test
asks for that.
"""

from __future__ import annotations

import socket
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from brain_gateway.domain.errors import (
    Conflict,
    GatewayError,
    InternalError,
    InvalidDocument,
    StoreUnavailable,
)

Kind = type[GatewayError]

AWAY: Final = "the database cannot be reached now; what was loaded from it goes on"
NO_HOST: Final = "the host in the database's URL has no address: mend the URL, or the name service"
REFUSED: Final = "the database refuses the user, or its password, in its URL: mend the URL, or the role"
NO_DATABASE: Final = (
    "the server has no database of the name in its URL: mend the URL, or make it (CREATE DATABASE)"
)
BUSY: Final = "the database is busy with other changes; try again"
TOOK_PART: Final = "another change came first; try again"
KNOWN_ALREADY: Final = "there is one already"
NOT_STORABLE: Final = "a text or number in it cannot be stored"

_STATES: Mapping[str, tuple[Kind, str]] = {
    "23505": (Conflict, KNOWN_ALREADY),
    "23503": (Conflict, TOOK_PART),
    "40001": (Conflict, TOOK_PART),
    "40P01": (Conflict, TOOK_PART),
    "42501": (InternalError, "the role has no right to that in the database, or a row policy forbids it"),
    "42P01": (StoreUnavailable, "the database lacks a table: run `brain-gateway db upgrade`"),
    "42703": (StoreUnavailable, "the database lacks a column: run `brain-gateway db upgrade`"),
    "3F000": (StoreUnavailable, "the database lacks its schema: run `brain-gateway db upgrade`"),
    "3D000": (StoreUnavailable, NO_DATABASE),
    "53300": (
        StoreUnavailable,
        "the database takes no more connections: lower DATABASE_POOL_SIZE, or let it take more",
    ),
    "53100": (StoreUnavailable, "the database's disk is full; nothing was changed"),
    "55P03": (StoreUnavailable, BUSY),
    "57014": (StoreUnavailable, "the database took too long; nothing was changed"),
    "25006": (StoreUnavailable, "the database is read-only now; nothing was changed"),
}
_CLASSES: Mapping[str, tuple[Kind, str]] = {
    **dict.fromkeys(("08", "0B", "3D", "53", "57", "58"), (StoreUnavailable, AWAY)),
    "28": (StoreUnavailable, REFUSED),
    **dict.fromkeys(("F0", "XX"), (StoreUnavailable, "the database is damaged or misconfigured")),
    "22": (InvalidDocument, NOT_STORABLE),
    "40": (Conflict, TOOK_PART),
    "55": (StoreUnavailable, BUSY),
    **dict.fromkeys(
        ("03", "09", "0A", "0F", "0L", "0P", "0Z", "10", "20", "21", "23", "24", "25", "26", "27",
         "2B", "2D", "2F", "34", "38", "39", "3B", "3F", "42", "44", "54", "72", "HV", "P0"),
        (InternalError, "the database refused a statement of the gateway"),
    ),
}  # fmt: skip

_FILE = "the database file cannot be read or written now; nothing was changed"
_RIGHTS = (
    "the database file cannot be opened for writing: the gateway needs rights on it, on its directory, and on what "
    "begins with its name there"
)
_NO_SQLITE = (
    "the database file is no SQLite database: "
    "move it away, or name another (BRAIN_GATEWAY_DATA_DIR, DATABASE_URL)"
)
_CODES: Mapping[int, tuple[Kind, str]] = {
    sqlite3.SQLITE_BUSY: (StoreUnavailable, BUSY),
    sqlite3.SQLITE_LOCKED: (StoreUnavailable, BUSY),
    sqlite3.SQLITE_PROTOCOL: (StoreUnavailable, BUSY),
    sqlite3.SQLITE_FULL: (StoreUnavailable, "the database's disk is full; nothing was changed"),
    **dict.fromkeys(
        (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM), (StoreUnavailable, _RIGHTS)
    ),
    **dict.fromkeys(
        (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_AUTH, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_INTERRUPT,
         sqlite3.SQLITE_ABORT, sqlite3.SQLITE_NOLFS, sqlite3.SQLITE_SCHEMA, sqlite3.SQLITE_EMPTY),
        (StoreUnavailable, _FILE),
    ),
    sqlite3.SQLITE_CORRUPT: (StoreUnavailable, "the database file is damaged: restore it from a backup"),
    sqlite3.SQLITE_NOTADB: (StoreUnavailable, _NO_SQLITE),
    sqlite3.SQLITE_CONSTRAINT: (Conflict, KNOWN_ALREADY),
    sqlite3.SQLITE_TOOBIG: (InvalidDocument, NOT_STORABLE),
    sqlite3.SQLITE_MISMATCH: (InvalidDocument, NOT_STORABLE),
    **dict.fromkeys(
        (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_INTERNAL, sqlite3.SQLITE_MISUSE, sqlite3.SQLITE_FORMAT,
         sqlite3.SQLITE_RANGE, sqlite3.SQLITE_NOTFOUND, sqlite3.SQLITE_NOTICE, sqlite3.SQLITE_WARNING),
        (InternalError, "the database refused a statement of the gateway"),
    ),
}  # fmt: skip


def by_state(state: str) -> GatewayError:
    """The error for a SQLSTATE."""
    kind, detail = _STATES.get(state) or _CLASSES.get(state[:2]) or (InternalError, "the database failed")
    return kind(detail)


def by_code(code: int) -> GatewayError:
    """The error for a result code of SQLite; extended ones have the primary one in their lowest byte."""
    kind, detail = _CODES.get(code & 0xFF, (InternalError, "the database failed"))
    return kind(detail)


def translate(error: BaseException) -> GatewayError | None:
    """The gateway's word for what a driver or SQLAlchemy raised; None when it is nothing of theirs."""
    if isinstance(error, DBAPIError):
        return _of_driver(error)
    if isinstance(error, PoolTimeout):
        return StoreUnavailable(BUSY)
    if isinstance(error, socket.gaierror):
        return StoreUnavailable(NO_HOST)
    if isinstance(error, OSError):  # refused, unreachable, and TimeoutError
        return StoreUnavailable(AWAY)
    if isinstance(error, UnicodeEncodeError):
        return InvalidDocument(NOT_STORABLE)
    if isinstance(error, SQLAlchemyError):
        return InternalError("the database layer failed")
    return None


@contextmanager
def translated() -> Iterator[None]:
    """Raises the gateway's error in place of the driver's."""
    try:
        yield
    except (SQLAlchemyError, OSError, UnicodeEncodeError) as error:
        raise translate(error) or error from error


def _of_driver(error: DBAPIError) -> GatewayError:
    origin = error.orig
    state = getattr(origin, "sqlstate", None)
    if state is not None:
        return by_state(state)
    code = getattr(origin, "sqlite_errorcode", None)
    if code is not None:
        return _missing_table(str(origin)) or by_code(code)
    if error.connection_invalidated or not isinstance(origin, sqlite3.Error):
        return StoreUnavailable(
            AWAY
        )  # asyncpg's own complaints: the connection is closed, or was never there
    return InternalError("the database failed") if not _is_closed(origin) else StoreUnavailable(AWAY)


def _missing_table(text: str) -> GatewayError | None:
    if text.startswith(("no such table", "no such column", "table ")):
        return StoreUnavailable("the database has another schema: run `brain-gateway db upgrade`")
    return None


def _is_closed(origin: BaseException) -> bool:
    return "closed" in str(origin).lower() or "no active connection" in str(origin).lower()


__all__ = ["AWAY", "BUSY", "by_code", "by_state", "translate", "translated"]
