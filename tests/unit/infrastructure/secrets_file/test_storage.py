"""The file is replaced whole or not at all, and by one at a time."""

from __future__ import annotations

import errno
import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from brain_gateway.infrastructure.secrets_file.storage import BusyError, OpenToOthersError, WholeFile


@pytest.fixture
def file(tmp_path) -> WholeFile:
    return WholeFile(tmp_path / "data" / "secrets.json")


def replace(file: WholeFile, content: bytes) -> None:
    with file.turn():
        file.replace(content)


def test_nothing_there(file):
    assert file.read() is None
    assert not file.path.parent.exists()


def test_what_is_put_is_there_for_its_owner_alone(file):
    replace(file, b"one")
    replace(file, b"two")
    assert file.read() == b"two"
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700
    assert sorted(path.name for path in file.path.parent.iterdir()) == ["secrets.json", "secrets.lock"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o660])
def test_a_file_that_others_may_use_is_refused(file, mode):
    replace(file, b"one")
    file.path.chmod(mode)
    with pytest.raises(OpenToOthersError):
        file.read()


@pytest.mark.parametrize("call", ["fsync", "replace", "open"])
def test_a_full_disk_leaves_the_old_file(file, monkeypatch, call):
    replace(file, b"old")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch, file.turn():
        patch.setattr(os, call, full)
        with pytest.raises(OSError, match="No space"):
            file.replace(b"new")
    assert file.read() == b"old"
    assert sorted(path.name for path in file.path.parent.iterdir()) == ["secrets.json", "secrets.lock"]


def test_those_that_come_at_once_take_turns(file):
    replace(file, b"0")

    def add_one(_: int) -> None:
        with file.turn():
            file.replace(str(int(file.read() or b"") + 1).encode())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add_one, range(40)))
    assert file.read() == b"40"


def test_a_turn_that_never_ends_is_not_waited_for_for_ever(file):
    waited = []
    with file.turn(), pytest.raises(BusyError), file.turn(waited.append):
        pass
    assert sum(waited) == pytest.approx(5.0)


def test_a_turn_ends_when_something_goes_wrong_in_it(file):
    with pytest.raises(ZeroDivisionError), file.turn():
        raise ZeroDivisionError
    replace(file, b"one")
    assert file.read() == b"one"
