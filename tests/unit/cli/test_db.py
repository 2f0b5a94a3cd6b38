"""`brain-gateway db` on SQLite (PostgreSQL: tests/live/test_migrations.py)."""

from __future__ import annotations

import pytest

from brain_gateway.infrastructure.sql.schema import REVISIONS

NEWEST = REVISIONS[-1]


@pytest.fixture
def db(run, tmp_path):
    """Runs `brain-gateway db ARGUMENTS` in a data directory of the test's own."""
    return lambda *arguments, **environ: run(
        "db", *arguments, **{"BRAIN_GATEWAY_DATA_DIR": str(tmp_path / "data"), **environ}
    )


def test_from_nothing_and_back(db, tmp_path):
    result = db("check")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no schema: run `brain-gateway db upgrade`" in result.stderr
    assert db("current").stdout == ""
    assert not (tmp_path / "data").exists()
    address = f"sqlite+aiosqlite:///{tmp_path}/data/gateway.db"
    assert db("upgrade").stdout == f"{address}: no schema -> {NEWEST}\n"
    assert db("upgrade").stdout == f"{address}: {NEWEST}, nothing to do\n"
    assert db("current").stdout == f"{NEWEST}\n"
    assert (db("check").exit_code, db("check").stdout) == (0, "OK\n")
    assert db("downgrade", "base", "--yes").stdout == f"{address}: {NEWEST} -> no schema\n"
    assert db("check").exit_code == 1


def test_to_lose_data_asks(db):
    db("upgrade")
    result = db("downgrade", "base")
    assert result.exit_code == 1
    assert "and lose what is newer?" in result.stderr
    assert db("check").exit_code == 0


def test_the_url_may_be_said(db, tmp_path):
    assert db("upgrade", "--url", f"sqlite:///{tmp_path}/x.db").exit_code == 0
    assert (tmp_path / "x.db").exists()
    assert db("check", "--url", f"sqlite:///{tmp_path}/x.db").exit_code == 0
    assert db("check", DATABASE_URL=f"sqlite:///{tmp_path}/x.db").exit_code == 0


def test_a_wrong_url_is_a_fault(db):
    result = db("check", DATABASE_URL="mysql://u:hunter2@h/d")
    assert result.exit_code == 2
    assert "DATABASE_URL" in result.stderr
    assert "hunter2" not in result.output


def test_a_database_that_is_no_file(db, tmp_path):
    (tmp_path / "data").touch()
    result = db("upgrade")
    assert result.exit_code == 1
    assert "cannot be made or opened as a database" in result.stderr


def test_a_revision_that_does_not_exist(db):
    result = db("upgrade", "--to", "nonsense")
    assert result.exit_code == 2
    assert "nonsense" in result.stderr
