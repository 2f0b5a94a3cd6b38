"""What comes over a channel of Valkey or Redis, for as long as the connection is there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from brain_gateway.domain.errors import StoreUnavailable

SILENCES = 3  # in a row, until the connection counts as lost


async def heard(channel: Any, silence: float) -> AsyncIterator[dict[str, Any]]:  # noqa: ANN401 - the library's PubSub is untyped
    """Its messages; after `silence` seconds without any the connection is asked whether it is still there. Raises
    StoreUnavailable when it is not."""
    silent = 0
    while silent < SILENCES:
        message = await channel.get_message(timeout=silence)
        if message is None:
            silent += 1
            await channel.ping()
            continue
        silent = 0
        yield message
    raise StoreUnavailable
