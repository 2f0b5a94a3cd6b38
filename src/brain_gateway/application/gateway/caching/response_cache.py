"""The response cache of one process: memory, what processes share behind it, and the requests under way."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any

from brain_gateway.application.gateway.caching.asked import Views
from brain_gateway.application.gateway.caching.carriage import Carriage
from brain_gateway.application.gateway.caching.carrier import CachingCarrier
from brain_gateway.application.gateway.caching.flights import Flights
from brain_gateway.application.gateway.caching.refreshing import background
from brain_gateway.application.ports.response_store import REMEMBERED, Found, Purge, ResourceKey
from brain_gateway.domain.resilience.circuit_breaker import BreakerState

if TYPE_CHECKING:
    from brain_gateway.application.gateway.caching.asked import Asked
    from brain_gateway.application.gateway.exchange import Exchange
    from brain_gateway.application.ports.response_store import ResponseStore, SharedResponseStore
    from brain_gateway.domain.http.caching.stored import StoredResponse
    from brain_gateway.domain.routing.policies import CachePolicy

TRUSTED_FOR = 1.0  # seconds that memory is believed without asking the shared store
MOST_CONFIRMED = 50_000
MOST_UNDONE = 10_000


class ResponseCache:
    """`clock`: monotonic seconds, `unix`: seconds since the epoch. `settle(exchange)`: closes the books of a request
    that the cache made itself. `announce(purge)`: tells the other processes (PurgeSharing); what they tell goes to
    `forget`."""

    def __init__(
        self,
        memory: ResponseStore,
        shared: SharedResponseStore | None,
        clock: Callable[[], float],
        unix: Callable[[], float],
        settle: Callable[[Exchange], None],
    ) -> None:
        self.memory = memory
        self.shared = shared
        self.clock = clock
        self.unix = unix
        self.flights = Flights(clock)
        self.views = Views()
        self._settle = settle
        self.announce: Callable[[Purge], Awaitable[None]] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._undone: OrderedDict[ResourceKey, None] = (
            OrderedDict()
        )  # drops that the shared store has not heard of
        self._dropping: asyncio.Task[None] | None = None
        # What of the memory the shared store has confirmed: its number of changes then, and when.
        self._confirmed: OrderedDict[ResourceKey, tuple[int, float]] = OrderedDict()

    def carrier(self, policy: CachePolicy | None) -> CachingCarrier:
        """For the lanes of a route with this policy, or of other requests to a service with cached routes."""
        return CachingCarrier(self, policy)

    def close(self) -> None:
        """End what it does beside the path."""
        for task in (*self._tasks, *([self._dropping] if self._dropping is not None else ())):
            task.cancel()

    # Purging

    async def purge(
        self,
        tenant_id: str | None,
        service_key: str | None = None,
        path: str | None = None,
        prefix: bool = False,
    ) -> int:
        """Forget a tenant's answers (None: those of callers without credentials), here, in the shared store, and by
        `announce` in the memory of other processes; how many there were.

        service_key: `ServiceRoute.key`; path: below the service's name, whatever the query, with `prefix` all that
        begin with it. Raises StoreUnavailable when the shared store could not be told: then purge again.
        """
        purge = Purge(tenant_id, service_key, None if path is None else path.encode(), prefix)
        here = self.memory.purge(purge)
        if self.shared is None:
            return here
        count = await self.shared.purge(purge)
        self.memory.purge(purge)  # what came from the shared store meanwhile
        if self.announce is not None:
            await self.announce(purge)
        return max(here, count)

    def forget(self, purge: Purge) -> None:
        """Another process has purged."""
        self.memory.purge(purge)

    # For carriages

    def beside(self, work: Coroutine[Any, Any, None]) -> Callable[[], object]:
        """Do it in a task; what ends it early."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task.cancel

    def later(self, seconds: float, work: Callable[[], None]) -> asyncio.TimerHandle:
        """Do it after a while, unless it is cancelled."""
        return asyncio.get_running_loop().call_later(seconds, work)

    def confirmed(self, key: ResourceKey) -> bool:
        """Whether memory may be believed: it is all there is, or the shared store was asked not long ago."""
        if self.shared is None:
            return True
        known = self._confirmed.get(key)
        return known is not None and self.clock() - known[1] < TRUSTED_FOR

    async def find_shared(self, asked: Asked, usable: bool) -> Found | None:
        """What processes share; what memory has, where that is `usable` and has not been changed by others."""
        assert self.shared is not None
        key = asked.key
        if key in self._undone and not await self.shared.drop(key):
            return None  # what it has does not hold
        known = self._confirmed.get(key)
        if usable and known is not None and self.clock() - known[1] < REMEMBERED / 2:
            here = self.memory.find(key, asked.selector)
            changed = await self.shared.changed(key) if here.variants else None
            if changed is not None and changed <= known[0] and self._confirmed.get(key) is known:
                self._confirm(key, known[0])
                return Found(known[0], here.variants, here.others)
        return await self.shared.find(key, asked.selector)

    def _confirm(self, key: ResourceKey, mark: int) -> None:
        self._confirmed[key] = (mark, self.clock())
        self._confirmed.move_to_end(key)
        if len(self._confirmed) > MOST_CONFIRMED:
            self._confirmed.popitem(last=False)

    def adopt(self, key: ResourceKey, stored: StoredResponse, mark: int, shared_mark: int) -> None:
        """Keep in memory what the shared store had; other variants that memory has may be older."""
        if self.memory.keep(key, stored, mark):
            self._confirm(key, shared_mark)

    def keep(self, key: ResourceKey, stored: StoredResponse, mark: int, shared_mark: int | None) -> None:
        """Keep an answer, here and in the shared store, unless it was changed since it was asked for."""
        kept = self.memory.keep(key, stored, mark)
        known = self._confirmed.get(key)
        if shared_mark is None and known is not None:
            shared_mark = known[0]  # it was served from memory, which was right then
        if self.shared is not None and shared_mark is not None:
            if kept:
                self._confirm(key, shared_mark)
            self.beside(self._keep_shared(key, stored, shared_mark))

    async def _keep_shared(self, key: ResourceKey, stored: StoredResponse, mark: int) -> None:
        assert self.shared is not None
        if not await self.shared.keep(key, stored, mark):
            self._confirmed.pop(key, None)  # changed meanwhile, or away: memory is not to be believed

    def drop(self, key: ResourceKey) -> None:
        """A resource has changed."""
        self.memory.drop(key)
        if self.shared is not None:
            self._confirmed.pop(key, None)
            self._undone[key] = None
            if len(self._undone) > MOST_UNDONE:
                self._undone.popitem(last=False)
            if self._dropping is None or self._dropping.done():
                self._dropping = asyncio.get_running_loop().create_task(self._drop_shared())

    async def _drop_shared(self) -> None:
        """Tell the shared store, until it has heard it."""
        assert self.shared is not None
        while self._undone:
            key = next(iter(self._undone))
            if await self.shared.drop(key):
                self._undone.pop(key, None)
            else:
                await asyncio.sleep(TRUSTED_FOR)

    def refresh(self, carriage: Carriage) -> None:
        """Ask the service beside the answer that is served stale (RFC 5861 section 3), once at a time."""
        exchange = carriage.exchange
        closed = exchange.target.breaker.state is BreakerState.CLOSED
        if carriage.bodiless or not closed or self.flights.of(carriage.flight_key) is not None:
            return
        again, nobody = background(exchange, self.clock(), self._settle)
        nobody.start()
        Carriage(self, again, carriage.policy).refresh(carriage)

    def count(self, carriage: Carriage, result: str) -> None:
        """One request with this result."""
        counts = carriage.exchange.lane.entry.metrics.cache
        counts[result] = counts.get(result, 0) + 1
