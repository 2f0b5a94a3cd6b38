"""The schema up and down on both databases, at once, half-way, and killed."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect
from typer.testing import CliRunner

from brain_gateway.application.scope import PLATFORM
from brain_gateway.cli import app
from brain_gateway.domain.errors import ConfigurationError, GatewayError
from brain_gateway.infrastructure.sql.addresses import database_url
from brain_gateway.infrastructure.sql.engine import StoreTimes, make_engine
from brain_gateway.infrastructure.sql.migrating import Migrated, downgrade, upgrade
from brain_gateway.infrastructure.sql.migrations.versions import v0001_initial
from brain_gateway.infrastructure.sql.schema import REVISIONS, TABLE
from brain_gateway.infrastructure.sql.store import open_store
from brain_gateway.infrastructure.sql.tables import metadata
from tests.builders.registry import a_service, a_tenant
from tests.builders.stores import postgres_store
from tests.live.harness.postgres import APP, OWNER

pytestmark = pytest.mark.anyio
NEWEST = REVISIONS[-1]

# Stands still in the middle of the first migration, after most tables are there, and says so.
HANGING = """
import asyncio, pathlib, sys, time
from brain_gateway.infrastructure.sql.addresses import database_url
from brain_gateway.infrastructure.sql.migrating import upgrade
from brain_gateway.infrastructure.sql.migrations.versions import v0001_initial as module
import alembic.script.base
load = alembic.script.base.Script.__init__
def patched(self, found, *rest):
    def hang():
        print("half-way", flush=True)
        time.sleep(60)
    if hasattr(found, "_versions"):
        found._versions = hang
    load(self, found, *rest)
alembic.script.base.Script.__init__ = patched
asyncio.run(upgrade(database_url(sys.argv[1], pathlib.Path())))
"""


@pytest.fixture(params=["sqlite", "postgres"])
def address(request, tmp_path):
    """An empty database, as who migrates comes to it."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/gateway.db"
    server = request.getfixturevalue("postgres_server")
    return server.url(server.database(), OWNER)


@pytest.fixture
def url(address):
    """The same as a URL."""
    return database_url(address, None)


async def looked_at(url, look):
    """What `look(connection)` finds."""
    engine = make_engine(url, 1, StoreTimes())
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(look)
    finally:
        await engine.dispose()


async def tables(url):
    return set(await looked_at(url, lambda connection: inspect(connection).get_table_names()))


async def test_up_and_down_and_up(url):
    assert await upgrade(url) == Migrated(None, NEWEST)
    assert await tables(url) == {*metadata.tables, TABLE}
    assert await downgrade(url) == Migrated(NEWEST, None)
    assert await tables(url) == {TABLE}
    assert await upgrade(url) == Migrated(None, NEWEST)
    assert await upgrade(url) == Migrated(NEWEST, NEWEST)


async def test_the_migrations_make_the_tables_that_the_code_has(url):
    await upgrade(url)
    assert await looked_at(url, differences) == []


def differences(connection):
    """Of columns, types, indexes and constraints."""
    return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)


async def test_two_at_once(url):
    outcomes = await asyncio.gather(upgrade(url), upgrade(url), upgrade(url))
    assert sorted(outcomes, key=lambda one: one.before or "") == [
        Migrated(None, NEWEST),
        Migrated(NEWEST, NEWEST),
        Migrated(NEWEST, NEWEST),
    ]


async def test_one_that_fails_half_way_changes_nothing(url, monkeypatch):
    from alembic.script import ScriptDirectory

    real = ScriptDirectory.run_env

    def fail(self):
        real(self)
        raise ConfigurationError("half-way")

    with monkeypatch.context() as patch:
        patch.setattr(ScriptDirectory, "run_env", fail)
        with pytest.raises(ConfigurationError, match="half-way"):
            await upgrade(url)
    assert await tables(url) == set()
    await upgrade(url)
    with monkeypatch.context() as patch:
        patch.setattr(ScriptDirectory, "run_env", fail)
        with pytest.raises(ConfigurationError, match="half-way"):
            await downgrade(url)
    assert await tables(url) == {*metadata.tables, TABLE}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_one_that_is_killed_half_way_changes_nothing(address, url, number):
    process = subprocess.Popen(
        [sys.executable, "-c", HANGING, address], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "half-way\n", process.stderr.read()
    process.send_signal(number)
    process.communicate()
    assert asyncio.run(tables(url)) == set()
    assert asyncio.run(upgrade(url)) == Migrated(None, NEWEST)


async def test_a_revision_that_does_not_exist(url):
    for migrate in (upgrade, downgrade):
        with pytest.raises(ConfigurationError, match="nonsense"):
            await migrate(url, "nonsense")


async def test_a_schema_of_a_newer_version_is_left_alone(url, monkeypatch):
    await upgrade(url)
    for module in ("schema", "migrating"):
        monkeypatch.setattr(f"brain_gateway.infrastructure.sql.{module}.REVISIONS", ("0000",))
    for migrate in (upgrade, downgrade):
        with pytest.raises(ConfigurationError, match="newer than this version"):
            await migrate(url)
    assert await tables(url) == {*metadata.tables, TABLE}


async def test_the_gateways_role_gets_what_it_needs_and_no_more(postgres_server):
    name = postgres_server.database()
    url = database_url(postgres_server.url(name, OWNER), None)
    await upgrade(url, app_role=APP)
    postgres_server.execute(f"GRANT ALL ON services, audit_log TO {APP}", name)
    await upgrade(url, app_role=APP)
    granted = postgres_server.execute(
        "SELECT table_name || ' ' || string_agg(privilege_type, ',' ORDER BY privilege_type)"
        f" FROM information_schema.role_table_grants WHERE grantee = '{APP}' GROUP BY table_name",
        name,
    )
    known = dict(line.split(" ") for line in granted.splitlines())
    usual = "DELETE,INSERT,SELECT,UPDATE"
    assert known == dict.fromkeys(metadata.tables, usual) | {
        "audit_log": "INSERT,SELECT",
        "audit_heads": "INSERT,SELECT,UPDATE",
        "configuration_head": "SELECT,UPDATE",
        "configuration_versions": "DELETE,INSERT,SELECT",
        TABLE: "SELECT",
    }
    async with postgres_store(postgres_server.url(name)) as store, store(PLATFORM) as unit:
        await unit.services.add(a_service())
        await unit.tenants.add(a_tenant())
        await unit.commit()


@pytest.mark.parametrize(("role", "word"), [("nobody", "CREATE ROLE"), (OWNER, "would own the tables")])
async def test_roles_that_cannot_be_the_gateways(postgres_server, role, word):
    url = database_url(postgres_server.url(postgres_server.database(), OWNER), None)
    with pytest.raises(ConfigurationError, match=word):
        await upgrade(url, app_role=role)
    assert await tables(url) == set()


async def test_who_may_make_no_tables_is_told(postgres_server):
    url = database_url(postgres_server.url(postgres_server.database(), APP), None)
    with pytest.raises(GatewayError) as caught:
        await upgrade(url)
    assert "right" in caught.value.detail


async def test_an_older_and_a_newer_schema(address, url, monkeypatch):
    await upgrade(url)
    async with open_store(url) as store:
        monkeypatch.setattr("brain_gateway.infrastructure.sql.schema.REVISIONS", ("0001", "0002"))
        assert "has schema 0001, not 0002: run `brain-gateway db upgrade`" in await store.ready()
        monkeypatch.setattr("brain_gateway.infrastructure.sql.schema.REVISIONS", ("0000",))
        assert "newer than this version" in await store.ready()


def test_the_command(postgres_server):
    name = postgres_server.database()
    environ = {
        "DATABASE_URL": postgres_server.url(name),
        "MIGRATION_DATABASE_URL": postgres_server.url(name, OWNER),
    }

    def run(*arguments, **more):
        return CliRunner().invoke(app, ("db", *arguments), env=environ | more, catch_exceptions=False)

    result = run("check")
    assert (result.exit_code, "db upgrade" in result.stderr) == (1, True)
    result = run("upgrade")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.endswith(f"no schema -> {NEWEST}\n")
    assert run("upgrade").stdout.endswith("nothing to do\n")
    assert run("current").stdout == f"{NEWEST}\n"
    assert run("check").stdout == "OK\n"
    result = run("check", "--url", postgres_server.url(name, OWNER))
    assert (result.exit_code, "owns the tables" in result.stderr) == (1, True)
    result = run("upgrade", MIGRATION_DATABASE_URL="", DATABASE_URL=postgres_server.url(name, OWNER))
    assert (result.exit_code, "row level security off" in result.stderr) == (0, True)
    assert run("upgrade", "--app-role", "nobody").exit_code == 2
    assert run("downgrade", "base", "--yes").stdout.endswith(f"{NEWEST} -> no schema\n")


def test_each_revision_says_what_it_follows():
    assert v0001_initial.down_revision is None
