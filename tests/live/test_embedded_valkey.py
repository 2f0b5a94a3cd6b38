"""The embedded Valkey as a process: it answers on its socket alone, is started anew, and ends when it is told to."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as Away

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.infrastructure.valkey import embedded
from brain_gateway.infrastructure.valkey.embedded import EmbeddedValkey, binary


@pytest.fixture
def place():
    with tempfile.TemporaryDirectory(prefix="bg-") as folder:
        yield Path(folder)


@pytest.fixture
def valkey(place):
    server = binary()
    assert server is not None
    started = EmbeddedValkey(server, place)
    started.start()
    yield started
    if started._process is not None:
        started.stop()


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10.0
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def answers(valkey: EmbeddedValkey) -> bool:
    with Redis.from_url(valkey.url) as client:
        try:
            return bool(client.ping())
        except Away:
            return False


def test_it_keeps_nothing_and_listens_on_its_socket_alone(valkey):
    with Redis.from_url(valkey.url) as client:
        assert client.config_get("port") == {"port": "0"} or client.config_get("port") == {b"port": b"0"}
        kept = {
            str(key if isinstance(key, str) else key.decode()): value
            for key, value in client.config_get("save", "appendonly").items()
        }
        assert {value if isinstance(value, str) else value.decode() for value in kept.values()} == {"", "no"}
    assert oct(Path(valkey.url.removeprefix("unix://")).stat().st_mode & 0o777) == "0o600"


def test_one_that_dies_is_started_anew_at_its_address(valkey, monkeypatch):
    monkeypatch.setattr(embedded, "AGAIN", 0.0)
    assert valkey._process is not None
    before = valkey._process.pid
    valkey.tend()
    assert valkey._process.pid == before
    os.kill(before, signal.SIGKILL)
    valkey._process.wait()
    assert not answers(valkey)
    valkey.tend()
    until(lambda: answers(valkey))
    assert valkey._process.pid != before


def test_one_that_dies_at_once_is_not_started_without_a_pause(place):
    valkey = EmbeddedValkey(Path("/bin/false"), place)
    valkey._launch()
    process = valkey._process
    assert process is not None
    process.wait()
    valkey.tend()
    assert valkey._process is process
    valkey.stop()


def test_one_that_does_not_start_stops_the_gateway_from_starting(place):
    valkey = EmbeddedValkey(Path("/bin/false"), place)
    with pytest.raises(ConfigurationError, match="REDIS_URL"):
        valkey.start()
    assert list(place.iterdir()) == []


def test_it_ends_though_it_hangs(valkey, monkeypatch, place):
    monkeypatch.setattr(embedded, "PATIENCE", 0.1)
    assert valkey._process is not None
    pid = valkey._process.pid
    os.kill(pid, signal.SIGSTOP)
    valkey.stop()
    assert not Path(f"/proc/{pid}").exists()
    assert list(place.iterdir()) == []
