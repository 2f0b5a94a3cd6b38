"""What is said of a database's schema."""

from __future__ import annotations

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from brain_gateway.infrastructure.sql import migrating
from brain_gateway.infrastructure.sql.schema import REVISIONS, Revision, read_revision


def test_the_list_is_what_alembic_finds():
    config = Config()
    config.set_main_option("script_location", str(migrating._FOLDER))
    scripts = ScriptDirectory.from_config(config)
    assert tuple(script.revision for script in scripts.walk_revisions())[::-1] == REVISIONS
    assert scripts.get_current_head() == REVISIONS[-1]


@pytest.mark.parametrize(
    ("name", "word", "upgradable"),
    [
        (None, "run `brain-gateway db upgrade`", True),
        ("9999", "upgrade the gateway", False),
    ],
)
def test_faults(name, word, upgradable):
    revision = Revision(name)
    assert word in revision.fault
    assert (revision.current, revision.upgradable) == (False, upgradable)


def test_the_newest_has_no_fault():
    revision = Revision(REVISIONS[-1])
    assert (revision.fault, revision.current, revision.upgradable) == (None, True, False)


def test_an_older_one_can_be_upgraded(monkeypatch):
    monkeypatch.setattr("brain_gateway.infrastructure.sql.schema.REVISIONS", ("0001", "0002"))
    assert Revision("0001").upgradable
    assert "has schema 0001, not 0002" in Revision("0001").fault


def test_it_is_read_without_alembic(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path}/x.db")
    with engine.begin() as connection:
        assert read_revision(connection) == Revision(None)
        connection.execute(text("CREATE TABLE alembic_version (version_num TEXT)"))
        assert read_revision(connection) == Revision(None)
        connection.execute(text("INSERT INTO alembic_version VALUES ('0001')"))
        assert read_revision(connection) == Revision("0001")
    engine.dispose()
