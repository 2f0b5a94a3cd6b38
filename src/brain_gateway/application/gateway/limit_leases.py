"""Keeps this process's leased windows supplied from the store they share, beside the path of requests.

One call to the store is under way at a time; what is wanted meanwhile goes with the next, so the calls grow with the
load and their number does not. A store that does not answer makes the process *alone* (`LeaseTerms`): whoever waits
is decided on at once, and the store is called several times a second until it is back. One that has lost its data
grants nothing until the processes have reported.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING
from weakref import WeakSet

from brain_gateway.application.gateway.limit_waits import Awaited, LimitWaits
from brain_gateway.application.ports.limit_store import LeaseRequest, LimitStore, Pulse
from brain_gateway.domain.errors import LimitsUnavailable
from brain_gateway.domain.resilience.leases import LeasedWindow, LeaseTerms

if TYPE_CHECKING:
    from brain_gateway.domain.resilience.limits import RateLimit

logger = logging.getLogger("brain_gateway.limits")

PULSE = 0.25  # seconds between two calls that say this process is there
OPENING = 1.0  # seconds that a start waits for the store
PULSE_ALONE = 0.1  # while the store is away
TIDY = 0.05  # seconds between two looks at tokens in hand
MOST_TIDIED = 1000  # windows in one look
MOST_ASKED = 500  # windows in one call
FEWER_AFTER = 3.0  # seconds before a smaller number of members is believed


class LimitDesk:
    """The process's part of the sharing; `open()` before the first request, `run()` from then on, `close()` at the end.

    `clock` is monotonic seconds; `member` names this process among all, of which there are `members` until the store
    says otherwise; `refuses`: without the store nothing passes.
    """

    def __init__(
        self,
        store: LimitStore,
        clock: Callable[[], float],
        member: str,
        *,
        members: int = 1,
        refuses: bool = False,
    ) -> None:
        self.terms = LeaseTerms(members, alone_since=clock(), refuses=refuses)
        self._store = store
        self._clock = clock
        self._member = member
        self._waits = LimitWaits()
        self._windows: WeakSet[LeasedWindow] = WeakSet()
        self._wanting: dict[LeasedWindow, None] = {}  # in the order of their calls
        self._supplied: dict[LeasedWindow, None] = {}  # those with tokens in hand, longest unseen first
        self._owing: set[LeasedWindow] | None = None  # after a loss: those that have not been reported yet
        self._reachable = False
        self._reason = ""
        self._wake = asyncio.Event()
        self._hurry = asyncio.Event()
        self._calling = asyncio.Lock()
        self._many_seen_at = clock()

    # For the path

    def window(self, key: str, limit: RateLimit) -> LeasedWindow:
        """A new window. The store counts by key and limit: a changed limit begins anew there too."""
        burst = "" if limit.burst is None else f"/{limit.burst}"
        name = f"{key}|{limit.requests}/{limit.window:g}{burst}"
        window = LeasedWindow(name, limit, self.terms, self._called)
        self._windows.add(window)
        return window

    def awaited(self, window: LeasedWindow) -> Awaited:
        """What a request waits for while its window is `undecided`."""
        return Awaited(self._waits, window)

    def _called(self, window: LeasedWindow) -> None:
        self._wanting[window] = None
        if self._reachable:
            self._wake.set()

    # Beside the path

    async def open(self) -> None:
        """Call the store for the first time, so that the first request finds it; one that is away is not waited for
        longer than OPENING."""
        loop = asyncio.get_running_loop()
        until = loop.time() + OPENING
        await self._pulse()
        while not self._reachable and loop.time() < until:
            await asyncio.sleep(PULSE_ALONE)
            await self._pulse()
        if not self._reachable:
            self._tell_alone()

    async def run(self) -> None:
        """Supply the windows until cancelled."""
        async with asyncio.TaskGroup() as group:
            for work in (self._beat, self._supply, self._tidy):
                group.create_task(work())

    async def close(self) -> None:
        """Give back what is in hand, and leave."""
        now = self._clock()
        for window in self._windows:
            window.tidy(now, release=True)
        with contextlib.suppress(LimitsUnavailable):
            if self.terms.alone_since is None:
                news = [window for window in self._windows if window.has_news]
                await self._store.lease([self._request(window, now) for window in news])
            await self._store.leave(self._member)

    async def _beat(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PULSE if self._reachable else PULSE_ALONE):
                    await self._hurry.wait()
            self._hurry.clear()
            await self._pulse()

    async def _supply(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._wanting and self._reachable:
                await self._fly()

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(TIDY)
            now = self._clock()
            for window in list(itertools.islice(self._supplied, MOST_TIDIED)):
                del self._supplied[window]
                if window.tidy(now):
                    self._supplied[window] = None
                if window.has_news:
                    self._called(window)

    async def _pulse(self) -> None:
        async with self._calling:
            try:
                pulse = await self._store.pulse(self._member, self._told())
            except LimitsUnavailable as error:
                self._reason = error.detail
                self._lose_touch()
                return
            self._heed(pulse)

    def _told(self) -> int:
        """See LimitStore.pulse."""
        return self.terms.members if self._owing is not None and not self._owing else 0

    def _heed(self, pulse: Pulse) -> None:
        now = self._clock()
        self._count_members(pulse.members, now)
        if pulse.lost is not None:
            self._lost(pulse.lost, now)
        if pulse.settling > 0.0:
            self._go_alone()
        elif self.terms.alone_since is not None:
            self._owing = None
            self.terms.alone_since = None
            logger.info("limits are shared", extra={"members": self.terms.members})
        if not self._reachable or pulse.lost is not None:
            self._wanting.update((window, None) for window in self._windows if window.has_news)
        self._reachable, self._reason = True, ""
        self._wake.set()

    def _lost(self, lost: Callable[[str], bool], now: float) -> None:
        logger.warning("the limit store has lost its data: what was admitted is reported")
        for window in [window for window in self._windows if lost(window.key)]:
            window.lost(now)
        self._owing = {window for window in self._windows if window.has_unreported}

    def _count_members(self, members: int, now: float) -> None:
        if not self._reachable:
            self._many_seen_at = now  # the others are yet to call, too
        if members >= self.terms.members or now - self._many_seen_at > FEWER_AFTER:
            self.terms.members = max(1, members)
            self._many_seen_at = now

    def _go_alone(self) -> None:
        if self.terms.alone_since is None:
            self.terms.alone_since = self._clock()
            self._tell_alone()
        self._waits.release()

    def _tell_alone(self) -> None:
        reason = self._reason or "it has lost its data"
        logger.warning("limits are not shared until their store (REDIS_URL) is back: %s", reason)

    def _lose_touch(self) -> None:
        self._reachable = False
        for window in self._wanting:
            window.failed()
        self._wanting.clear()
        self._go_alone()

    async def _fly(self) -> None:
        """One call for as many windows as want something now."""
        async with self._calling:
            windows = list(itertools.islice(self._wanting, MOST_ASKED))
            for window in windows:
                del self._wanting[window]
            sent = self._clock()
            requests = [self._request(window, sent) for window in windows]
            try:
                grants = await self._store.lease(requests)
            except LimitsUnavailable as error:
                self._reason = error.detail
                self._missed(windows)
                return
            now = self._clock()
            for window, request, grant in zip(windows, requests, grants, strict=True):
                if grant is None:
                    self._missed([window])
                    continue
                window.granted(sent, now, request.ask, grant)
                if self._owing:
                    self._owing.discard(window)
                if grant.count:
                    self._supplied[window] = None
                self._waits.settle(window, request.ask.need, grant.count, now)

    def _missed(self, windows: Iterable[LeasedWindow]) -> None:
        for window in windows:
            window.failed()
        self._lose_touch()
        self._hurry.set()

    def _request(self, window: LeasedWindow, now: float) -> LeaseRequest:
        return LeaseRequest(window.key, window.limit, window.life, self.terms.members, window.compose(now))
