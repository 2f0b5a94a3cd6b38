"""Requests that wait for a token of a leased window: first come, first served, and never for long."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import TYPE_CHECKING

from brain_gateway.application.gateway.deferred import Deferred
from brain_gateway.application.gateway.exchange import Refusal
from brain_gateway.domain.errors import LimitsUnavailable

if TYPE_CHECKING:
    from brain_gateway.domain.resilience.leases import LeasedWindow

LONGEST = 0.25  # seconds; calls to the store end earlier, each in its own time


class LimitWaits:
    """Who waits, by window. A fate is True when a token is kept for its owner, False when he should just ask again."""

    def __init__(self) -> None:
        self._fates: dict[LeasedWindow, deque[asyncio.Future[bool]]] = {}

    async def wait(self, window: LeasedWindow) -> None:
        """Return when asking the window again is worth it. What is kept is claimed in the same step of the loop."""
        fate: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._fates.setdefault(window, deque()).append(fate)
        window.waiting += 1
        window.ask()
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LONGEST):
                    await fate
        finally:
            self._left(window, fate)

    def settle(self, window: LeasedWindow, need: int, granted: int, now: float) -> None:
        """The store has answered for the first `need` of a window's waiters."""
        fates = self._fates.get(window)
        if not fates:
            return
        kept = window.reserve(min(granted, len(fates)), now)
        answered = len(fates) if granted < need else max(need, kept)
        self._decide(window, answered, kept)
        if window.waiting:
            window.ask()

    def release(self) -> None:
        """Nobody waits any longer: the store is away."""
        for window in list(self._fates):
            self._decide(window, window.waiting, 0)

    def _decide(self, window: LeasedWindow, count: int, kept: int) -> None:
        fates = self._fates[window]
        for _ in range(min(count, len(fates))):
            fate = fates.popleft()
            window.waiting -= 1
            if not fate.done():  # its owner may have left in this very turn of the loop
                fate.set_result(kept > 0)
                kept -= kept > 0
        for _ in range(kept):
            window.claim()  # nobody comes for these: they are anybody's
        if not fates:
            del self._fates[window]

    def _left(self, window: LeasedWindow, fate: asyncio.Future[bool]) -> None:
        if fate.done() and not fate.cancelled():
            if fate.result():
                window.claim()
            return
        fates = self._fates.get(window)
        if fates is not None and fate in fates:
            fates.remove(fate)
            window.waiting -= 1
            if not fates:
                del self._fates[window]


class Awaited(Deferred):
    """A request that waits for a token."""

    __slots__ = ("_waits", "_window")
    most = 3

    def __init__(self, waits: LimitWaits, window: LeasedWindow) -> None:
        self._waits = waits
        self._window = window

    async def wait(self) -> None:
        """See Deferred."""
        await self._waits.wait(self._window)

    def refusal(self) -> Refusal:
        """The tokens came too late each time."""
        return Refusal(LimitsUnavailable(), (("Retry-After", "1"),))
