"""One connection to a service, with fakes at both of its ends."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain_gateway.application.gateway.exchange import Exchange
from brain_gateway.application.gateway.upstream_head import build
from brain_gateway.domain import errors
from brain_gateway.infrastructure.upstream.connection import (
    LONGEST_HEAD,
    MOST_INFORMATIONAL,
    UpstreamProtocol,
)
from tests.builders.gateway import FakeGateway
from tests.builders.pieces import cut, cuts, every_cut
from tests.fakes.response_sink import KeptResponse
from tests.fakes.transport import FakeTransport

GATEWAY = FakeGateway()


@dataclass
class Pool:
    """What a pool hears of its connections."""

    open: int = 0
    released: list[UpstreamProtocol] = field(default_factory=list)

    def made(self, connection: UpstreamProtocol) -> None:
        self.open += 1

    def lost(self, connection: UpstreamProtocol) -> None:
        self.open -= 1

    def release(self, connection: UpstreamProtocol) -> None:
        self.released.append(connection)


class Scene:
    """A connection that carries one request after another."""

    def __init__(self) -> None:
        self.pool = Pool()
        self.protocol = UpstreamProtocol(self.pool)
        self.transport = FakeTransport(self.protocol)
        self.protocol.connection_made(self.transport)

    def ask(self, first: str = "GET /shop/items HTTP/1.1", *fields: str) -> KeptResponse:
        """Send a request; the body of one that has a body is still to come."""
        self.exchange = GATEWAY.admitted(*fields, first=first)
        return self.send(self.exchange)

    def send(self, exchange: Exchange) -> KeptResponse:
        sink = KeptResponse()
        exchange.sink = sink
        self.transport.take()
        self.protocol.start(exchange)
        return sink

    def receive(self, *pieces: bytes) -> None:
        """As a transport does: nothing more once it is closing."""
        for piece in pieces:
            if not self.transport.is_closing():
                self.protocol.data_received(piece)

    @property
    def reused(self) -> bool:
        assert self.pool.released == [self.protocol] or not self.pool.released
        return bool(self.pool.released) and not self.transport.is_closing()


def answered(method: str, *pieces: bytes) -> tuple[KeptResponse, Scene]:
    scene = Scene()
    sink = scene.ask(f"{method} /shop/items HTTP/1.1")
    scene.receive(*pieces)
    return sink, scene


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKS = b"2\r\nab\r\n3;x=y\r\ncde\r\n0\r\nX-Sum: 1\r\n\r\n"

# method, bytes, status, body, may the connection be used again
ANSWERS = {
    "length": ("GET", OK + b"Content-Length: 5\r\n\r\nhello", 200, b"hello", True),
    "length, to be closed": ("GET", OK + b"Connection: close\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello", False),
    "length in 1.0": ("GET", b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello", False),
    "length in 1.0, to be kept": ("GET",
    b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello", True),
    "empty": ("GET", OK + b"Content-Length: 0\r\n\r\n", 200, b"", True),
    "chunks": ("POST", OK + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKS, 200, b"abcde", True),
    "chunks, to be closed": ("GET",
    OK + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS, 200, b"abcde", False),
    "no chunks": ("GET", OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200, b"", True),
    "head with length": ("HEAD", OK + b"Content-Length: 5\r\n\r\n", 200, b"", True),
    "head with chunks": ("HEAD", OK + b"Transfer-Encoding: chunked\r\n\r\n", 200, b"", True),
    "head without length": ("HEAD", OK + b"\r\n", 200, b"", True),
    "no content": ("DELETE", b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", True),
    "not modified": ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, b"", True),
    "early hints": ("GET",
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nhi", 200, b"hi", True),
    "continue twice": ("GET",
    b"HTTP/1.1 100 Continue\r\n\r\n" * 2 + b"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno", 404, b"no", True),
}  # fmt: skip
BY_NAME = pytest.mark.parametrize("name", ANSWERS)


@BY_NAME
def test_an_answer_is_the_same_however_it_is_cut(name):
    method, data, status, body, reused = ANSWERS[name]
    for pieces in (*every_cut(data, most=1), cut(data, range(len(data)))):
        sink, scene = answered(method, *pieces)
        assert sink.head is not None
        assert (sink.head.status, sink.body, sink.complete, sink.failure) == (status, body, True, None)
        assert (scene.reused, scene.transport.aborted) == (reused, not reused)
        assert scene.exchange.connection is None


@BY_NAME
@pytest.mark.parametrize("error", [None, ConnectionResetError()])
def test_an_answer_cut_short_at_any_byte_is_never_complete(name, error):
    method, data, *_ = ANSWERS[name]
    for end in range(len(data)):
        sink, scene = answered(method, *([data[:end]] if end else []))
        scene.transport.lose(error)
        assert not sink.complete
        assert isinstance(sink.failure, errors.UpstreamClosed)
        assert (scene.pool.open, scene.pool.released, scene.exchange.connection) == (0, [], None)
        if end == 0:
            assert not sink.answered
        elif sink.head is not None or not sink.informational:
            assert sink.answered


@settings(max_examples=4 * settings.default.max_examples)
@given(st.sampled_from(list(ANSWERS.values())), st.data())
def test_whatever_is_lost_or_changed_no_answer_is_complete_without_its_end(answer, choice):
    method, data, _, body, _ = answer
    end = choice.draw(st.integers(0, len(data)))
    sink, scene = answered(method, *cut(data[:end], choice.draw(cuts(120))))
    scene.transport.lose(choice.draw(st.sampled_from([None, ConnectionResetError()])))
    assert sink.complete == (end == len(data))
    assert (sink.failure is None) == sink.complete
    assert body.startswith(sink.body)


@BY_NAME
def test_what_comes_behind_an_answer_nobody_asked_for(name):
    method, data, status, body, _ = ANSWERS[name]
    for garbage in (b"X", b"\r\n", data):
        sink, scene = answered(method, data + garbage)  # at once
        assert sink.head is not None
        assert (sink.head.status, sink.body, sink.complete) == (status, body, True)
        assert (scene.pool.released, scene.transport.aborted) == ([], True)
        sink, scene = answered(method, data, garbage)  # a moment later
        assert (sink.body, sink.complete, scene.transport.aborted) == (body, True, True)
        scene.transport.lose()
        assert sink.failure is None


# Bodies that end with the connection


def test_a_body_until_close():
    data = OK + b"X: y\r\n\r\nhello"
    for pieces in every_cut(data, most=1):
        sink, scene = answered("GET", *pieces)
        assert (sink.body, sink.complete) == (b"hello", False)
        scene.transport.lose()
        assert (sink.body, sink.complete, sink.failure, scene.pool.released) == (b"hello", True, None, [])


def test_a_reset_is_no_end_of_a_body():
    sink, scene = answered("GET", OK + b"\r\nhel")
    scene.transport.lose(ConnectionResetError())
    assert (sink.complete, type(sink.failure), sink.answered) == (False, errors.UpstreamClosed, True)


def test_an_empty_body_until_close():
    sink, scene = answered("GET", OK + b"\r\n")
    scene.transport.lose()
    assert (sink.body, sink.complete, sink.events) == (b"", True, ["response", "body"])


# What is no answer

NONSENSE = {
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "two lengths": OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "length and chunks": OK + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a folded line": OK + b"A: b\r\n c\r\n\r\n",
    "a bare LF": OK + b"A: b\nC: d\r\n\r\n",
    "a switch nobody asked for": b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "broken chunks": OK + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "a chunk too long": OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
    "interim answers without end": b"HTTP/1.1 102 Processing\r\n\r\n" * (MOST_INFORMATIONAL + 1),
    "a head without end": OK + b"A: " + b"a" * LONGEST_HEAD,
    "a long head": OK + b"A: " + b"a" * LONGEST_HEAD + b"\r\n\r\n",
}


@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_is_a_failure_once(name):
    data = NONSENSE[name]
    places = range(0, len(data), 1 if len(data) < 1000 else 9973)
    for pieces in ([data], cut(data, places)):
        sink, scene = answered("GET", *pieces)
        assert isinstance(sink.failure, errors.UpstreamProtocolError)
        assert (sink.answered, sink.complete, scene.transport.aborted, scene.exchange.connection) == (
            True,
            False,
            True,
            None,
        )
        scene.transport.lose(ConnectionResetError())
        assert sink.events.count("failure") == 1


def test_interim_answers_are_counted_for_each_request():
    scene = Scene()
    for _ in range(3):
        scene.pool.released.clear()
        sink = scene.ask()
        scene.receive(
            b"HTTP/1.1 102 Processing\r\n\r\n" * MOST_INFORMATIONAL + OK + b"Content-Length: 0\r\n\r\n"
        )
        assert sink.complete
        assert len(sink.informational) == MOST_INFORMATIONAL


# One request after another


def test_a_connection_carries_one_request_after_another():
    scene = Scene()
    for name in ANSWERS:
        method, data, _, body, reused = ANSWERS[name]
        if reused:
            sink = scene.ask(f"{method} /shop/{len(name)} HTTP/1.1")
            assert scene.transport.take().startswith(f"{method} /api/{len(name)} HTTP/1.1\r\n".encode())
            scene.receive(data)
            assert (sink.body, sink.complete) == (body, True)
            assert scene.pool.released.pop() is scene.protocol


@pytest.mark.parametrize("methods", [("GET", "HEAD", "GET"), ("HEAD", "GET", "HEAD"), ("GET", "GET", "HEAD")])
def test_the_same_head_means_another_body_to_another_method(methods):
    scene = Scene()
    for method in methods:
        scene.pool.released.clear()
        sink = scene.ask(f"{method} /shop HTTP/1.1")
        scene.receive(OK + b"Content-Length: 5\r\n\r\n" + (b"hello" if method == "GET" else b""))
        assert (sink.complete, scene.reused) == (True, True)


@given(st.lists(st.sampled_from([0, 1, 2, 3]), min_size=1, max_size=8), cuts(60))
def test_heads_that_repeat_are_read_as_if_each_were_the_first(kinds, places):
    answers = [
        OK + b"Content-Length: 2\r\n\r\nab", OK + b"Content-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno",
        OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    ]  # fmt: skip
    scene = Scene()
    for kind in kinds:
        sink = scene.ask()
        scene.receive(*cut(answers[kind], places))
        alone, _ = answered("GET", answers[kind])
        assert sink.head is not None
        assert alone.head is not None
        assert (sink.head.joined, sink.body, sink.complete) == (alone.head.joined, alone.body, True)


@pytest.mark.parametrize("name", ["length", "chunks", "no content", "empty"])
def test_an_answer_before_the_request_is_whole_ends_the_connection(name):
    _, data, _, body, _ = ANSWERS[name]
    scene = Scene()
    sink = scene.ask("POST /shop HTTP/1.1", "Content-Length: 10")
    scene.protocol.write_body(b"half ")
    scene.receive(data)
    assert (sink.body, sink.complete) == (body, True)
    assert (scene.pool.released, scene.transport.aborted) == ([], True)


# What the service gets


def body_written(
    *fields: str, held: tuple[bytes, ...] = (), done: bool = False, later: tuple[bytes, ...] = ()
) -> bytes:
    scene = Scene()
    exchange = GATEWAY.admitted(*fields, first="POST /shop HTTP/1.1")
    for piece in held:
        exchange.hold(piece)
    exchange.body_done = done
    sink = scene.send(exchange)
    assert sink.events == ["connected"]
    for piece in later:
        scene.protocol.write_body(piece)
    if not done:
        scene.protocol.end_body()
    written = scene.transport.take()
    assert written.startswith(build(exchange))
    return written[len(build(exchange)) :]


LENGTH, CHUNKED = "Content-Length: 5", "Transfer-Encoding: chunked"
BODIES = [
    ((LENGTH,), {"held": (b"he", b"llo"), "done": True}, b"hello"),
    ((LENGTH,), {"held": (b"he",), "later": (b"l", b"lo")}, b"hello"),
    ((CHUNKED,), {"held": (b"he", b"llo"), "done": True}, b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"),
    ((CHUNKED,), {"later": (b"hello",)}, b"5\r\nhello\r\n0\r\n\r\n"),
    ((CHUNKED,), {"done": True}, b"0\r\n\r\n"),
]


@pytest.mark.parametrize(("fields", "how", "expected"), BODIES)
def test_the_body_goes_out_as_the_client_framed_it(fields, how, expected):
    assert body_written(*fields, **how) == expected


def test_a_request_without_a_body_is_its_head():
    scene = Scene()
    sink = scene.ask()
    assert (scene.transport.take(), sink.events) == (build(scene.exchange), [])
    assert scene.exchange.wire_sent
    assert scene.exchange.connection is scene.protocol


# Back-pressure


def test_a_slow_service_pauses_the_client_and_a_fast_one_wakes_it():
    scene = Scene()
    sink = scene.ask("POST /shop HTTP/1.1", CHUNKED)
    scene.transport.high_water = scene.transport.unsent + 10
    scene.protocol.write_body(b"a" * 20)
    scene.transport.drain()
    assert sink.events == ["connected", "pause", "resume"]


def test_a_service_that_is_slow_from_the_start_pauses_the_client_for_good():
    scene = Scene()
    scene.transport.high_water = 1000
    exchange = GATEWAY.admitted(CHUNKED, first="POST /shop HTTP/1.1")
    exchange.hold(b"a" * 5000)
    sink = scene.send(exchange)
    assert sink.events[-1] == "pause"


def test_a_slow_client_stops_the_reading():
    scene = Scene()
    scene.ask()
    scene.protocol.pause_reading()
    assert not scene.transport.reading
    scene.protocol.resume_reading()
    assert scene.transport.reading


def test_a_connection_that_waits_for_work_reads():
    scene = Scene()
    sink = scene.ask()
    sink.on_informational = lambda head: scene.protocol.pause_reading()
    scene.receive(ANSWERS["early hints"][1])
    assert sink.complete
    assert scene.transport.reading or not scene.reused


def test_an_idle_connection_has_nobody_to_pause():
    scene = Scene()
    scene.protocol.pause_writing()
    scene.protocol.resume_writing()


# Tunnels

UPGRADE = ("Connection: Upgrade", "Upgrade: websocket")
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


def test_a_tunnel_passes_bytes_both_ways_however_they_are_cut():
    data = SWITCH + b"\x81\x02hi\r\n\r\n"
    for pieces in every_cut(data, most=1):
        scene = Scene()
        sink = scene.ask("GET /shop HTTP/1.1", *UPGRADE)
        scene.receive(*pieces)
        assert [head.status for head in sink.informational] == [101]
        assert (sink.tunnelled, sink.head) == (b"\x81\x02hi\r\n\r\n", None)
        scene.transport.take()
        scene.protocol.tunnel(b"\x00from the client")
        assert scene.transport.take() == b"\x00from the client"
        scene.transport.lose()
        assert (type(sink.failure), sink.answered) == (errors.UpstreamClosed, True)


def test_an_upgrade_that_is_declined_is_an_answer():
    scene = Scene()
    sink = scene.ask("GET /shop HTTP/1.1", *UPGRADE)
    scene.receive(b"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno")
    assert (sink.body, sink.complete, scene.reused) == (b"no", True, True)


@pytest.mark.parametrize(
    "switch", [b"HTTP/1.1 101 Switching\r\n\r\n", b"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\n\r\n"]
)
def test_a_switch_that_names_no_protocol_is_nonsense(switch):
    scene = Scene()
    sink = scene.ask("GET /shop HTTP/1.1", *UPGRADE)
    scene.receive(switch)
    assert isinstance(sink.failure, errors.UpstreamProtocolError)


# Giving up


@pytest.mark.parametrize("so_far", [b"", b"HTTP/1.1 2", OK + b"Content-Length: 5\r\n\r\nhe"])
def test_an_exchange_that_gave_up_hears_no_more(so_far):
    sink, scene = answered("GET", *([so_far] if so_far else []))
    heard = list(sink.events)
    scene.protocol.abort()
    assert scene.transport.aborted
    scene.protocol.data_received(b"more")
    scene.protocol.pause_writing()
    scene.transport.lose()
    assert (sink.events, scene.pool.open, scene.pool.released) == (heard, 0, [])


def test_an_idle_connection_that_is_lost_is_only_counted():
    scene = Scene()
    scene.transport.lose()
    assert (scene.pool.open, scene.protocol.closed) == (0, True)


def test_a_connection_that_was_never_made_can_be_thrown_away():
    UpstreamProtocol(Pool()).discard()
    scene = Scene()
    scene.protocol.discard()
    assert scene.transport.aborted
