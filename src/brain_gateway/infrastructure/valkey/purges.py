"""PurgeBoard on Valkey or Redis: a channel."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from brain_gateway.application.ports.response_store import Purge
from brain_gateway.domain.errors import StoreUnavailable
from brain_gateway.infrastructure.valkey.channel import heard

if TYPE_CHECKING:
    from redis.asyncio import Redis

CHANNEL = "bg:purges"
SILENCE = 1.0  # seconds


class ValkeyPurges:
    """`member` names this process: its own announcements are not told back to it. After `silence` seconds the
    connection is asked whether it is still there."""

    def __init__(self, client: Redis, member: str, silence: float = SILENCE) -> None:
        self._client = client
        self._member = member
        self._silence = silence

    async def announce(self, purge: Purge) -> None:
        """See PurgeBoard."""
        path = None if purge.path is None else purge.path.decode("latin-1")
        message = [self._member, purge.tenant_id, purge.service_key, path, purge.prefix]
        try:
            await self._client.publish(CHANNEL, json.dumps(message))
        except (RedisError, OSError) as error:
            raise StoreUnavailable from error

    async def notices(self) -> AsyncIterator[Purge]:
        """See PurgeBoard."""
        try:
            async with self._client.pubsub() as channel:
                await channel.subscribe(CHANNEL)
                async for message in heard(channel, self._silence):
                    purge = _read(message, self._member)
                    if purge is not None:
                        yield purge
        except (RedisError, OSError) as error:
            raise StoreUnavailable from error


def _read(message: dict[str, Any], member: str) -> Purge | None:
    """A purge of somebody else; None for what else comes over the channel."""
    if message["type"] != "message":
        return None
    try:
        sender, tenant_id, service_key, path, prefix = json.loads(message["data"])
        path = _text(path)
        purge = Purge(
            _text(tenant_id), _text(service_key), None if path is None else path.encode("latin-1"), prefix
        )
    except (ValueError, TypeError):
        return None
    return None if sender == member or not isinstance(prefix, bool) else purge


def _text(value: object) -> str | None:
    """Raises TypeError for anything else."""
    if value is None or isinstance(value, str):
        return value
    raise TypeError
