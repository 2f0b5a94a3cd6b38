"""What the application's role may do on PostgreSQL, and what it must not be."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.infrastructure.sql.schema import TABLE
from brain_gateway.infrastructure.sql.tables import metadata

_ALL: Final = "SELECT, INSERT, UPDATE, DELETE"
PRIVILEGES: Final = {
    "audit_log": "SELECT, INSERT",
    "audit_heads": "SELECT, INSERT, UPDATE",
    "configuration_head": "SELECT, UPDATE",
    "configuration_versions": "SELECT, INSERT, DELETE",
    TABLE: "SELECT",
}
"""Where a role gets less than reading and writing rows. Nowhere: TRUNCATE (policies do not hold for it), REFERENCES,
TRIGGER, ownership."""

_FAULTS: Final = text(
    "SELECT r.rolsuper, r.rolbypassrls,"
    " EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace"
    "  AND c.relname = ANY(:tables) AND pg_has_role(c.relowner, 'MEMBER'))"
    " FROM pg_roles r WHERE r.rolname = current_user"
)


def check_role(connection: Connection, role: str) -> None:
    """Raises ConfigurationError when PostgreSQL has no such role, or the role is the one that migrates."""
    found = connection.execute(
        text("SELECT rolname = current_user FROM pg_roles WHERE rolname = :role"), {"role": role}
    ).scalar()
    if found is None:
        raise ConfigurationError(f'PostgreSQL has no role "{role}": make it with CREATE ROLE "{role}" LOGIN')
    if found:
        raise ConfigurationError(
            f'"{role}" would own the tables: let another role migrate (MIGRATION_DATABASE_URL)'
        )


def grant(connection: Connection, role: str) -> None:
    """Let `role` work with the tables; what it had beyond that is taken away."""
    quoted = connection.dialect.identifier_preparer.quote(role)
    schema = connection.dialect.identifier_preparer.quote(
        connection.execute(text("SELECT current_schema()")).scalar_one()
    )
    connection.execute(text(f"GRANT USAGE ON SCHEMA {schema} TO {quoted}"))
    for table in (*metadata.tables, TABLE):
        connection.execute(text(f"REVOKE ALL ON {table} FROM {quoted}"))
        connection.execute(text(f"GRANT {PRIVILEGES.get(table, _ALL)} ON {table} TO {quoted}"))


async def role_faults(connection: AsyncConnection) -> tuple[str, ...]:
    """Why the role of this connection could pass row level security by; nothing: it cannot."""
    row = (await connection.execute(_FAULTS, {"tables": list(metadata.tables)})).one()
    faults = (
        (row[0], "it is a superuser"),
        (row[1], "it has BYPASSRLS"),
        (row[2], "it owns the tables, or is a member of the role that does"),
    )
    return tuple(text for applies, text in faults if applies)
