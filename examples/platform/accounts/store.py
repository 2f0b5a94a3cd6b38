"""Tenants, users and refresh tokens in one SQLite file."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS tenant (id TEXT PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS user (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenant (id),
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    roles TEXT NOT NULL, -- JSON array
    password_hash TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS refresh_token (
    hash TEXT PRIMARY KEY, -- SHA-256 of the token; the token itself is not kept
    family TEXT NOT NULL, -- one sign-in and all that was rotated out of it
    user_id TEXT NOT NULL REFERENCES user (id),
    expires_at REAL NOT NULL, -- seconds since the epoch
    used_at REAL
);
CREATE INDEX IF NOT EXISTS refresh_token_family ON refresh_token (family);
"""


@dataclass(frozen=True, slots=True)
class User:
    """A person who can sign in, for one tenant."""

    id: str
    tenant_id: str
    email: str
    name: str
    roles: tuple[str, ...]
    password_hash: str


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """What is kept of a refresh token."""

    hash: str
    family: str
    user_id: str
    expires_at: float
    used_at: float | None = None


class Store:
    """Reads and writes; each `with store.begin() as rows` is one transaction."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._connection() as connection:
            connection.executescript(f"PRAGMA journal_mode=WAL; {SCHEMA}")

    @contextmanager
    def begin(self) -> Iterator["Rows"]:
        """Open a transaction that commits on leaving and rolls back on an error."""
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield Rows(connection)
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._path, timeout=20, isolation_level=None)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys=ON")
        try:
            yield connection
        finally:
            connection.close()


class Rows:
    """The statements of this service, within one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add_tenant(self, tenant_id: str, name: str) -> None:
        """Add a tenant."""
        self._connection.execute("INSERT INTO tenant VALUES (?, ?)", (tenant_id, name))

    def tenant_name(self, tenant_id: str) -> str | None:
        """A tenant's name, None when there is no such tenant."""
        row = self._connection.execute("SELECT name FROM tenant WHERE id = ?", (tenant_id,)).fetchone()
        return row["name"] if row else None

    def add_user(self, user: User) -> bool:
        """Add a user; False when the address is taken."""
        values = (user.id, user.tenant_id, user.email, user.name, json.dumps(user.roles), user.password_hash)
        statement = "INSERT INTO user VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (email) DO NOTHING"
        return self._connection.execute(statement, values).rowcount == 1

    def user_by(self, column: str, value: str) -> User | None:
        """The user whose `id` or `email` this is."""
        if column not in {"id", "email"}:
            raise ValueError(f"users are not found by {column}")
        row = self._connection.execute(f"SELECT * FROM user WHERE {column} = ?", (value,)).fetchone()
        return None if row is None else User(**{**dict(row), "roles": tuple(json.loads(row["roles"]))})

    def replace_password(self, user_id: str, password_hash: str) -> None:
        """Keep a new hash for a user."""
        statement = "UPDATE user SET password_hash = ? WHERE id = ?"
        self._connection.execute(statement, (password_hash, user_id))

    def add_refresh_token(self, token: RefreshToken) -> None:
        """Keep a refresh token."""
        values = (token.hash, token.family, token.user_id, token.expires_at, token.used_at)
        self._connection.execute("INSERT INTO refresh_token VALUES (?, ?, ?, ?, ?)", values)

    def refresh_token(self, token_hash: str) -> RefreshToken | None:
        """The refresh token with this hash."""
        statement = "SELECT * FROM refresh_token WHERE hash = ?"
        row = self._connection.execute(statement, (token_hash,)).fetchone()
        return None if row is None else RefreshToken(**dict(row))

    def use_refresh_token(self, token_hash: str, now: float) -> None:
        """Mark a refresh token as used."""
        self._connection.execute("UPDATE refresh_token SET used_at = ? WHERE hash = ?", (now, token_hash))

    def end_family(self, family: str) -> None:
        """Forget every refresh token of one sign-in."""
        self._connection.execute("DELETE FROM refresh_token WHERE family = ?", (family,))

    def forget_expired(self, now: float) -> None:
        """Drop what nobody can use any more."""
        self._connection.execute("DELETE FROM refresh_token WHERE expires_at < ?", (now,))

    def check(self) -> None:
        """Raise sqlite3.Error when the database does not answer."""
        self._connection.execute("SELECT count(*) FROM tenant").fetchone()
