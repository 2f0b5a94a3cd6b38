"""The gateway's own paths on a client connection: requests are handed to uvicorn's protocol one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from brain_gateway.api.edge.client_side import ClientSide
from brain_gateway.api.edge.own_paths import OwnPaths
from brain_gateway.domain.errors import MalformedRequest, RequestTimeout
from brain_gateway.domain.http.chunked import (
    LAST_CHUNK,
    BodyDecoder,
    ChunkedDecoder,
    body_decoder,
    encode_chunk,
)

if TYPE_CHECKING:
    from brain_gateway.api.edge.runtime import EdgeRuntime
    from brain_gateway.domain.http.requests import Request


class OwnSide(ClientSide):
    """uvicorn's protocol is made at the first such request; `uvicorn` are the arguments that it is made with."""

    __slots__ = ("_decoder", "_own", "_own_keeps", "_uvicorn")

    def __init__(self, runtime: EdgeRuntime, **uvicorn: Any) -> None:
        super().__init__(runtime)
        self._uvicorn = uvicorn
        self._decoder: BodyDecoder | None = None
        self._own: OwnPaths | None = None
        self._own_keeps = True

    def _own_busy(self) -> bool:
        return self._own is not None and self._own.busy

    def _busy(self) -> bool:
        return super()._busy() or self._own_busy()

    def _start_own(self, head: Request, raw: bytes, body: bytes) -> None:
        if self._own is None:
            self._own = OwnPaths(self, **self._uvicorn)
        self._own_keeps = head.keep_alive
        self._decoder = body_decoder(head.fields.length)
        self._feed = OwnSide._read_own
        self._own.data_received(raw)
        if self._own is not None:
            self._read_own(body)

    def _read_own(self, data: bytes) -> None:
        own, decoder = self._own, self._decoder
        if own is None or decoder is None:
            return
        self._since = self._runtime.clock()
        try:
            pieces = decoder.feed(data)
        except MalformedRequest as error:
            self._drop_own()
            self._refuse_unread(error)
            return
        chunked = isinstance(decoder, ChunkedDecoder)
        for piece in pieces:
            own.data_received(encode_chunk(piece) if chunked else piece)
        if decoder.done:
            if chunked:
                own.data_received(LAST_CHUNK)
            self._pending = decoder.rest
            self._decoder = None
            self._feed = ClientSide._queue
            if not own.busy:
                self.own_finished()

    def own_finished(self) -> None:
        """The application's response is complete; its request may still be coming."""
        if self._decoder is None and self._own is not None:
            self._since = self._runtime.clock()
            self._next(self._own_keeps and not self._runtime.draining)

    def own_closes(self) -> None:
        """The application's response was the last."""
        self._own_keeps = False
        if self._decoder is not None:
            self._drop_own()
            self._close_gently()

    def hand_over(self) -> None:
        """A WebSocket protocol takes over: the edge hears no more of this connection."""
        self._own = None
        self._decoder = None
        self._feed = ClientSide._discard
        self._runtime.connections.discard(self)

    def _drop_own(self) -> None:
        own, self._own, self._decoder = self._own, None, None
        if own is not None:
            own.connection_lost(ConnectionAbortedError())

    def _own_overdue(self) -> None:
        """The body of a request for the application stopped coming."""
        answered = self._own is None or self._own.answering
        self._drop_own()
        if answered:
            self.transport.abort()
        else:
            self._refuse_unread(RequestTimeout("the body stopped coming"))

    def pause_writing(self) -> None:
        """The client reads slowly."""
        super().pause_writing()
        if self._own is not None:
            self._own.pause_writing()

    def resume_writing(self) -> None:
        """The client has caught up."""
        if self._own is not None:
            self._own.resume_writing()
        super().resume_writing()
