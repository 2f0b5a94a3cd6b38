"""Addresses as REDIS_URL has them, and a client that repeats nothing by itself."""

from __future__ import annotations

import pytest
from redis.asyncio.connection import Connection, SSLConnection, UnixDomainSocketConnection

from brain_gateway.infrastructure.valkey.connection import make_client


@pytest.mark.parametrize(
    ("url", "kind", "known"),
    [
        ("redis://host:6380/2", Connection, {"host": "host", "port": 6380, "db": 2}),
        ("valkey://user:p%40ss@host", Connection, {"host": "host", "username": "user", "password": "p@ss"}),
        ("rediss://host", SSLConnection, {"host": "host"}),
        ("valkeys://host:6380", SSLConnection, {"host": "host", "port": 6380}),
        ("unix:///run/valkey.sock?db=1", UnixDomainSocketConnection, {"path": "/run/valkey.sock", "db": 1}),
    ],
)
def test_addresses(url, kind, known):
    pool = make_client(url, 0.5).connection_pool
    assert pool.connection_class is kind
    options = pool.connection_kwargs
    assert known.items() <= options.items()
    assert (options["socket_timeout"], options["socket_connect_timeout"]) == (0.5, 0.5)


def test_nothing_is_repeated():
    """A lease or a report that was carried out twice would count twice, a give-back would break the limit."""
    assert make_client("redis://host", 0.5).connection_pool.connection_kwargs["retry"]._retries == 0
