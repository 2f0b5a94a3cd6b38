"""One HTTP/1.1 connection to a target: a protocol, not a stream. It carries one exchange at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from brain_gateway.application.gateway.upstream_head import build
from brain_gateway.domain.errors import GatewayError, MalformedRequest, UpstreamClosed, UpstreamProtocolError
from brain_gateway.domain.http.chunked import LAST_CHUNK, ChunkedDecoder, LengthDecoder, encode_chunk
from brain_gateway.domain.http.responses import CHUNKED, UNTIL_CLOSE, ResponseHead, parse_response

if TYPE_CHECKING:
    from brain_gateway.application.gateway.exchange import Exchange
    from brain_gateway.infrastructure.upstream.pool import TargetPool

LONGEST_HEAD = 65536
MOST_INFORMATIONAL = 16


class CloseDecoder:
    """A body that ends when the connection does (RFC 9112 section 6.3, rule 8)."""

    done = False
    rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """All of it is body."""
        return [data]


class UpstreamProtocol(asyncio.Protocol):
    """Between `start` and the end of the response it is busy; what happens is told to `exchange.sink`."""

    __slots__ = (
        "_buffer",
        "_decoder",
        "_exchange",
        "_informational",
        "_last_head",
        "_last_raw",
        "_paused",
        "_pool",
        "_reusable",
        "_tunnel",
        "closed",
        "idle_since",
        "transport",
    )

    def __init__(self, pool: TargetPool) -> None:
        self._pool = pool
        self._exchange: Exchange | None = None
        self._decoder: ChunkedDecoder | LengthDecoder | CloseDecoder | None = None
        self._buffer = b""
        self._tunnel = False
        self._informational = 0
        self._reusable = True
        self._paused = False
        self._last_raw = b""  # the last head that came, not parsed again when it comes again
        self._last_head: ResponseHead = None  # type: ignore[assignment]  # set with _last_raw
        self.closed = False
        self.idle_since = 0.0
        self.transport: asyncio.Transport = None  # type: ignore[assignment]  # connection_made comes first

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Bodies wait in the kernel, not here: a low mark pauses the client early."""
        self.transport = cast(asyncio.Transport, transport)
        self._pool.made(self)

    def data_received(self, data: bytes) -> None:
        """A head, a body, or bytes of a tunnel."""
        exchange = self._exchange
        if exchange is None:
            self.transport.abort()  # nobody asked: the connection cannot be trusted any more
        elif self._decoder is not None:
            self._body(exchange, data)
        elif self._tunnel:
            exchange.sink.on_tunnel(data)
        else:
            self._head(exchange, data)

    def connection_lost(self, exc: Exception | None) -> None:
        """The end of a body without a length, of an idle connection, or a failure."""
        self.closed = True
        self._pool.lost(self)
        exchange = self._exchange
        if exchange is None:
            return
        self._exchange = None
        if isinstance(self._decoder, CloseDecoder) and exc is None:
            exchange.connection = None
            exchange.sink.on_body([], True)
            return
        exchange.connection = None
        answered = self._decoder is not None or self._tunnel or bool(self._buffer)
        exchange.sink.on_failure(
            UpstreamClosed("the service closed the connection before its answer was complete"), answered
        )

    def pause_writing(self) -> None:
        """The service reads slowly."""
        if self._exchange is not None:
            self._exchange.sink.pause_body()

    def resume_writing(self) -> None:
        """The service has caught up."""
        if self._exchange is not None:
            self._exchange.sink.resume_body()

    def discard(self) -> None:
        """Nobody wants this connection any more; it may not even be made."""
        if self.transport is not None:
            self.transport.abort()

    # UpstreamConnection

    def start(self, exchange: Exchange) -> None:
        """Send an exchange's head, and what of its body has come already."""
        self._exchange = exchange
        exchange.connection = self
        exchange.wire_sent = True
        self.transport.write(build(exchange))
        if exchange.head.fields.length:
            exchange.sink.on_connected()  # first: writing may say at once that the service reads slowly
            for piece in exchange.held or ():
                self.write_body(piece)
            if exchange.body_done:
                self.end_body()

    def write_body(self, piece: bytes) -> None:
        """Send a piece of the request's body, framed as the client framed it."""
        assert self._exchange is not None
        self.transport.write(encode_chunk(piece) if self._exchange.head.fields.length == CHUNKED else piece)

    def end_body(self) -> None:
        """The request's body is complete."""
        assert self._exchange is not None
        if self._exchange.head.fields.length == CHUNKED:
            self.transport.write(LAST_CHUNK)

    def tunnel(self, data: bytes) -> None:
        """Pass bytes on."""
        self.transport.write(data)

    def pause_reading(self) -> None:
        """The client reads slowly."""
        if not self._paused:
            self._paused = True
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """The client has caught up."""
        if self._paused:
            self._paused = False
            self.transport.resume_reading()

    def abort(self) -> None:
        """Close at once; the exchange hears no more."""
        self._exchange = None
        self.transport.abort()

    # The response

    def _head(self, exchange: Exchange, data: bytes) -> None:
        if self._buffer:
            data = self._buffer + data
            self._buffer = b""
        last = self._last_raw
        if last and data.startswith(last) and exchange.head.line.method != b"HEAD":
            head = self._last_head
            rest = data[len(last) :]
        else:
            end = data.find(b"\r\n\r\n")
            if end < 0 or end > LONGEST_HEAD:
                self._part_of_head(data)
                return
            parsed = self._parse(exchange, data, end)
            if parsed is None:
                return
            head = parsed
            rest = data[end + 4 :]
        if head.status < 200:
            self._interim(exchange, head, rest)
        elif len(rest) == head.length:
            self._complete(exchange, head.keep_alive)
            exchange.sink.on_response(head, [rest], True)
        else:
            self._begin(exchange, head, rest)

    def _part_of_head(self, data: bytes) -> None:
        self._buffer = data
        if len(data) > LONGEST_HEAD:
            self._fail(UpstreamProtocolError("the service's header is too long"))

    def _parse(self, exchange: Exchange, data: bytes, end: int) -> ResponseHead | None:
        bodiless = exchange.head.line.method == b"HEAD"
        try:
            head = parse_response(data[:end], bodiless)
        except MalformedRequest:
            self._fail(UpstreamProtocolError("the service's answer is not HTTP/1.1"))
            return None
        self._last_raw, self._last_head = (b"", head) if bodiless else (data[: end + 4], head)
        return head

    def _begin(self, exchange: Exchange, head: ResponseHead, rest: bytes) -> None:
        """An answer that is not all there yet, or that is followed by what nobody asked for."""
        decoder: ChunkedDecoder | LengthDecoder | CloseDecoder
        if head.length == CHUNKED:
            decoder = ChunkedDecoder()
        elif head.length == UNTIL_CLOSE:
            decoder = CloseDecoder()
        else:
            decoder = LengthDecoder(head.length)
        self._decoder = decoder
        self._reusable = head.keep_alive
        pieces = self._decode(decoder, rest) if rest else []
        if pieces is None:
            return
        done = decoder.done
        if done:
            self._complete(exchange, head.keep_alive and not decoder.rest)
        exchange.sink.on_response(head, pieces, done)

    def _body(self, exchange: Exchange, data: bytes) -> None:
        decoder = self._decoder
        assert decoder is not None
        pieces = self._decode(decoder, data)
        if pieces is None:
            return
        done = decoder.done
        if done:
            self._complete(exchange, self._reusable and not decoder.rest)
        if pieces or done:
            exchange.sink.on_body(pieces, done)

    def _decode(
        self, decoder: ChunkedDecoder | LengthDecoder | CloseDecoder, data: bytes
    ) -> list[bytes] | None:
        try:
            return decoder.feed(data)
        except MalformedRequest:
            self._fail(UpstreamProtocolError("the service's chunked coding is broken"))
            return None

    def _complete(self, exchange: Exchange, reusable: bool) -> None:
        """The response is all here: the connection is free before the client hears of it."""
        self._exchange = None
        self._decoder = None
        self._informational = 0
        exchange.connection = None
        if reusable and exchange.body_done:
            self.resume_reading()
            self._pool.release(self)
        else:
            self.transport.abort()  # an unfinished upload has nobody to read it

    def _interim(self, exchange: Exchange, head: ResponseHead, rest: bytes) -> None:
        """1xx: passed on; 101 makes a tunnel if one was asked for (RFC 9110 section 15.2)."""
        self._informational += 1
        if head.status == 101:
            if not exchange.upgrading or not head.upgrade:
                self._fail(UpstreamProtocolError("the service switched protocols unasked"))
                return
            self._tunnel = True
            exchange.sink.on_informational(head)
            if rest:
                exchange.sink.on_tunnel(rest)
            return
        if self._informational > MOST_INFORMATIONAL:
            self._fail(UpstreamProtocolError("the service sends interim answers without end"))
            return
        exchange.sink.on_informational(head)
        if rest and self._exchange is exchange:
            self._head(exchange, rest)

    def _fail(self, error: GatewayError) -> None:
        exchange = self._exchange
        self._exchange = None
        self.transport.abort()
        if exchange is not None:
            exchange.connection = None
            exchange.sink.on_failure(error, True)
