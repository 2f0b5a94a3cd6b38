"""A purge reaches the memory of all processes at once: it is announced when it is done.

The safety net is below: memory asks the shared store every second whether anything concerning a resource was changed.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from brain_gateway.application.ports.purge_board import PurgeBoard
from brain_gateway.application.ports.response_store import Purge
from brain_gateway.domain.errors import StoreUnavailable

AGAIN = 0.25  # seconds before a board that was away is listened to again


class PurgeSharing:
    """`tell` announces what this process has purged, `follow` hears what others have; `run()` must be under way."""

    def __init__(
        self,
        board: PurgeBoard,
        follow: Callable[[Purge], object],
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._board = board
        self._follow = follow
        self._pause = pause

    async def tell(self, purge: Purge) -> None:
        """When this returns the others have been sent it; unless the board is away: then they find out themselves."""
        with contextlib.suppress(StoreUnavailable):
            await self._board.announce(purge)

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            with contextlib.suppress(StoreUnavailable):
                async for purge in self._board.notices():
                    self._follow(purge)
            await self._pause(AGAIN)
