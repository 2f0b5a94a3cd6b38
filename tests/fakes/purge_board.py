"""A PurgeBoard in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from brain_gateway.application.ports.response_store import Purge
from brain_gateway.domain.errors import StoreUnavailable


class PostedPurges:
    """What the processes share. `away`: every call fails."""

    def __init__(self) -> None:
        self.away = False
        self.listeners: list[tuple[str, asyncio.Queue[Purge | None]]] = []

    def go_away(self) -> None:
        """Whoever listens is cut off."""
        self.away = True
        for _, queue in self.listeners:
            queue.put_nowait(None)
        self.listeners.clear()


class MemoryPurgeBoard:
    """The board as one process sees it."""

    def __init__(self, posted: PostedPurges, member: str) -> None:
        self._posted = posted
        self._member = member

    async def announce(self, purge: Purge) -> None:
        """See PurgeBoard."""
        if self._posted.away:
            raise StoreUnavailable
        for member, queue in self._posted.listeners:
            if member != self._member:
                queue.put_nowait(purge)

    async def notices(self) -> AsyncIterator[Purge]:
        """See PurgeBoard."""
        if self._posted.away:
            raise StoreUnavailable
        queue: asyncio.Queue[Purge | None] = asyncio.Queue()
        self._posted.listeners.append((self._member, queue))
        while True:
            purge = await queue.get()
            if purge is None:
                raise StoreUnavailable
            yield purge
