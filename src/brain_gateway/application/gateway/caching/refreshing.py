"""A stale answer was served: the service is asked beside that, for the next request (RFC 5861 section 3)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from brain_gateway.application.gateway.exchange import Exchange
from brain_gateway.domain.http.requests import Request

if TYPE_CHECKING:
    from brain_gateway.domain.errors import GatewayError
    from brain_gateway.domain.http.responses import ResponseHead

LONGEST = 30.0  # seconds for the whole of it, where the service's own time is longer


class Nobody:
    """The sink of a request that no client waits for; `settle` closes its books, once."""

    def __init__(self, exchange: Exchange, settle: Callable[[Exchange], None]) -> None:
        self._exchange = exchange
        self._settle = settle
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Its time runs."""
        most = min(LONGEST, self._exchange.lane.entry.response_timeout)
        self._timer = asyncio.get_running_loop().call_later(most, self._too_late)

    def _too_late(self) -> None:
        exchange = self._exchange
        if exchange.connection is not None:
            exchange.connection.abort()
            exchange.connection = None
        exchange.failed_upstream = True
        self._end("UpstreamTimeout")

    def _end(self, error: str = "") -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._exchange.error = self._exchange.error or error
        settle, self._settle = self._settle, lambda exchange: None
        settle(self._exchange)

    def on_response(self, head: ResponseHead, pieces: list[bytes], complete: bool) -> None:
        """See the port ResponseSink."""
        self._exchange.status = head.status
        self.on_body(pieces, complete)

    def on_body(self, pieces: list[bytes], complete: bool) -> None:
        """See the port ResponseSink."""
        if complete:
            self._end()

    def on_failure(self, error: GatewayError, answered: bool) -> None:
        """See the port ResponseSink: the next request may try again."""
        self._exchange.failed_upstream = True
        self._end(type(error).__name__)

    def on_informational(self, head: ResponseHead) -> None:
        """Nobody is interested."""

    def on_tunnel(self, data: bytes) -> None:
        """There are none."""

    def on_connected(self) -> None:
        """There is no body."""

    def pause_body(self) -> None:
        """There is no body."""

    def resume_body(self) -> None:
        """There is no body."""


def background(exchange: Exchange, now: float, settle: Callable[[Exchange], None]) -> tuple[Exchange, Nobody]:
    """A request like that of `exchange`, to the same target, for nobody."""
    head = exchange.head
    again = Exchange(Request(head.line, head.fields, True), exchange.lane, exchange.client, exchange.target, now,
                     now + exchange.lane.entry.response_timeout)  # fmt: skip
    again.id_line, again.trace_line = exchange.id_line, exchange.trace_line
    sink = Nobody(again, settle)
    again.sink = sink
    again.target.in_flight += 1
    return again, sink
