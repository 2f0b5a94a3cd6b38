"""A BreakerBoard in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from brain_gateway.application.ports.breaker_board import Notice
from brain_gateway.domain.errors import StoreUnavailable


class PostedNotices:
    """What the processes share. `away`: every call fails."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.away = False
        self.open: dict[tuple[str, str], float] = {}
        self.listeners: list[tuple[str, asyncio.Queue[Notice | None]]] = []

    def go_away(self) -> None:
        """Whoever listens is cut off."""
        self.away = True
        for _, queue in self.listeners:
            queue.put_nowait(None)
        self.listeners.clear()


class MemoryBoard:
    """The board as one process sees it."""

    def __init__(self, posted: PostedNotices, member: str) -> None:
        self._posted = posted
        self._member = member

    async def announce(self, notice: Notice) -> None:
        """See BreakerBoard."""
        posted = self._posted
        if posted.away:
            raise StoreUnavailable
        key = (notice.service, notice.target)
        posted.open.pop(key, None)
        if notice.open_for > 0.0:
            posted.open[key] = posted.clock() + notice.open_for
        for member, queue in posted.listeners:
            if member != self._member:
                queue.put_nowait(notice)

    async def notices(self) -> AsyncIterator[Notice]:
        """See BreakerBoard."""
        posted = self._posted
        if posted.away:
            raise StoreUnavailable
        queue: asyncio.Queue[Notice | None] = asyncio.Queue()
        posted.listeners.append((self._member, queue))
        now = posted.clock()
        for (service, target), until in list(posted.open.items()):
            if until > now:
                yield Notice(service, target, until - now)
        while True:
            notice = await queue.get()
            if notice is None:
                raise StoreUnavailable
            yield notice
