"""Sinks between a service's answer and the entry that waits for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from brain_gateway.application.gateway.exchange import Exchange
    from brain_gateway.application.ports.upstream import ResponseSink
    from brain_gateway.domain.errors import GatewayError
    from brain_gateway.domain.http.responses import ResponseHead


class PassingSink:
    """A ResponseSink that passes everything on; subclasses look at what interests them."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.inner: ResponseSink = exchange.sink
        exchange.sink = self

    def on_response(self, head: ResponseHead, pieces: list[bytes], complete: bool) -> None:
        """See the port ResponseSink."""
        self.inner.on_response(head, pieces, complete)

    def on_informational(self, head: ResponseHead) -> None:
        """See the port ResponseSink."""
        self.inner.on_informational(head)

    def on_body(self, pieces: list[bytes], complete: bool) -> None:
        """See the port ResponseSink."""
        self.inner.on_body(pieces, complete)

    def on_tunnel(self, data: bytes) -> None:
        """See the port ResponseSink."""
        self.inner.on_tunnel(data)

    def on_failure(self, error: GatewayError, answered: bool) -> None:
        """See the port ResponseSink."""
        self.inner.on_failure(error, answered)

    def on_connected(self) -> None:
        """See the port ResponseSink."""
        self.inner.on_connected()

    def pause_body(self) -> None:
        """See the port ResponseSink."""
        self.inner.pause_body()

    def resume_body(self) -> None:
        """See the port ResponseSink."""
        self.inner.resume_body()


class Waiting:
    """An exchange's connection while something else is waited for: it can only be given up."""

    def __init__(self, give_up: Callable[[], object]) -> None:
        self._give_up = give_up

    def abort(self) -> None:
        """The client is gone, or its time is over."""
        self._give_up()

    def write_body(self, piece: bytes) -> None:
        """There is no body."""

    def end_body(self) -> None:
        """There is no body."""

    def tunnel(self, data: bytes) -> None:
        """There is none."""

    def pause_reading(self) -> None:
        """There is nothing to read."""

    def resume_reading(self) -> None:
        """There is nothing to read."""
