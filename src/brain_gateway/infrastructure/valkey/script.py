"""A script by its digest: one round trip, two where the server has not seen it yet."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha1
from typing import TYPE_CHECKING, Any

from redis.exceptions import NoScriptError

if TYPE_CHECKING:
    from redis.asyncio import Redis


class Script:
    """Lua that touches `keys` alone, which share a slot: each node of a Cluster learns it when it first needs it."""

    def __init__(self, client: Redis, text: str) -> None:
        self._client = client
        self._text = text
        self._digest = sha1(text.encode(), usedforsecurity=False).hexdigest()

    async def __call__(self, keys: Sequence[str], args: Sequence[str | bytes | int] = ()) -> Any:  # noqa: ANN401 - whatever it returns
        """Its answer. Raises RedisError."""
        try:
            return await self._client.evalsha(self._digest, len(keys), *keys, *args)
        except NoScriptError:
            return await self._client.eval(self._text, len(keys), *keys, *args)
