"""The one client of a process, from REDIS_URL; everything that uses it shares its connections."""

from __future__ import annotations

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

_SAME = {"valkey://": "redis://", "valkeys://": "rediss://"}  # schemes that the library knows by another name


def make_client(url: str, timeout: float) -> Redis:
    """A client that has not connected yet. `timeout`: seconds for connecting and for each answer, at the latest; who
    cannot wait so long sets a bound of his own.

    Nothing is repeated by itself: a command whose answer did not come may have been carried out.
    """
    for scheme, known in _SAME.items():
        if url.startswith(scheme):
            url = known + url.removeprefix(scheme)
    client: Redis = Redis.from_url(
        url,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
        client_name="brain-gateway",
    )
    return client
