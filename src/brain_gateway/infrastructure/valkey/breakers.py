"""BreakerBoard on Valkey or Redis: a sorted set of what is open, and a channel for what changes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from brain_gateway.application.ports.breaker_board import Notice
from brain_gateway.domain.errors import StoreUnavailable
from brain_gateway.infrastructure.valkey.channel import heard

if TYPE_CHECKING:
    from redis.asyncio import Redis

CHANNEL = "bg:breakers"
OPEN = "{bg}:breakers"  # JSON [service, target] -> the instant until which it is open, in the store's microseconds
SILENCE = 1.0  # seconds
_MICRO = 1_000_000

_ANNOUNCE = """
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
if tonumber(ARGV[2]) > 0 then
  redis.call('ZADD', KEYS[1], string.format('%.0f', now + tonumber(ARGV[2])), ARGV[1])
else
  redis.call('ZREM', KEYS[1], ARGV[1])
end
"""

_LIST = """
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local flat = redis.call('ZRANGEBYSCORE', KEYS[1], string.format('(%.0f', now), '+inf', 'WITHSCORES')
for i = 2, #flat, 2 do flat[i] = string.format('%.0f', tonumber(flat[i]) - now) end
return flat
"""


class ValkeyBreakers:
    """`member` names this process: its own announcements are not told back to it. After `silence` seconds the
    connection is asked whether it is still there."""

    def __init__(self, client: Redis, member: str, silence: float = SILENCE) -> None:
        self._client = client
        self._member = member
        self._silence = silence

    async def announce(self, notice: Notice) -> None:
        """See BreakerBoard."""
        about = json.dumps([notice.service, notice.target])
        message = json.dumps([self._member, *notice])
        try:
            async with self._client.pipeline(transaction=False) as pipe:
                pipe.eval(_ANNOUNCE, 1, OPEN, about, round(notice.open_for * _MICRO))
                pipe.publish(CHANNEL, message)
                await pipe.execute()
        except (RedisError, OSError) as error:
            raise StoreUnavailable from error

    async def notices(self) -> AsyncIterator[Notice]:
        """See BreakerBoard."""
        try:
            async with self._client.pubsub() as channel:
                await channel.subscribe(CHANNEL)
                flat = await self._client.eval(_LIST, 1, OPEN)
                for about, left in zip(flat[::2], flat[1::2], strict=True):
                    service, target = json.loads(about)
                    yield Notice(service, target, int(left) / _MICRO)
                async for message in heard(channel, self._silence):
                    notice = _read(message, self._member)
                    if notice is not None:
                        yield notice
        except (RedisError, OSError) as error:
            raise StoreUnavailable from error


def _read(message: dict[str, Any], member: str) -> Notice | None:
    """A notice of somebody else; None for what else comes over the channel."""
    if message["type"] != "message":
        return None
    try:
        sender, service, target, open_for = json.loads(message["data"])
        return None if sender == member else Notice(str(service), str(target), float(open_for))
    except (ValueError, TypeError):
        return None
