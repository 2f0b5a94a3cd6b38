"""What each database has of its own, and that the other's is not imported."""

from __future__ import annotations

import subprocess
import sys

import pytest
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.dialects import sqlite

from brain_gateway.infrastructure.sql.dialects import insert_into, postgresql
from brain_gateway.infrastructure.sql.tables import configuration_head

DIALECTS = [(True, pg.dialect()), (False, sqlite.dialect())]


@pytest.mark.parametrize(("is_postgresql", "dialect"), DIALECTS, ids=["postgresql", "sqlite"])
def test_an_insert_that_gives_way(is_postgresql, dialect):
    statement = (
        insert_into(configuration_head, is_postgresql).values(id=1, version=1).on_conflict_do_nothing()
    )
    assert "ON CONFLICT DO NOTHING" in str(statement.compile(dialect=dialect))


def test_types_are_spelled_as_postgresql_has_them():
    assert configuration_head.c.version.type.compile(postgresql()) == "BIGINT"
    assert postgresql() is postgresql()


@pytest.mark.parametrize(("is_postgresql", "other"), [(True, "sqlite"), (False, "postgresql")])
def test_only_the_database_that_is_used_is_imported(is_postgresql, other):
    code = (
        "import sys, brain_gateway.infrastructure.sql.store\n"
        "from brain_gateway.infrastructure.sql import dialects, tables\n"
        f"dialects.insert_into(tables.tenants, {is_postgresql})\n"
        "print(sorted({n.split('.')[2] for n in sys.modules if n.startswith('sqlalchemy.dialects.')}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other not in done.stdout
    assert ("postgresql" if is_postgresql else "sqlite") in done.stdout
