"""The client's side of an exchange: responses written to the connection as they come (ResponseSink)."""

from __future__ import annotations

import asyncio
import socket
import struct
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from brain_gateway.api import problems
from brain_gateway.api.edge import answers
from brain_gateway.application.gateway.exchange import NEVER, Exchange, Refusal, Reply
from brain_gateway.application.gateway.records import request_id
from brain_gateway.domain.errors import GatewayError, UpstreamFault
from brain_gateway.domain.http.chunked import LAST_CHUNK, encode_chunk

if TYPE_CHECKING:
    from brain_gateway.api.edge.runtime import EdgeRuntime
    from brain_gateway.domain.http.requests import Request
    from brain_gateway.domain.http.responses import ResponseHead

_RESET = struct.pack("ii", 1, 0)  # linger on, for no time (socket(7))


class Responder(ABC):
    """Holds the exchange under way and writes its response; what comes after is the subclass's."""

    __slots__ = ("_chunked_out", "_exchange", "_paused_reading", "_runtime", "_write_paused", "transport")

    def __init__(self, runtime: EdgeRuntime) -> None:
        self._runtime = runtime
        self._exchange: Exchange | None = None
        self._chunked_out = False
        self._write_paused = False
        self._paused_reading = False
        self.transport: asyncio.Transport = None  # type: ignore[assignment]  # connection_made comes first

    # For the subclass

    @abstractmethod
    def _finished(self, keep_alive: bool) -> None:
        """The response is written whole; the connection is kept or closed."""

    @abstractmethod
    def _enter_tunnel(self) -> None:
        """The response was a 101: from now on bytes pass as they are."""

    # ResponseSink

    def on_response(self, head: ResponseHead, pieces: list[bytes], complete: bool) -> None:
        """Write the head and what there is of the body."""
        exchange = self._exchange
        assert exchange is not None
        exchange.status = head.status
        request = exchange.head
        keep_alive = request.keep_alive and exchange.body_done and not self._runtime.draining
        framing = b""
        if head.length < 0 or not keep_alive or request.line.http_1_0:
            framing, keep_alive = self._framing(head, request, keep_alive)
            if self._chunked_out:
                pieces = self._encoded(pieces, complete)
        data = b"".join((*answers.response_head(exchange, head, framing), *pieces))
        exchange.sent = len(data)
        self.transport.write(data)
        if complete:
            self._finished(keep_alive)
            return
        request.keep_alive = keep_alive
        exchange.answered = True
        exchange.let_go()
        exchange.endless = head.event_stream
        if self._write_paused and exchange.connection is not None:
            exchange.connection.pause_reading()  # the client has not even read the answers before this one
        self._wait_for_more(exchange)

    def _wait_for_more(self, exchange: Exchange) -> None:
        """An event stream may be silent for as long as it likes, unless it is the client that does not read."""
        if exchange.endless and not self._write_paused:
            exchange.expires = NEVER
        else:
            exchange.expires = self._runtime.clock() + exchange.lane.entry.idle_timeout

    def _framing(self, head: ResponseHead, request: Request, keep_alive: bool) -> tuple[bytes, bool]:
        """The lines on length and persistence, and whether the connection goes on."""
        lines = b""
        if head.length < 0:  # CHUNKED or UNTIL_CLOSE
            if request.line.http_1_0:
                keep_alive = False  # it knows no chunks: the body ends with the connection
            else:
                self._chunked_out = True
                lines = b"Transfer-Encoding: chunked\r\n"
        if not keep_alive:
            return lines + b"Connection: close\r\n", False
        return (lines + b"Connection: keep-alive\r\n" if request.line.http_1_0 else lines), True

    def on_body(self, pieces: list[bytes], complete: bool) -> None:
        """Pass pieces on."""
        exchange = self._exchange
        assert exchange is not None
        if self._chunked_out:
            pieces = self._encoded(pieces, complete)
        for piece in pieces:
            exchange.sent += len(piece)
            self.transport.write(piece)
        if complete:
            self._finished(exchange.head.keep_alive and not self._runtime.draining)
        else:
            self._wait_for_more(exchange)

    def on_informational(self, head: ResponseHead) -> None:
        """Pass a 1xx on, to those who know of them (RFC 9110 section 15.2)."""
        exchange = self._exchange
        assert exchange is not None
        if head.status == 101:
            exchange.status = 101
            exchange.answered = True
            exchange.expires = exchange.deadline = NEVER
            self.transport.write(answers.informational(head))
            self._enter_tunnel()
        elif not exchange.head.line.http_1_0:
            self.transport.write(answers.informational(head))

    def on_tunnel(self, data: bytes) -> None:
        """Pass bytes on."""
        if self._exchange is not None:
            self._exchange.sent += len(data)
            self.transport.write(data)

    def on_failure(self, error: GatewayError, answered: bool) -> None:
        """Try again, refuse, or (when the answer has begun) close: a body is never silently short."""
        exchange = self._exchange
        if exchange is None:
            return
        exchange.answered = exchange.answered or answered
        if exchange.status:  # begun
            if exchange.status != 101:
                exchange.error = type(error).__name__
                exchange.failed_upstream = isinstance(error, UpstreamFault)
                self._break_off()
            else:
                self.transport.close()
            self._finished(False)
            return
        refusal = self._runtime.settlement.recover(exchange, error)
        if refusal is None:
            exchange.target.pool.send(exchange)
        else:
            self._give_up(refusal)

    def on_connected(self) -> None:
        """The body may follow."""
        self.resume_body()

    def pause_body(self) -> None:
        """The service reads slowly."""
        if not self._paused_reading:
            self._paused_reading = True
            self.transport.pause_reading()

    def resume_body(self) -> None:
        """The service has caught up."""
        if self._paused_reading:
            self._paused_reading = False
            self.transport.resume_reading()

    # The client's flow control

    def pause_writing(self) -> None:
        """The client reads slowly: take no more from the service."""
        self._write_paused = True
        exchange = self._exchange
        if exchange is not None and exchange.connection is not None:
            exchange.connection.pause_reading()
            if exchange.status not in (0, 101):
                self._wait_for_more(exchange)

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._write_paused = False
        exchange = self._exchange
        if exchange is not None and exchange.connection is not None:
            exchange.connection.resume_reading()
            if exchange.status not in (0, 101):
                self._wait_for_more(exchange)

    # Refusals

    def _give_up(self, refusal: Refusal) -> None:
        """Answer in the service's place, and settle."""
        exchange = self._exchange
        assert exchange is not None
        exchange.error = type(refusal.error).__name__
        exchange.failed_upstream = isinstance(refusal.error, UpstreamFault)
        if exchange.connection is not None:
            exchange.connection.abort()
            exchange.connection = None
        if exchange.status:  # an answer has begun: there is no room for another
            self._break_off()
            self._finished(False)
            return
        exchange.status = problems.problem_of(refusal.error).status
        keep_alive = exchange.head.keep_alive and exchange.body_done and not self._runtime.draining
        self._write_refusal(refusal, exchange.head, exchange.id_line, keep_alive)
        self._finished(keep_alive)

    def _break_off(self) -> None:
        """End an answer that cannot be completed, with a reset: where the body ends with the connection (HTTP/1.0),
        an orderly close would make a short body look whole."""
        connection = self.transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.transport.abort()

    def _write_refusal(self, refusal: Refusal, head: Request, id_line: bytes, keep_alive: bool) -> None:
        identity = request_id(head, id_line)
        body = problems.document(refusal.error, identity)
        headers = answers.refusal_headers(refusal, body) + answers.cors_headers(refusal, head)
        if identity:
            headers.append(("X-Request-ID", identity))
        status = problems.problem_of(refusal.error).status
        self.transport.write(
            answers.own_answer(status, headers, body, not keep_alive, head.method == b"HEAD")
        )

    def _write_reply(self, reply: Reply, keep_alive: bool) -> None:
        self.transport.write(answers.own_answer(reply.status, reply.headers, b"", not keep_alive, True))

    def _encoded(self, pieces: list[bytes], complete: bool) -> list[bytes]:
        encoded = [encode_chunk(piece) for piece in pieces if piece]
        if complete:
            encoded.append(LAST_CHUNK)
        return encoded
