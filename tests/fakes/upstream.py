"""UpstreamPools without connections: they keep what is sent and answer what a test says."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from brain_gateway.application.gateway.upstream_head import build
from brain_gateway.domain.errors import GatewayError
from brain_gateway.domain.http.responses import parse_response

if TYPE_CHECKING:
    from brain_gateway.application.gateway.exchange import Exchange
    from brain_gateway.domain.routing.target import Target


class FakeConnection:
    """One attempt: `head` and `body` as the service got them. A test plays the service with the methods at the end."""

    def __init__(self, exchange: Exchange, when_done: Callable[[FakeConnection], None] | None) -> None:
        self.exchange = exchange
        self.head = build(exchange)
        self.body = b""
        self.body_complete = exchange.body_done
        self.connected = self.paused = self.aborted = False
        self.tunnelled = b""
        self._when_done = when_done

    def connect(self) -> None:
        """The connection is there: the head goes out, and what has come of the body."""
        exchange = self.exchange
        exchange.connection = self
        exchange.wire_sent = self.connected = True
        self.body = b"".join(exchange.held or ())
        self.body_complete = exchange.body_done
        if exchange.head.fields.length:
            exchange.sink.on_connected()
        self._asked()

    def _asked(self) -> None:
        if self.body_complete and self._when_done is not None:
            self._when_done(self)

    # UpstreamConnection

    def write_body(self, piece: bytes) -> None:
        assert not self.aborted
        self.body += piece

    def end_body(self) -> None:
        self.body_complete = True
        self._asked()

    def pause_reading(self) -> None:
        self.paused = self.connected  # before that there is nothing to read

    def resume_reading(self) -> None:
        self.paused = False

    def abort(self) -> None:
        self.aborted = True

    def tunnel(self, data: bytes) -> None:
        self.tunnelled += data

    # The service's side

    def answer(self, head: bytes, *pieces: bytes, complete: bool = True) -> None:
        """A final answer's head (without its empty line), and what comes of its body along with it."""
        assert not self.aborted
        parsed = parse_response(head, self.exchange.head.method == b"HEAD")
        self._ends(complete)
        self.exchange.sink.on_response(parsed, list(pieces), complete)

    def interim(self, head: bytes) -> None:
        """A 1xx."""
        self.exchange.sink.on_informational(parse_response(head, False))

    def more(self, *pieces: bytes, complete: bool = False) -> None:
        """More of the body."""
        assert not self.aborted
        self._ends(complete)
        self.exchange.sink.on_body(list(pieces), complete)

    def fail(self, error: GatewayError, answered: bool = False) -> None:
        """The connection fails."""
        assert not self.aborted
        self.exchange.connection = None
        self.exchange.sink.on_failure(error, answered)

    def _ends(self, complete: bool) -> None:
        if complete:
            self.exchange.connection = None


class FakePool:
    """The pool of one target: `sent` has every attempt. Unless `connects` is False each connects at once;
    `when_done` is called when the whole request is there."""

    def __init__(self, target: Target, connect_timeout: float) -> None:
        self.target = target
        self.connect_timeout = connect_timeout
        self.sent: list[FakeConnection] = []
        self.connects = True
        self.when_done: Callable[[FakeConnection], None] | None = None
        self.closed = False
        self.idle = self.open = 0

    def send(self, exchange: Exchange) -> None:
        """See the port UpstreamPool."""
        connection = FakeConnection(exchange, self.when_done)
        self.sent.append(connection)
        exchange.connection = connection
        if self.connects:
            connection.connect()

    def close(self) -> None:
        """See the port UpstreamPool."""
        self.closed = True


class FakePools:
    """`made`: the pools by origin, in the order in which they were asked for."""

    def __init__(self) -> None:
        self.made: dict[str, FakePool] = {}

    def pool(self, target: Target, connect_timeout: float) -> FakePool:
        """See the port UpstreamPools."""
        made = self.made[target.origin] = FakePool(target, connect_timeout)
        return made
