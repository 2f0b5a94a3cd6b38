"""The gateway's own paths: uvicorn's HTTP/1.1 protocol, given one request at a time by the edge.

The edge stays the only reader of the connection and the only judge of where a message ends; uvicorn's protocol sees
a transport that hands its writes on and leaves opening, closing and keep-alive to the edge.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    from brain_gateway.api.edge.own_side import OwnSide


class OwnPaths(HttpToolsProtocol):
    """uvicorn's protocol behind an edge connection. It keeps no timers and is in no set of connections."""

    def __init__(self, edge: OwnSide, **uvicorn: Any) -> None:
        super().__init__(**uvicorn)
        self._edge = edge
        super().connection_made(EdgeTransport(edge))
        self.connections.discard(self)  # the edge is there in its place

    @property
    def busy(self) -> bool:
        """Whether a response is still to be finished."""
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def answering(self) -> bool:
        """Whether a response has begun."""
        return self.cycle is not None and self.cycle.response_started

    def on_response_complete(self) -> None:
        """Tell the edge, which may then read the next request."""
        super().on_response_complete()
        self._unset_keepalive_if_required()
        self._edge.own_finished()

    def handle_websocket_upgrade(self) -> None:
        """The WebSocket protocol takes the connection over; the edge steps back."""
        self._edge.hand_over()
        super().handle_websocket_upgrade()


class EdgeTransport(asyncio.Transport):
    """What uvicorn's protocol sees of the connection."""

    def __init__(self, edge: OwnSide) -> None:
        super().__init__()
        self._edge = edge

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Write through."""
        self._edge.transport.write(data)

    def close(self) -> None:
        """The response was the last on this connection."""
        self._edge.own_closes()

    def abort(self) -> None:
        """As the transport's."""
        self._edge.transport.abort()

    def is_closing(self) -> bool:
        """As the transport's."""
        return self._edge.transport.is_closing()

    def get_extra_info(self, name: str, default: object = None) -> object:
        """As the transport's."""
        return self._edge.transport.get_extra_info(name, default)

    def pause_reading(self) -> None:
        """The application reads slowly."""
        self._edge.pause_body()

    def resume_reading(self) -> None:
        """The application has caught up."""
        self._edge.resume_body()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """A WebSocket protocol reads from here on."""
        self._edge.transport.set_protocol(protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """As the transport's."""
        return self._edge.transport.get_protocol()

    def get_write_buffer_size(self) -> int:
        """As the transport's."""
        return self._edge.transport.get_write_buffer_size()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """As the transport's."""
        self._edge.transport.set_write_buffer_limits(high, low)
