"""Every error of both drivers has its word here."""

from __future__ import annotations

import socket
import sqlite3

import asyncpg
import pytest
from asyncpg import exceptions
from sqlalchemy.exc import DBAPIError, InvalidRequestError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from brain_gateway.domain.errors import Conflict, InternalError, InvalidDocument, StoreUnavailable
from brain_gateway.infrastructure.sql import failures
from brain_gateway.infrastructure.sql.failures import by_code, by_state, translate, translated

STATES = {
    known.sqlstate
    for known in vars(exceptions).values()
    if isinstance(known, type) and issubclass(known, asyncpg.PostgresError) and known.sqlstate
}
CODES = {
    value
    for name, value in vars(sqlite3).items()
    if name.startswith("SQLITE_") and name.removeprefix("SQLITE_") in
    {"ERROR", "INTERNAL", "PERM", "ABORT", "BUSY", "LOCKED", "NOMEM", "READONLY", "INTERRUPT", "IOERR", "CORRUPT",
     "NOTFOUND", "FULL", "CANTOPEN", "PROTOCOL", "EMPTY", "SCHEMA", "TOOBIG", "CONSTRAINT", "MISMATCH", "MISUSE",
     "NOLFS", "AUTH", "FORMAT", "RANGE", "NOTADB", "NOTICE", "WARNING"}
}  # fmt: skip


def test_every_class_of_postgresql_is_named():
    """asyncpg has a class for each code of the manual's appendix A."""
    assert len(STATES) > 200
    assert {state[:2] for state in STATES} == set(failures._CLASSES)


def test_every_exact_state_exists():
    assert set(failures._STATES) <= STATES


def test_every_result_code_of_sqlite_is_named():
    assert len(CODES) == 28
    assert set(failures._CODES) == CODES


@pytest.mark.parametrize("state", sorted(STATES))
def test_no_detail_is_empty(state):
    assert by_state(state).detail


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("08006", StoreUnavailable),  # connection_failure
        ("28P01", StoreUnavailable),  # invalid_password
        ("3D000", StoreUnavailable),  # the database does not exist
        ("53100", StoreUnavailable),  # disk_full
        ("53300", StoreUnavailable),  # too_many_connections
        ("55P03", StoreUnavailable),  # lock_not_available
        ("57014", StoreUnavailable),  # query_canceled: it took too long
        ("57P01", StoreUnavailable),  # admin_shutdown
        ("57P03", StoreUnavailable),  # cannot_connect_now
        ("25006", StoreUnavailable),  # read_only_sql_transaction: a standby
        ("42P01", StoreUnavailable),  # undefined_table: not migrated
        ("23505", Conflict),  # unique_violation
        ("23503", Conflict),  # foreign_key_violation
        ("40001", Conflict),  # serialization_failure
        ("40P01", Conflict),  # deadlock_detected
        ("22021", InvalidDocument),  # character_not_in_repertoire: NUL
        ("22003", InvalidDocument),  # numeric_value_out_of_range
        ("42501", InternalError),  # insufficient_privilege: a policy
        ("42601", InternalError),  # syntax_error
        ("ZZ999", InternalError),
    ],
)
def test_states(state, kind):
    assert type(by_state(state)) is kind


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (sqlite3.SQLITE_BUSY_SNAPSHOT, StoreUnavailable),
        (sqlite3.SQLITE_FULL, StoreUnavailable),
        (sqlite3.SQLITE_IOERR_WRITE, StoreUnavailable),
        (sqlite3.SQLITE_READONLY_DBMOVED, StoreUnavailable),
        (sqlite3.SQLITE_NOTADB, StoreUnavailable),
        (sqlite3.SQLITE_CONSTRAINT_UNIQUE, Conflict),
        (sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, Conflict),
        (sqlite3.SQLITE_TOOBIG, InvalidDocument),
        (sqlite3.SQLITE_MISUSE, InternalError),
        (250, InternalError),
    ],
)
def test_codes(code, kind):
    assert type(by_code(code)) is kind


def driver_error(origin):
    """As SQLAlchemy hands it on."""
    return DBAPIError("SELECT secret", {}, origin)


@pytest.mark.parametrize(
    ("state", "do"),
    [
        ("28P01", "mend the URL"),
        ("28000", "mend the URL"),
        ("3D000", "CREATE DATABASE"),
        ("53300", "POOL_SIZE"),
    ],
)
def test_what_can_be_mended_says_how(state, do):
    assert do in by_state(state).detail


@pytest.mark.parametrize(
    ("code", "do"),
    [
        (sqlite3.SQLITE_CANTOPEN, "needs rights"),
        (sqlite3.SQLITE_READONLY_DIRECTORY, "needs rights"),
        (sqlite3.SQLITE_PERM, "needs rights"),
        (sqlite3.SQLITE_NOTADB, "move it away"),
        (sqlite3.SQLITE_CORRUPT, "restore it"),
        (sqlite3.SQLITE_FULL, "disk is full"),
        (sqlite3.SQLITE_BUSY_RECOVERY, "try again"),
    ],
)
def test_what_can_be_mended_of_a_file_says_how(code, do):
    assert do in by_code(code).detail


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (socket.gaierror(-2, "for db.internal"), StoreUnavailable),
        (ConnectionRefusedError(111, "to 10.0.0.1"), StoreUnavailable),
        (TimeoutError(), StoreUnavailable),
        (PoolTimeout(), StoreUnavailable),
        (driver_error(sqlite3.ProgrammingError("Cannot operate on a closed database.")), StoreUnavailable),
        (driver_error(sqlite3.OperationalError("no active connection")), StoreUnavailable),
        (driver_error(sqlite3.ProgrammingError("other")), InternalError),
        (driver_error(RuntimeError("connection is closed")), StoreUnavailable),
        (InvalidRequestError("wrong"), InternalError),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates"), InvalidDocument),
    ],
)
def test_errors_without_a_code(error, kind):
    assert type(translate(error)) is kind


def test_others_are_none_of_its_business():
    assert translate(ValueError()) is None
    assert translate(KeyError("x")) is None


def test_no_detail_carries_the_drivers_text():
    def fail():
        with translated():
            raise driver_error(sqlite3.ProgrammingError("secret in it"))

    with pytest.raises(InternalError) as caught:
        fail()
    assert "secret" not in caught.value.detail
    assert isinstance(caught.value.__cause__, DBAPIError)


def test_a_missing_table_says_what_to_do():
    connection = sqlite3.connect(":memory:")
    with pytest.raises(sqlite3.OperationalError) as caught:
        connection.execute("SELECT * FROM services")
    connection.close()
    found = translate(driver_error(caught.value))
    assert isinstance(found, StoreUnavailable)
    assert "db upgrade" in found.detail
