"""The one client of a process, from REDIS_URL; everything that uses it shares its connections."""

from __future__ import annotations

from typing import Any

from redis.asyncio import Connection, ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as NotConnected

from brain_gateway.infrastructure.valkey.client import Client

_SAME = {"valkey://": "redis://", "valkeys://": "rediss://"}  # schemes that the library knows by another name


def make_client(url: str | None, timeout: float) -> Client:
    """A client that has not connected yet. `timeout`: seconds for connecting and for each answer, at the latest; who
    cannot wait so long sets a bound of his own. None: it is told its address later (`move`), and is away until then.

    Nothing is repeated by itself: a command whose answer did not come may have been carried out.
    """
    return Client(_pool(url, timeout))


async def move(client: Client, url: str, patience: float) -> None:
    """Another address, or another password there: its commands go to it from now on, those under way are given up.
    `patience` is its `timeout`."""
    await client.lead_to(_pool(url, patience))


def _pool(url: str | None, timeout: float) -> ConnectionPool:
    options: dict[str, Any] = {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "retry": Retry(NoBackoff(), 0),
        "health_check_interval": 0,
        "client_name": "brain-gateway",
    }
    if url is None:
        return ConnectionPool(_Nowhere, **options)
    for scheme, known in _SAME.items():
        if url.startswith(scheme):
            url = known + url.removeprefix(scheme)
    return ConnectionPool.from_url(url, **options)


class _Nowhere(Connection):
    """A connection without an address."""

    async def _connect(self) -> None:
        raise NotConnected("REDIS_URL is not known yet")
