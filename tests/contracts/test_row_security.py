"""A tenant tries to reach what is another's by plain SQL, in the application's role: the policies of PostgreSQL alone.

What is guarded against: a fault of the application that asks in the right scope for the wrong rows, and SQL that was
smuggled into a statement: it sees what the scope of its transaction sees. What is not: somebody who runs statements of
their own, or has the password: they can set any scope with set_config.
"""

from __future__ import annotations

import asyncpg
import pytest

from brain_gateway.infrastructure.sql.tables import SHARED, TENANT_TABLES, metadata
from tests.builders.registry import MINE, THEIRS, filled
from tests.builders.stores import postgres_store

pytestmark = pytest.mark.anyio
TABLES = [table.name for table in TENANT_TABLES]
SHARED_TABLES = {table.name for table in SHARED}


@pytest.fixture(scope="module")
def things():
    """Filled in by the first test."""
    return {}


@pytest.fixture
async def theirs(postgres, postgres_database, things):
    """What the other tenant has; every test here leaves it as it was."""
    if "theirs" not in things:
        async with postgres_store(postgres.server.url(postgres_database)) as store:
            things["theirs"] = await filled(store)
    return things["theirs"]


@pytest.fixture
async def connection(postgres, postgres_database, theirs):
    """The application's role."""
    found = await asyncpg.connect(postgres.server.url(postgres_database))
    yield found
    await found.close()


async def in_scope(connection, scope, statement):
    """A statement in a transaction of a scope (None: it was never set)."""
    async with connection.transaction():
        if scope is not None:
            await connection.execute("SELECT set_config('app.current_tenant_id', $1, true)", scope)
        return await connection.fetch(statement)


def test_every_table_of_tenants_is_tried():
    assert set(metadata.tables) - set(TABLES) == {"configuration_head"}


@pytest.mark.parametrize("table", TABLES)
async def test_plain_sql_counts_and_reads_its_own_rows(connection, table):
    owners = await in_scope(connection, MINE, f"SELECT tenant_id FROM {table}")
    shared = {"platform"} if table in SHARED_TABLES else set()
    assert {row[0] for row in owners} == {MINE} | shared
    assert (await in_scope(connection, MINE, f"SELECT count(*) FROM {table}"))[0][0] == len(owners)
    guessed = await in_scope(connection, MINE, f"SELECT * FROM {table} WHERE tenant_id = '{THEIRS}'")
    assert guessed == []
    assert len(await in_scope(connection, "platform", f"SELECT FROM {table}")) > len(owners)


async def in_scope_or_refused(connection, scope, statement):
    """No rows where the role may not do such a thing at all."""
    try:
        return await in_scope(connection, scope, statement)
    except asyncpg.InsufficientPrivilegeError as error:
        if "permission denied" not in str(error):
            raise
        return []


@pytest.mark.parametrize("scope", [None, "", "nobody", "*", "PLATFORM", "' OR true --"])
@pytest.mark.parametrize("table", TABLES)
async def test_without_a_scope_there_is_nothing(connection, table, scope):
    assert await in_scope(connection, scope, f"SELECT * FROM {table}") == []
    if table not in ("audit_log", "configuration_versions"):
        assert (
            await in_scope(connection, scope, f"UPDATE {table} SET tenant_id = tenant_id RETURNING 1") == []
        )


async def test_a_scope_ends_with_its_transaction(connection):
    assert await in_scope(connection, MINE, "SELECT FROM tenants")
    assert await in_scope(connection, None, "SELECT FROM tenants") == []


@pytest.mark.parametrize("table", TABLES)
async def test_plain_sql_writes_nothing_of_anothers(connection, table):
    columns = ", ".join(
        f'"{column.name}"' for column in metadata.tables[table].c if column.name != "tenant_id"
    )
    moved = f"INSERT INTO {table} (tenant_id, {columns}) SELECT '{THEIRS}', {columns} FROM {table} LIMIT 1"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await in_scope(connection, MINE, moved)
    for statement in (
        f"UPDATE {table} SET tenant_id = '{MINE}' WHERE tenant_id = '{THEIRS}' RETURNING 1",
        f"DELETE FROM {table} WHERE tenant_id IN ('{THEIRS}', 'platform') RETURNING 1",
    ):
        assert await in_scope_or_refused(connection, MINE, statement) == []


@pytest.mark.parametrize("table", [table for table in TABLES if table not in SHARED_TABLES])
async def test_plain_sql_gives_nothing_away(connection, table):
    given = f"UPDATE {table} SET tenant_id = '{THEIRS}' WHERE tenant_id = '{MINE}'"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await in_scope(connection, MINE, given)


async def test_a_join_shows_nothing_of_anothers(connection):
    joined = (
        "SELECT s.tenant_id, t.tenant_id, r.tenant_id, k.tenant_id FROM services s FULL JOIN targets t ON true"
        " FULL JOIN routes r ON true FULL JOIN api_keys k ON true"
    )
    found = {owner for row in await in_scope(connection, MINE, joined) for owner in row}
    assert found == {MINE, "platform"}
    unioned = "SELECT (SELECT max(tenant_id) FROM tenants), (SELECT count(*) FROM tenants)"
    assert [tuple(row) for row in await in_scope(connection, MINE, unioned)] == [(MINE, 1)]


async def test_targets_and_routes_cannot_be_put_under_anothers_service(connection, theirs):
    for statement in (
        f"INSERT INTO targets VALUES ('{theirs.service.id}', 'http://evil:1', '{MINE}', 9, 1, 'evil', false)",
        f"INSERT INTO routes VALUES ('{theirs.service.id}', 9, '{MINE}', '/evil', '', '{{}}')",
    ):
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await in_scope(connection, MINE, statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET actor = 'nobody'",
        "DELETE FROM audit_log",
        "DELETE FROM audit_heads",
        "TRUNCATE audit_log",
        "TRUNCATE services CASCADE",
        "ALTER TABLE services DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE services NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY services_own ON services",
        "CREATE POLICY mine ON services USING (true)",
        "DROP TABLE services",
        "CREATE TABLE other ()",
        "SET ROLE gateway_owner",
        "SET SESSION AUTHORIZATION postgres",
        "ALTER ROLE gateway_app BYPASSRLS",
        "UPDATE alembic_version SET version_num = 'x'",
        "DELETE FROM configuration_head",
        "COPY services TO PROGRAM 'cat'",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
    ],
)
async def test_the_applications_role_cannot(connection, statement):
    with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.InvalidParameterValueError)):
        await in_scope(connection, "platform", statement)


async def test_row_security_cannot_be_switched_off(connection):
    """`row_security = off` makes a filtered statement fail; it never shows more."""
    async with connection.transaction():
        await connection.execute("SET LOCAL row_security = off")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("SELECT * FROM services")


async def test_each_table_forces_its_policies_on_its_owner_too(connection):
    found = await connection.fetch(
        "SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class WHERE relname = ANY($1)", TABLES
    )
    assert {tuple(row) for row in found} == {(table, True, True) for table in TABLES}


@pytest.mark.parametrize("table", sorted(SHARED_TABLES))
async def test_global_rows_are_read_and_not_written(connection, table):
    assert (
        await in_scope(
            connection,
            MINE,
            f"UPDATE {table} SET tenant_id = tenant_id WHERE tenant_id = 'platform' RETURNING 1",
        )
        == []
    )
    locked = f"SELECT FROM {table} WHERE tenant_id = 'platform' FOR UPDATE"
    assert await in_scope(connection, MINE, locked) == []
