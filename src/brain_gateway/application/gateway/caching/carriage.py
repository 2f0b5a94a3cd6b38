"""One GET or HEAD on a cached route: from the store, from the service, or from what another such request brings.

begin ── fresh in memory ──> served
  └─ not ──> another one is asking? wait ──> go_on ── stored by now ──> served
               └─ no ──> look in the shared store ── fresh ──> served
                           └─ not ──> ask the service ── 304 ──> stored anew, served
                                                        ├─ error ──> served stale, where that is allowed
                                                        └─ answer ──> passed on, and stored when it is all here
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from brain_gateway.application.gateway.caching.asked import Asked
from brain_gateway.application.gateway.caching.asking import Asking, revalidation
from brain_gateway.application.gateway.caching.heads import not_modified_head, part_head, stored_head
from brain_gateway.application.gateway.caching.passing import PassingSink, Waiting
from brain_gateway.domain.errors import NotCached
from brain_gateway.domain.http.caching import cache_status
from brain_gateway.domain.http.caching.ranges import part
from brain_gateway.domain.http.caching.reuse import Use, judge, serves_error
from brain_gateway.domain.http.caching.selection import choose
from brain_gateway.domain.http.caching.validation import not_modified

if TYPE_CHECKING:
    from brain_gateway.application.gateway.caching.flights import Flight
    from brain_gateway.application.gateway.caching.response_cache import ResponseCache
    from brain_gateway.application.gateway.exchange import Exchange
    from brain_gateway.application.ports.response_store import Found
    from brain_gateway.domain.errors import GatewayError
    from brain_gateway.domain.http.caching.stored import StoredResponse
    from brain_gateway.domain.http.responses import ResponseHead
    from brain_gateway.domain.routing.policies import CachePolicy

LONGEST_WAIT = 5.0  # seconds that a request waits for another
_SERVED = frozenset((Use.FRESH, Use.STALE, Use.REFRESH))


class Carriage(PassingSink):
    """`why`: the reason for which the service is asked (RFC 9211 section 2.2); `stored`: what may be served stale or
    be validated; `collapsed`: whether it waited, and whether that was of use."""

    def __init__(self, cache: ResponseCache, exchange: Exchange, policy: CachePolicy) -> None:
        super().__init__(exchange)
        exchange.carriage = self
        self.cache = cache
        self.policy = policy
        self.asked = Asked(exchange, policy, cache.views)
        self.why = "uri-miss"
        self.stored: StoredResponse | None = None
        self.collapsed: bool | None = None
        self.mark = 0
        self.shared_mark: int | None = None
        self.bodiless = exchange.head.line.method == b"HEAD"
        self._usable = False  # memory had an answer to begin with
        self._waited = False
        self._flight: Flight | None = None
        self._asking: Asking | None = None

    @property
    def flight_key(self) -> tuple[object, bytes]:
        """What requests have in common that may wait for each other."""
        return self.asked.key, self.asked.base

    # Before the service is asked

    def begin(self) -> None:
        """Answer at once, wait, or ask."""
        reason = self.asked.bypass(self.exchange.upgrading)
        if reason:
            self._pass_by("bypass", reason)
            return
        if b"no-store" in self.asked.control:
            self._pass_by("request", "no-store")
            return
        self._usable = self._look()
        ready = self._usable and self.cache.confirmed(self.asked.key)
        if b"range" in self.asked.values and not (ready and self._part() is not None):
            self.stored = None
            self._pass_by("bypass", "range")
        elif ready:
            self._serve_found()
        else:
            self._take_off()

    def _look(self) -> bool:
        """Whether memory has what may be served."""
        found = self.cache.memory.find(self.asked.key, self.asked.selector)
        self.mark = found.mark
        return self._judge(found)

    def _judge(self, found: Found) -> bool:
        stored = choose(found.variants)
        self.stored = stored
        if stored is None:
            self.why = "vary-miss" if found.others else "uri-miss"
            return False
        use = judge(stored, self.asked.control, self.cache.unix())
        self.why = "request" if use is Use.REQUESTED else "stale"
        if use is Use.REFRESH:
            self.cache.refresh(self)
        return use in _SERVED

    def _part(self) -> tuple[int, int] | None:
        """What Range asks for of the stored body (RFC 9110 section 14.2: of a 200 to a GET)."""
        stored, value = self.stored, self.asked.values.get(b"range")
        if stored is None or value is None or stored.status != 200 or self.bodiless:
            return None
        return part(value, len(stored.body))

    def _serve_found(self) -> None:
        assert self.stored is not None
        left = self.stored.left(self.cache.unix())
        if self.collapsed:
            self._serve(self.stored, cache_status.forwarded(self.why, collapsed=True), "collapsed")
        else:
            self._serve(self.stored, cache_status.hit(left), "hit" if left > 0 else "stale")

    def _take_off(self) -> None:
        """Wait for one that is asking the same, or be the one that asks."""
        key, flights = self.flight_key, self.cache.flights
        if self.collapsed is None and self._collapsible() and flights.worthwhile(key):
            flight = flights.of(key)
            if flight is not None:
                self._wait(flight)
                return
            self._flight = flights.lead(key)
        if self.cache.shared is not None:
            self.exchange.connection = Waiting(self.cache.beside(self._look_further()))
        else:
            self.ask()

    def _wait(self, flight: Flight) -> None:
        flight.followers.append(self)
        timer = self.cache.later(LONGEST_WAIT, lambda: self._overtake(flight))

        def leave() -> None:
            timer.cancel()
            flight.leave(self)

        self.exchange.connection = Waiting(leave)

    def _overtake(self, flight: Flight) -> None:
        """The other one takes too long (its client may be slow): be the one that asks."""
        if flight.leave(self):
            self.cache.flights.abandon(self.flight_key, flight)
            self.go_on(True)

    def _collapsible(self) -> bool:
        """Who insists on a new answer waits for none, and who has conditions brings nothing to store."""
        if self.bodiless or self.why == "request" or b"no-cache" in self.asked.control:
            return False
        return self.stored is not None or not self.asked.conditional

    def go_on(self, again: bool) -> None:
        """What was waited for is over: it is stored by now, or this one goes alone, or it waits a second time."""
        self.exchange.connection = None
        self.exchange.expires = self.cache.clock() + self.exchange.lane.entry.response_timeout
        self.collapsed = True
        why = self.why
        if self._look():
            self.why = why
            if self._usable:
                self.collapsed = None  # it only waited for the shared store to say that what is here holds
            self._serve_found()
            return
        self.collapsed = None if again and not self._waited else False
        self._waited = True
        self._take_off()

    async def _look_further(self) -> None:
        """In the store that processes share."""
        found = await self.cache.find_shared(self.asked, self._usable)
        self.exchange.connection = None
        if found is None and self._usable:
            self.why = "miss"  # what is here is not to be believed, but may be validated
        if found is not None:
            self.shared_mark = found.mark
            if self._judge(found):
                assert self.stored is not None
                self.cache.adopt(self.asked.key, self.stored, self.mark, found.mark)
                self._serve_found()
                self._land()
                return
        self.ask()

    def refresh(self, served: Carriage) -> None:
        """Ask beside an answer that was served stale: for whoever comes next, whatever that caller said of caches."""
        self.asked.control = {}
        self.stored, self.why = served.stored, "stale"
        self.mark, self.shared_mark = served.mark, served.shared_mark
        self._flight = self.cache.flights.lead(self.flight_key)
        self.ask()

    def ask(self) -> None:
        """The service, with conditions where something is stored."""
        if b"only-if-cached" in self.asked.control:
            self.exchange.cached = True  # in any case without the service
            self.inner.on_failure(NotCached(), False)
            return
        if self.stored is not None and self.stored.validator:
            self.exchange.head = revalidation(self.exchange.head, self.stored)
        self._asking = Asking(self)
        self.exchange.target.pool.send(self.exchange)

    def ask_anew(self) -> None:
        """Once more without conditions: the 304 spoke of something else."""
        self.stored = None
        self.exchange.head = self.asked.head
        self.ask()

    def _pass_by(self, why: str, detail: str) -> None:
        self.why = why
        self.cache.count(self, "bypass")
        if self.exchange.upgrading:
            self.exchange.sink = self.inner
        self._asking = Asking(self, detail)
        self.exchange.target.pool.send(self.exchange)

    # Answers from the store

    def serve_validated(self, stored: StoredResponse) -> None:
        """The service said that it still holds."""
        self._serve(stored, cache_status.forwarded(self.why, status=304, stored=True), "revalidated")

    def serve_instead(self, error: str, status: int = 0) -> bool:
        """A stale answer in the place of an error, where that is allowed (RFC 5861 section 4)."""
        stored, now = self.stored, self.cache.unix()
        if stored is None or not serves_error(stored, self.asked.control, now):
            return False
        exchange = self.exchange
        if exchange.connection is not None:
            exchange.connection.abort()
            exchange.connection = None
        exchange.failed_upstream = status != 500 or exchange.lane.entry.service.breaker.count_500
        exchange.error = error
        line = cache_status.forwarded(self.why, status=status, detail="stale-if-error")
        self._serve(stored, line, "stale")
        return True

    def overdue(self) -> bool:
        """The service's time is over: whether the client has got a stale answer in its place."""
        return not self.exchange.status and self._asking is not None and self.serve_instead("UpstreamTimeout")

    def _serve(self, stored: StoredResponse, line: bytes, result: str) -> None:
        now = self.cache.unix()
        self.cache.count(self, result)
        exchange = self.exchange
        exchange.cached = self._asking is None
        if not_modified(stored, self.asked.values, now):
            self.inner.on_response(not_modified_head(stored, stored.age(now), line), [], True)
            return
        wanted = self._part()
        if wanted is not None:
            first, last = wanted
            head = part_head(stored, stored.age(now), first, last, line)
            self.inner.on_response(head, [stored.body[first : last + 1]], True)
            return
        pieces = [] if self.bodiless or not stored.body else [stored.body]
        self.inner.on_response(stored_head(stored, stored.age(now), self.bodiless, line), pieces, True)

    # ResponseSink: what the service says

    def on_response(self, head: ResponseHead, pieces: list[bytes], complete: bool) -> None:
        """See the port ResponseSink."""
        assert self._asking is not None
        self._asking.answered(head, pieces, complete)

    def on_body(self, pieces: list[bytes], complete: bool) -> None:
        """See the port ResponseSink."""
        assert self._asking is not None
        self._asking.body(pieces, complete)

    def on_failure(self, error: GatewayError, answered: bool) -> None:
        """See the port ResponseSink: a stale answer, another attempt, or a refusal."""
        if not self.exchange.status and self.serve_instead(type(error).__name__):
            self._land()
            return
        if self._asking is not None:
            self._asking.broken()
        self.inner.on_failure(error, answered)

    # The end

    def over(self) -> None:
        """The exchange has ended early: those that wait for it go on."""
        self._land(again=True)

    def land(self, useless: bool = False) -> None:
        """It is stored, or will not be: those that wait go on."""
        if useless and self._flight is not None:
            self.cache.flights.useless(self.flight_key)
        self._land()

    def _land(self, again: bool = False) -> None:
        flight, self._flight = self._flight, None
        if flight is not None:
            self.cache.flights.land(self.flight_key, flight, again)
