"""Ports between an exchange and the connection that carries it to a service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from brain_gateway.application.gateway.exchange import Exchange
    from brain_gateway.domain.errors import GatewayError
    from brain_gateway.domain.http.responses import ResponseHead
    from brain_gateway.domain.routing.target import Target


class UpstreamConnection(Protocol):
    """One connection to a target, busy with one exchange."""

    def write_body(self, piece: bytes) -> None:
        """Send a piece of the request's body."""

    def end_body(self) -> None:
        """The request's body is complete."""

    def pause_reading(self) -> None:
        """The client reads slowly: take no more from the service."""

    def resume_reading(self) -> None:
        """The client has caught up."""

    def abort(self) -> None:
        """Close at once and say nothing more to the exchange."""

    def tunnel(self, data: bytes) -> None:
        """After a switch of protocols: pass bytes on as they are."""


class UpstreamPool(Protocol):
    """The connections to one target. `connect_timeout` in seconds, 0 for none; it may be changed."""

    connect_timeout: float

    def send(self, exchange: Exchange) -> None:
        """Carry the exchange; everything that follows is told to `exchange.sink`."""

    def close(self) -> None:
        """Close the idle connections; the busy ones close when they are done."""

    @property
    def idle(self) -> int:
        """Connections waiting for work."""

    @property
    def open(self) -> int:
        """Connections in all."""


class UpstreamPools(Protocol):
    """Makes the pool of a target; that of a guarded one connects only where a tenant may send the gateway."""

    def pool(self, target: Target, connect_timeout: float) -> UpstreamPool:
        """A new pool; nothing is connected yet."""


class ResponseSink(Protocol):
    """Where a response goes: the client's side of an exchange."""

    def on_response(self, head: ResponseHead, pieces: list[bytes], complete: bool) -> None:
        """The final head, with what of the body came along; `complete` when that is all."""

    def on_informational(self, head: ResponseHead) -> None:
        """A 1xx on the way (RFC 9110 section 15.2), 101 included."""

    def on_body(self, pieces: list[bytes], complete: bool) -> None:
        """More of the body."""

    def on_tunnel(self, data: bytes) -> None:
        """Bytes from the service after a switch of protocols."""

    def on_failure(self, error: GatewayError, answered: bool) -> None:
        """The connection failed; `answered` when bytes of a response had come."""

    def on_connected(self) -> None:
        """The request's head is on its way; the body may follow."""

    def pause_body(self) -> None:
        """The service reads slowly: take no more body from the client."""

    def resume_body(self) -> None:
        """The service has caught up."""
