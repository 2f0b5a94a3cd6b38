"""A gateway of fakes whose service /shop has a cached route, asked over one or more client connections."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from brain_gateway.application.gateway.caching.response_cache import ResponseCache
from brain_gateway.domain.http.caching.dates import format_date
from brain_gateway.domain.routing.policies import CachePolicy
from brain_gateway.infrastructure.cache.memory import MemoryResponses
from tests.builders.answers import Answer
from tests.builders.edge import Edge, settle
from tests.builders.gateway import FakeGateway, route, service
from tests.builders.requests import wire
from tests.fakes.upstream import FakeConnection

OK = "HTTP/1.1 200 OK"


class CachedShop:
    """`says` is what the service answers with next: a head's lines and a body; `asked`: what reached it."""

    def __init__(self, shared: Any = None, public: bool = True, **policy: Any) -> None:
        cached = route("/{rest:path}", public=public, cache=CachePolicy(**policy))
        self.gateway = FakeGateway(service(routes=(cached,)))
        self.cache = ResponseCache(
            MemoryResponses(1 << 20), shared, self.gateway.clock, self.gateway.clock.unix,
            self.gateway.settlement.settle_background,
        )  # fmt: skip
        self.gateway.router.cache = self.cache
        self.edge = Edge(self.gateway, answering=None)
        self.gateway.pool().when_done = self._answer
        self.lines: list[str] = ["Cache-Control: max-age=60"]
        self.status, self.body = OK, b"ok"
        self.silent = False

    def says(self, *lines: str, body: bytes = b"ok", status: str = OK) -> None:
        """From now on."""
        self.lines, self.body, self.status = list(lines), body, status

    def _answer(self, connection: FakeConnection) -> None:
        if self.silent:
            return
        head = "\r\n".join([self.status, *self.lines, f"Content-Length: {len(self.body)}"]).encode("latin-1")
        bodiless = connection.exchange.head.method == b"HEAD" or b" 304 " in head[:14]
        connection.answer(head, *([] if bodiless else [self.body]))

    @property
    def asked(self) -> list[FakeConnection]:
        """The requests that reached the service."""
        return self.gateway.sent()

    def another(self) -> Edge:
        """Another client connection."""
        edge = Edge(self.gateway, answering=None)
        self.gateway.pool().when_done = self._answer
        return edge

    async def get(
        self, *fields: str, target: str = "/shop/items", method: str = "GET", edge: Edge | None = None
    ) -> Answer:
        """One request and its answer."""
        (answer,) = await (edge or self.edge).ask(wire(f"{method} {target} HTTP/1.1", *fields))
        return answer

    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self.gateway.clock.tick(seconds)

    def date(self, ago: float = 0.0) -> str:
        """An HTTP-date, so many seconds ago."""
        return format_date(self.gateway.clock.unix() - ago).decode()


async def stored(shop: CachedShop, *lines: str, fields: Sequence[str] = (), **options: Any) -> bool:
    """Whether an answer with these lines is used again, for a request like the one that brought it."""
    shop.says(*lines, **options)
    await shop.get(*fields)
    before = len(shop.asked)
    await shop.get(*fields)
    return len(shop.asked) == before


def status_of(answer: Answer) -> str:
    """What Cache-Status says, without the name and the time."""
    value = answer["cache-status"]
    assert value.startswith("brain-gateway; ")
    return re.sub(r"; ttl=-?\d+", "", value.removeprefix("brain-gateway; "))


__all__ = ["OK", "CachedShop", "settle", "status_of"]
