"""One exchange behind an ASGI server: messages both ways, and whose fault an end is."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from brain_gateway.api.edge.asgi_exchange import MOST_QUEUED
from brain_gateway.api.edge.runtime import WireLimits
from brain_gateway.domain import errors
from brain_gateway.domain.routing.service_route import CorsPolicy, Timeouts
from tests.builders.asgi import Asgi, piece
from tests.builders.edge import settle
from tests.builders.gateway import TOKEN, FakeGateway, service

pytestmark = pytest.mark.anyio
OK = b"HTTP/1.1 200 OK\r\n"
LENGTH, CHUNKED = b"Content-Length: 4", b"Transfer-Encoding: chunked"
CLOSED = errors.UpstreamClosed("the service closed the connection")


async def begun(
    gateway: FakeGateway | None = None, *fields: str, method: str = "GET", body: bytes | None = b""
) -> Asgi:
    """A request that a service is to answer."""
    asgi = Asgi(gateway, answering=None)
    await asgi.start(method, "/shop", TOKEN, *fields, body=body)
    return asgi


def kind_of(asgi: Asgi) -> tuple[int, str]:
    status, _, body = asgi.answer()
    return status, json.loads(body)["type"].rpartition(":")[2]


# The answer


async def test_each_piece_is_a_message_as_it_comes():
    asgi = await begun()
    asgi.sent[0].answer(OK + CHUNKED, complete=False)
    await settle()
    assert [message["type"] for message in asgi.messages] == ["http.response.start"]
    for number in (1, 2):
        asgi.sent[0].more(b"data: %d\n\n" % number)
        await settle()
        assert asgi.messages[-1] == {
            "type": "http.response.body",
            "body": b"data: %d\n\n" % number,
            "more_body": True,
        }
    asgi.sent[0].more(complete=True)
    await asgi.finished()
    status, headers, body = asgi.answer()
    assert (status, body) == (200, b"data: 1\n\ndata: 2\n\n")
    assert not {"transfer-encoding", "connection"} & set(headers)
    assert asgi.gateway.target().in_flight == 0


ANSWERS = [
    ("GET", OK + LENGTH, b"body", {"content-length": "4"}),
    ("HEAD", OK + LENGTH, b"", {"content-length": "4"}),
    ("GET", b"HTTP/1.1 204 No Content", b"", {}),
    ("GET", b"HTTP/1.1 304 Not Modified\r\n" + LENGTH, b"", {}),
    (
        "GET",
        OK + LENGTH + b"\r\nX-ODD:  spaced \r\nSet-Cookie: a\r\nConnection: x",
        b"body",
        {"content-length": "4", "x-odd": "spaced", "set-cookie": "a"},
    ),
]


@pytest.mark.parametrize(("method", "answered", "body", "expected"), ANSWERS)
async def test_heads_as_messages(method, answered, body, expected):
    asgi = await begun(method=method)
    asgi.sent[0].answer(answered, body)
    await asgi.finished()
    _, headers, got = asgi.answer()
    shown = {name: value for name, value in headers.items() if name not in ("via", "x-request-id")}
    assert (shown, got) == (expected, body)


async def test_repeated_headers_are_kept_in_order():
    asgi = await begun()
    asgi.sent[0].answer(OK + LENGTH + b"\r\nSet-Cookie: b\r\nSet-Cookie: a", b"body")
    await asgi.finished()
    assert [value for name, value in asgi.messages[0]["headers"] if name == b"set-cookie"] == [b"b", b"a"]


async def test_interim_answers_are_the_servers_own_affair():
    asgi = await begun()
    asgi.sent[0].interim(b"HTTP/1.1 103 Early Hints\r\nLink: </a>")
    asgi.sent[0].answer(OK + LENGTH, b"body")
    await asgi.finished()
    assert asgi.answer()[2] == b"body"


async def test_a_switch_of_protocols_that_nobody_asked_for():
    asgi = await begun()
    asgi.sent[0].interim(b"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: x")
    await asgi.finished()
    assert (kind_of(asgi), asgi.sent[0].aborted) == ((502, "upstream-protocol-error"), True)


async def test_a_policy_for_other_origins_holds():
    gateway = FakeGateway(service(cors=CorsPolicy(origins=("https://app.example",))))
    asgi = await begun(gateway, "Origin: https://app.example")
    asgi.sent[0].answer(OK + LENGTH + b"\r\nAccess-Control-Allow-Origin: *", b"body")
    await asgi.finished()
    assert asgi.answer()[1]["access-control-allow-origin"] == "https://app.example"


# The body of the request


async def test_a_body_is_passed_on_as_it_comes():
    asgi = await begun(None, "Transfer-Encoding: chunked", method="POST", body=None)
    (connection,) = asgi.sent
    for number, more in ((b"1", True), (b"2", True), (b"3", False)):
        asgi.give(piece(number, more))
        await settle()
        assert connection.body_complete is not more
    assert connection.body == b"123"


async def test_a_body_waits_for_its_connection_and_the_client_for_both():
    gateway = FakeGateway(wire_limits=WireLimits(most_pending=10))
    gateway.pool().connects = False
    asgi = Asgi(gateway, answering=None)
    await asgi.start("POST", "/shop", TOKEN, "Content-Length: 18", body=None)
    asgi.give(*[piece(b"123456", more) for more in (True, True, False)])
    await settle()
    assert asgi.incoming.qsize() == 1  # enough is held
    asgi.sent[0].connect()
    await settle()
    assert (asgi.sent[0].body, asgi.sent[0].body_complete, asgi.incoming.qsize()) == (b"123456" * 3, True, 0)


async def test_a_service_that_reads_slowly_stops_the_client():
    asgi = await begun(None, "Transfer-Encoding: chunked", method="POST", body=None)
    sink = asgi.sent[0].exchange.sink
    sink.pause_body()
    asgi.give(piece(b"1"), piece(b"2"), piece(b"3"))
    await settle()
    assert (asgi.sent[0].body, asgi.incoming.qsize()) == (b"1", 2)
    sink.resume_body()
    await settle()
    assert asgi.sent[0].body == b"123"


async def test_a_body_that_is_too_large():
    asgi = await begun(
        FakeGateway(service(max_body=5)), "Transfer-Encoding: chunked", method="POST", body=None
    )
    asgi.give(piece(b"1234"), piece(b"56"))
    await asgi.finished()
    assert (kind_of(asgi), asgi.sent[0].aborted, asgi.gateway.target().breaker.failures) == (
        (413, "body-too-large"),
        True,
        0,
    )


async def test_a_body_that_is_too_large_while_it_is_answered_breaks_the_answer_off():
    asgi = await begun(
        FakeGateway(service(max_body=5)), "Transfer-Encoding: chunked", method="POST", body=None
    )
    asgi.sent[0].answer(OK + CHUNKED, b"so far", complete=False)
    asgi.give(piece(b"123456"))
    with pytest.raises(ConnectionAbortedError):
        await asgi.finished()
    assert [message.get("status") for message in asgi.messages].count(None) == len(asgi.messages) - 1


async def test_an_answer_before_the_body_is_whole():
    asgi = await begun(None, "Transfer-Encoding: chunked", method="POST", body=None)
    asgi.give(piece(b"half"))
    await settle()
    asgi.sent[0].answer(b"HTTP/1.1 413 Too large\r\n" + LENGTH, b"body")
    await asgi.finished()
    assert asgi.answer()[0] == 413


# Failures


async def test_another_target_is_tried_without_a_word():
    gateway = FakeGateway(service("shop", "http://a:1", "http://b:1"))
    asgi = await begun(gateway)
    asgi.sent[0].fail(CLOSED)
    await settle()
    (second,) = gateway.sent(at=1)
    second.answer(OK + LENGTH, b"body")
    await asgi.finished()
    assert (asgi.answer()[0], gateway.log.records[0].attempts) == (200, 2)


async def test_a_failure_before_the_answer_is_a_problem_document():
    asgi = await begun(method="POST")
    asgi.sent[0].fail(CLOSED)
    await asgi.finished()
    assert (kind_of(asgi), asgi.gateway.target().breaker.failures) == ((502, "upstream-closed"), 1)


async def test_an_answer_that_breaks_off_is_never_silently_short():
    asgi = await begun()
    asgi.sent[0].answer(OK + CHUNKED, b"so far", complete=False)
    asgi.sent[0].fail(CLOSED, answered=True)
    with pytest.raises(ConnectionAbortedError):
        await asgi.finished()
    assert asgi.messages[-1]["more_body"]
    (record,) = asgi.gateway.log.records
    assert (record.status, record.error, asgi.gateway.target().breaker.failures) == (200, "UpstreamClosed", 1)


# The client leaves


@pytest.mark.parametrize("answered", [False, True])
async def test_a_client_that_leaves_takes_its_request_with_it(answered):
    asgi = await begun()
    if answered:
        asgi.sent[0].answer(OK + CHUNKED, b"so far", complete=False)
        await settle()
    asgi.leave()
    await asgi.finished()
    (record,) = asgi.gateway.log.records
    assert (record.status, record.error) == (200 if answered else 0, "ClientClosed")
    assert (
        asgi.sent[0].aborted,
        asgi.gateway.target().in_flight,
        asgi.gateway.target().breaker.failures,
    ) == (True, 0, 0)


async def test_a_client_that_leaves_while_a_message_is_sent():
    asgi = await begun()

    async def leaves_meanwhile(message: dict[str, Any]) -> None:
        asgi.leave()
        await settle()

    asgi.sending = leaves_meanwhile
    asgi.sent[0].answer(OK + CHUNKED, b"so far", complete=False)
    for _ in range(5):
        await settle()
    assert asgi.task.done()
    assert asgi.sent[0].aborted


async def test_an_application_that_is_cancelled_settles():
    asgi = await begun()
    asgi.task.cancel()
    await asyncio.gather(asgi.task, return_exceptions=True)
    assert (asgi.sent[0].aborted, asgi.gateway.target().in_flight) == (True, 0)


# Flow control and times


async def test_a_client_that_reads_slowly_stops_the_service():
    asgi = await begun()
    reads = asyncio.Event()
    asgi.sending = lambda message: reads.wait()
    asgi.sent[0].answer(OK + CHUNKED, complete=False)
    for _ in range(MOST_QUEUED + 2):
        assert not asgi.sent[0].paused
        asgi.sent[0].more(b"x")
        await settle()
        if asgi.sent[0].paused:
            break
    assert asgi.sent[0].paused
    reads.set()
    await settle()
    assert not asgi.sent[0].paused
    asgi.sent[0].more(complete=True)
    await asgi.finished()


async def test_the_time_of_a_slow_client_is_not_the_services():
    asgi = await begun(FakeGateway(service(timeouts=Timeouts(idle=10.0))))
    reads = asyncio.Event()
    asgi.sending = lambda message: reads.wait()
    asgi.sent[0].answer(OK + CHUNKED, complete=False)
    for _ in range(MOST_QUEUED + 2):
        asgi.sent[0].more(b"x")
    assert asgi.sent[0].paused
    asgi.gateway.clock.tick(60)
    reads.set()
    await settle()
    await settle()
    assert not asgi.task.done()
    asgi.sent[0].more(b"y", complete=True)
    await asgi.finished()


async def test_a_client_that_reads_nothing_is_given_up_and_it_is_its_own_fault():
    asgi = await begun(FakeGateway(service(timeouts=Timeouts(idle=0.001))))
    asgi.sending = lambda message: asyncio.Event().wait()
    asgi.sent[0].answer(OK + CHUNKED, b"so far", complete=False)
    with pytest.raises(ConnectionAbortedError):
        await asgi.finished()
    (record,) = asgi.gateway.log.records
    assert (record.error, asgi.sent[0].aborted, asgi.gateway.target().breaker.failures) == (
        "ClientTooSlow",
        True,
        0,
    )


async def times_out(asgi: Asgi, seconds: float) -> None:
    """Let the clock run and the exchange look at it."""
    asgi.gateway.clock.tick(seconds)
    asgi.sent[0].exchange.sink._news.set()
    await settle()
    await settle()


OVERDUE = [
    (True, False, (504, "upstream-timeout"), 1),
    (False, False, (408, "request-timeout"), 0),
    (False, True, (504, "upstream-timeout"), 1),
]


@pytest.mark.parametrize(("body_whole", "service_slow", "expected", "failures"), OVERDUE)
async def test_whose_time_is_over(body_whole, service_slow, expected, failures):
    asgi = await begun(FakeGateway(), "Transfer-Encoding: chunked", method="POST", body=None)
    if service_slow:
        asgi.sent[0].exchange.sink.pause_body()
    asgi.give(piece(b"x", more=not body_whole))
    await settle()
    await times_out(asgi, 31)
    await asgi.finished()
    assert (kind_of(asgi), asgi.gateway.target().breaker.failures) == (expected, failures)


async def test_an_answer_that_stops_coming_is_broken_off():
    asgi = await begun(FakeGateway(service(timeouts=Timeouts(idle=10.0))))
    asgi.sent[0].answer(OK + CHUNKED, b"so far", complete=False)
    await settle()
    await times_out(asgi, 11)
    with pytest.raises(ConnectionAbortedError):
        await asgi.finished()
    assert asgi.gateway.log.records[0].error == "UpstreamTimeout"


async def test_an_event_stream_may_be_silent():
    asgi = await begun(FakeGateway(service(timeouts=Timeouts(idle=10.0))))
    asgi.sent[0].answer(OK + b"Content-Type: text/event-stream\r\n" + CHUNKED, b"data: 1\n\n", complete=False)
    await settle()
    await times_out(asgi, 10_000)
    assert not asgi.task.done()
    asgi.sent[0].more(complete=True)
    await asgi.finished()
