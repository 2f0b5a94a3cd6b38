"""A file is made and given its log by however many at once; who cannot is told why."""

from __future__ import annotations

import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

import pytest

from brain_gateway.domain.errors import StoreUnavailable
from brain_gateway.infrastructure.sql.sqlite_file import use_wal


def opened(file):
    return closing(sqlite3.connect(file, isolation_level=None))


def mode(file):
    with opened(file) as connection:
        return connection.execute("PRAGMA journal_mode").fetchone()[0]


def test_it_is_made_for_its_owner_alone(tmp_path):
    file = tmp_path / "a" / "b" / "gateway.db"
    use_wal(file, 0)
    assert mode(file) == "wal"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_who_is_in_the_way_is_waited_for(tmp_path):
    """SQLite says at once that it is busy, whatever the timeout: two who read would wait for each other."""
    file, paused = tmp_path / "gateway.db", []
    with opened(file) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("CREATE TABLE t (x)")

        def pause(seconds):
            paused.append(seconds)
            if len(paused) == 3:
                other.execute("COMMIT")

        use_wal(file, 600.0, pause)
    assert len(paused) == 3
    assert mode(file) == "wal"


def test_who_is_in_the_way_is_not_waited_for_without_end(tmp_path):
    file = tmp_path / "gateway.db"
    with opened(file) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="another process holds it; end that one"):
            use_wal(file, 0.0)


def test_a_file_that_has_its_log_waits_for_nobody(tmp_path):
    file = tmp_path / "gateway.db"
    use_wal(file, 0.0)
    with opened(file) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("CREATE TABLE t (x)")
        use_wal(file, 0.0, pytest.fail)


def test_many_at_once(tmp_path):
    at_once = Barrier(6)

    def use(file):
        at_once.wait()
        use_wal(file, 600.0)

    with ThreadPoolExecutor(6) as threads:
        for number in range(20):
            list(threads.map(use, [tmp_path / f"{number}.db"] * 6))
            assert mode(tmp_path / f"{number}.db") == "wal"


def test_garbage_is_left_as_it_is(tmp_path):
    file = tmp_path / "gateway.db"
    file.write_bytes(b"no database" * 1000)
    with pytest.raises(StoreUnavailable, match="is no SQLite database: move it away") as caught:
        use_wal(file, 0.0)
    assert caught.value.detail.startswith(f"{file}: ")
    assert file.read_bytes() == b"no database" * 1000


def test_a_directory_in_its_place(tmp_path):
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        use_wal(tmp_path, 0.0)


@pytest.mark.parametrize(
    "error", [PermissionError(13, "secret"), OSError(30, "secret"), OSError(28, "secret")]
)
def test_what_the_system_refuses(tmp_path, monkeypatch, error):
    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(Path, "touch", refuse)
    with pytest.raises(StoreUnavailable, match=r"\((Permission denied|Read-only|No space left)") as caught:
        use_wal(tmp_path / "gateway.db", 0.0)
    assert "BRAIN_GATEWAY_DATA_DIR" in caught.value.detail
    assert "secret" not in caught.value.detail


def test_where_no_log_is_possible(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreUnavailable, match="put it on a local disk"):
        use_wal(Path(":memory:"), 0.0)
