"""Carriers: what a lane with a cache sends its exchanges by, in the place of the target's pool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brain_gateway.application.gateway.caching.asked import key_of
from brain_gateway.application.gateway.caching.carriage import Carriage
from brain_gateway.application.gateway.caching.heads import marked_head
from brain_gateway.application.gateway.caching.passing import PassingSink
from brain_gateway.application.ports.response_store import ANONYMOUS
from brain_gateway.domain.http.caching import cache_status
from brain_gateway.domain.http.caching.invalidation import SAFE, invalidates, pointed_to
from brain_gateway.domain.http.caching.values import combined
from brain_gateway.domain.http.fields import value_of
from brain_gateway.domain.http.requests import host_line

if TYPE_CHECKING:
    from brain_gateway.application.gateway.caching.response_cache import ResponseCache
    from brain_gateway.application.gateway.exchange import Exchange
    from brain_gateway.domain.http.responses import ResponseHead
    from brain_gateway.domain.routing.policies import CachePolicy

_CACHED = frozenset((b"GET", b"HEAD"))


class CachingCarrier:
    """Of one route (with its policy), or of what else is asked of a service with cached routes (without one)."""

    __slots__ = ("_cache", "_policy")

    def __init__(self, cache: ResponseCache, policy: CachePolicy | None) -> None:
        self._cache = cache
        self._policy = policy

    def send(self, exchange: Exchange) -> None:
        """As `UpstreamPool.send`: everything that follows is told to `exchange.sink`."""
        method = exchange.head.line.method
        if self._policy is not None and method in _CACHED:
            Carriage(self._cache, exchange, self._policy).begin()
            return
        if method not in SAFE:
            _Invalidating(self._cache, exchange, self._policy is not None)
        elif self._policy is not None:
            _Marking(exchange)
        exchange.target.pool.send(exchange)


class _Marking(PassingSink):
    """Says that the method is not one that is cached."""

    def on_response(self, head: ResponseHead, pieces: list[bytes], complete: bool) -> None:
        """See the port ResponseSink."""
        self.inner.on_response(marked_head(head, cache_status.forwarded("method")), pieces, complete)


class _Invalidating(PassingSink):
    """After an unsafe request that did not fail, what is stored under its target holds no more (RFC 9111 4.4): for
    its tenant, and for callers without credentials, who may see what the tenant changed."""

    def __init__(self, cache: ResponseCache, exchange: Exchange, marks: bool) -> None:
        super().__init__(exchange)
        self._cache = cache
        self._marks = marks

    def on_response(self, head: ResponseHead, pieces: list[bytes], complete: bool) -> None:
        """See the port ResponseSink."""
        exchange = self.exchange
        if invalidates(exchange.head.line.method, head.status):
            for target in {exchange.head.line.rest, *_pointed_to(exchange, head)}:
                self._cache.drop(key_of(exchange, target))
                self._cache.drop(key_of(exchange, target, ANONYMOUS))
        marked = marked_head(head, cache_status.forwarded("method")) if self._marks else head
        self.inner.on_response(marked, pieces, complete)


def _pointed_to(exchange: Exchange, head: ResponseHead) -> list[bytes]:
    """Targets below the service's name that Location and Content-Location mean, in the service's own paths or in
    those that its clients know."""
    entry = exchange.lane.entry
    client_host = host_line(exchange.head)
    hosts = {value_of(exchange.target.host_line).lower()}
    if client_host:
        hosts.add(value_of(client_host).lower())
    service = exchange.head.line.service
    prefixes = (entry.prefix, b"/" + service, b"/brain-gateway/" + service)
    return [
        path[len(prefix) :]
        for path in pointed_to(combined(head.lines), frozenset(hosts))
        for prefix in prefixes
        if path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in (b"/", b"?", b"")
    ]
