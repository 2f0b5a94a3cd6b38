"""The client's side of an exchange: framing, failures and flow control."""

from __future__ import annotations

import json

import pytest

from brain_gateway.domain import errors
from brain_gateway.domain.resilience.retry import RetryPolicy
from brain_gateway.domain.routing.service_route import CorsPolicy, Timeouts
from tests.builders.edge import Edge
from tests.builders.gateway import TOKEN, FakeGateway, service
from tests.builders.requests import wire

pytestmark = pytest.mark.anyio
GET = wire("GET /shop/items HTTP/1.1", TOKEN)
OK = b"HTTP/1.1 200 OK\r\n"
EVENTS = OK + b"Content-Type: text/event-stream\r\nTransfer-Encoding: chunked"
UNREACHABLE = errors.UpstreamUnreachable("no connection to the service")
CLOSED = errors.UpstreamClosed("the service closed the connection")


def begun(gateway: FakeGateway | None = None, data: bytes = GET) -> Edge:
    """A request that a service is to answer."""
    edge = Edge(gateway, answering=None)
    edge.receive(data)
    return edge


# Framing: what the client sent, what the service answers, and how it comes to the client

ONE_0 = "GET /shop HTTP/1.0"
ONE_1 = "GET /shop HTTP/1.1"
LENGTH, CHUNKED, UNTIL_CLOSE = b"Content-Length: 2", b"Transfer-Encoding: chunked", b"X: y"
FRAMINGS = [
    (ONE_1, (), LENGTH, {"content-length": "2"}, True),
    (ONE_1, ("Connection: close",), LENGTH, {"content-length": "2", "connection": "close"}, False),
    (ONE_1, (), CHUNKED, {"transfer-encoding": "chunked"}, True),
    (ONE_1, (), UNTIL_CLOSE, {"transfer-encoding": "chunked"}, True),
    (ONE_1, ("Connection: close",), CHUNKED, {"transfer-encoding": "chunked", "connection": "close"}, False),
    (ONE_0, (), LENGTH, {"content-length": "2", "connection": "close"}, False),
    (ONE_0, ("Connection: keep-alive",), LENGTH, {"content-length": "2", "connection": "keep-alive"}, True),
    (ONE_0, ("Connection: keep-alive",), CHUNKED, {"connection": "close"}, False),
    (ONE_0, (), UNTIL_CLOSE, {"connection": "close"}, False),
]


@pytest.mark.parametrize(("first", "fields", "answered", "framing", "goes_on"), FRAMINGS)
@pytest.mark.parametrize("at_once", [True, False])
async def test_how_an_answer_ends_and_whether_the_connection_goes_on(
    first, fields, answered, framing, goes_on, at_once
):
    edge = begun(data=wire(first, TOKEN, *fields))
    if at_once:
        edge.sent[0].answer(OK + answered, b"h", b"i")
    else:
        edge.sent[0].answer(OK + answered, complete=False)
        edge.sent[0].more(b"h")
        edge.sent[0].more(b"i", complete=True)
    (answer,) = edge.answers()
    shown = {
        name: value
        for name, value in answer.headers
        if name in ("content-length", "transfer-encoding", "connection")
    }
    assert (shown, answer.body, answer.whole, edge.ended) == (framing, b"hi", True, not goes_on)
    assert edge.gateway.target().in_flight == 0


BODILESS = [
    ("HEAD", OK + LENGTH),
    ("HEAD", OK + CHUNKED),
    ("HEAD", OK + UNTIL_CLOSE),
    ("GET", b"HTTP/1.1 204 No Content"),
    ("GET", b"HTTP/1.1 304 Not Modified\r\n" + LENGTH),
]


@pytest.mark.parametrize(("method", "answered"), BODILESS)
async def test_answers_without_bodies(method, answered):
    edge = begun(data=wire(f"{method} /shop HTTP/1.1", TOKEN))
    edge.sent[0].answer(answered)
    written = edge.transport.take()
    assert written.endswith(b"\r\n\r\n")
    assert written.count(b"\r\n\r\n") == 1
    assert (b"Transfer-Encoding" in written, edge.ended) == (False, False)


async def test_nothing_that_is_empty_ends_a_chunked_body():
    edge = begun()
    edge.sent[0].answer(OK + CHUNKED, b"", complete=False)
    edge.sent[0].more(b"a", b"")
    edge.sent[0].more(b"")
    edge.sent[0].more(b"b", complete=True)
    assert [answer.body for answer in edge.answers()] == [b"ab"]


async def test_each_answer_is_framed_for_itself():
    edge = Edge(answering=None)
    for number, answered in enumerate((CHUNKED, LENGTH, CHUNKED, LENGTH)):
        edge.receive(GET)
        edge.sent[number].answer(OK + answered, b"hi")
    assert [answer.body for answer in edge.answers()] == [b"hi"] * 4


# Interim answers


@pytest.mark.parametrize(("version", "passed"), [("1.1", [103, 100, 200]), ("1.0", [200])])
async def test_interim_answers_are_for_those_who_know_of_them(version, passed):
    edge = begun(data=wire(f"GET /shop HTTP/{version}", TOKEN))
    edge.sent[0].interim(b"HTTP/1.1 103 Early Hints\r\nLink: </a>")
    edge.sent[0].interim(b"HTTP/1.1 100 Continue")
    edge.sent[0].answer(OK + LENGTH, b"hi")
    assert [answer.status for answer in edge.answers()] == passed


# Failures

FAILURES = [
    (UNREACHABLE, 503, "upstream-unreachable", {"retry-after": "1"}),
    (CLOSED, 502, "upstream-closed", {}),
    (errors.UpstreamProtocolError(), 502, "upstream-protocol-error", {}),
    (errors.UpstreamTimeout(), 504, "upstream-timeout", {}),
]


@pytest.mark.parametrize(("error", "status", "kind", "headers"), FAILURES)
async def test_a_service_that_fails_before_it_answers(error, status, kind, headers):
    edge = begun(
        FakeGateway(service(retry=RetryPolicy(attempts=1))),
        wire("GET /shop HTTP/1.1", TOKEN, "X-Request-ID: r-1"),
    )
    edge.sent[0].fail(error)
    (answer,) = edge.answers()
    document = json.loads(answer.body)
    assert (
        answer.status,
        document["type"].rpartition(":")[2],
        document["request_id"],
        answer["x-request-id"],
    ) == (status, kind, "r-1", "r-1")
    assert {name: value for name, value in answer.headers if name == "retry-after"} == headers
    assert (edge.ended, edge.gateway.target().in_flight, edge.gateway.target().breaker.failures) == (
        False,
        0,
        1,
    )
    (record,) = edge.gateway.log.records
    assert (record.status, record.error) == (status, type(error).__name__)


async def test_another_target_is_tried_without_a_word():
    edge = begun(FakeGateway(service("shop", "http://a:1", "http://b:1")))
    edge.sent[0].fail(CLOSED)
    assert edge.transport.written == b""
    (second,) = edge.gateway.sent(at=1)
    second.answer(OK + LENGTH, b"hi")
    assert [answer.body for answer in edge.answers()] == [b"hi"]
    assert [record.attempts for record in edge.gateway.log.records] == [2]


async def test_a_body_goes_to_another_target_from_its_beginning():
    edge = begun(
        FakeGateway(service("shop", "http://a:1", "http://b:1")),
        wire("PUT /shop HTTP/1.1", TOKEN, "Content-Length: 4", body=b"ab"),
    )
    edge.protocol.pause_body()
    edge.sent[0].fail(CLOSED)
    (second,) = edge.gateway.sent(at=1)
    assert (second.body, edge.transport.reading) == (b"ab", True)
    edge.receive(b"cd")
    assert (second.body, second.body_complete) == (b"abcd", True)


@pytest.mark.parametrize("answered", [LENGTH.replace(b"2", b"9"), CHUNKED, UNTIL_CLOSE])
async def test_an_answer_that_breaks_off_is_never_silently_short(answered):
    edge = begun()
    edge.sent[0].answer(OK + answered, b"so far", complete=False)
    edge.sent[0].fail(CLOSED, answered=True)
    assert edge.transport.aborted
    (answer,) = edge.answers()
    assert (answer.status, answer.whole) == (200, False)
    edge.transport.lose()
    (record,) = edge.gateway.log.records
    assert (
        record.status,
        record.error,
        edge.gateway.target().in_flight,
        edge.gateway.target().breaker.failures,
    ) == (200, "UpstreamClosed", 0, 1)


async def test_a_failure_after_the_client_left_is_nobodys():
    edge = begun()
    edge.transport.lose()
    edge.protocol.on_failure(CLOSED, False)
    assert len(edge.gateway.log.records) == 1


async def test_refusals_of_a_service_with_a_policy_may_be_read_by_scripts():
    edge = begun(
        FakeGateway(service(cors=CorsPolicy(origins=("https://app.example",)))),
        wire("GET /shop HTTP/1.1", "Origin: https://app.example"),
    )
    (answer,) = edge.answers()
    assert (answer.status, answer["access-control-allow-origin"]) == (401, "https://app.example")


async def test_preflights_are_answered_and_the_connection_goes_on():
    edge = Edge(FakeGateway(service(cors=CorsPolicy(origins=("https://app.example",)))))
    for origin, status in (("https://app.example", 204), ("https://evil.example", 403)):
        preflight = wire("OPTIONS /shop HTTP/1.1", f"Origin: {origin}", "Access-Control-Request-Method: PUT")
        (answer,) = await edge.ask(preflight)
        assert (answer.status, answer.whole, edge.ended) == (status, True, False)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_refusal_of_a_head_has_no_body(method):
    edge = Edge()
    edge.receive(wire(f"{method} /shop HTTP/1.1"))
    head, _, body = edge.transport.take().partition(b"\r\n\r\n")
    assert b"Content-Length: " in head
    assert (body == b"") is (method == "HEAD")


# Flow control


async def test_a_client_that_reads_slowly_stops_the_service():
    edge = begun()
    edge.transport.high_water = 1000
    edge.sent[0].answer(OK + CHUNKED, b"a" * 500, complete=False)
    assert not edge.sent[0].paused
    edge.sent[0].more(b"a" * 500)
    assert edge.sent[0].paused
    edge.transport.drain()
    assert not edge.sent[0].paused


async def test_a_client_that_has_not_read_its_last_answer_is_not_sent_another():
    edge = begun()
    edge.transport.high_water = 100
    edge.sent[0].answer(OK + b"Content-Length: 500", b"a" * 500)
    edge.receive(GET)
    if len(edge.sent) == 2:
        edge.sent[1].answer(OK + CHUNKED, b"b", complete=False)
        assert edge.sent[1].paused
    edge.transport.drain()
    assert len(edge.sent) == 2


async def test_a_client_that_stopped_reading_before_the_answer_came():
    edge = Edge(answering=None)
    edge.gateway.pool().connects = False
    edge.receive(GET)
    edge.protocol.pause_writing()
    edge.sent[0].connect()
    edge.sent[0].answer(OK + CHUNKED, b"a", complete=False)
    assert edge.sent[0].paused
    edge.protocol.resume_writing()
    assert not edge.sent[0].paused


async def test_bytes_in_time_keep_an_answer_alive():
    edge = begun(FakeGateway(service(timeouts=Timeouts(idle=10.0, response=5.0))))
    edge.sent[0].answer(OK + CHUNKED, b"a", complete=False)
    for _ in range(5):
        await edge.pass_time(9)
        edge.sent[0].more(b"b")
    await edge.pass_time(11)
    assert edge.transport.aborted
    (record,) = edge.gateway.log.records
    assert (record.error, edge.gateway.target().breaker.failures) == ("UpstreamTimeout", 1)


async def test_a_deadline_ends_an_answer_however_lively():
    edge = begun(FakeGateway(service(timeouts=Timeouts(idle=10.0, total=20.0))))
    edge.sent[0].answer(OK + CHUNKED, b"a", complete=False)
    for _ in range(4):
        await edge.pass_time(6)
        if not edge.ended:
            edge.sent[0].more(b"b")
    assert edge.transport.aborted


async def test_a_client_that_reads_nothing_is_given_up_and_it_is_its_own_fault():
    edge = begun(FakeGateway(service(timeouts=Timeouts(idle=10.0))))
    edge.transport.high_water = 0
    edge.sent[0].answer(OK + CHUNKED, b"a", complete=False)
    await edge.pass_time(11)
    assert edge.transport.aborted
    (record,) = edge.gateway.log.records
    assert (record.error, edge.gateway.target().breaker.failures) == ("ClientTooSlow", 0)


async def test_the_time_of_a_slow_client_is_not_the_services():
    edge = begun(FakeGateway(service(timeouts=Timeouts(idle=10.0))))
    edge.transport.high_water = 0
    edge.sent[0].answer(OK + CHUNKED, b"a", complete=False)
    await edge.pass_time(9)
    edge.transport.drain()
    await edge.pass_time(9)
    assert not edge.ended


async def test_an_event_stream_may_be_silent_unless_it_is_the_client_that_does_not_read():
    edge = begun(FakeGateway(service(timeouts=Timeouts(idle=10.0))))
    edge.sent[0].answer(EVENTS, b"data: 1\n\n", complete=False)
    await edge.pass_time(1000)
    edge.sent[0].more(b"data: 2\n\n")
    await edge.pass_time(1000)
    edge.protocol.pause_writing()
    await edge.pass_time(9)
    edge.protocol.resume_writing()
    await edge.pass_time(1000)
    assert not edge.ended
    edge.protocol.pause_writing()
    await edge.pass_time(11)
    assert edge.ended


async def test_each_piece_of_a_stream_goes_out_as_it_comes():
    edge = begun()
    edge.sent[0].answer(EVENTS, complete=False)
    edge.transport.take()
    for event in (b"data: 1\n\n", b"data: 2\n\n"):
        edge.sent[0].more(event)
        assert edge.transport.take() == b"9\r\n" + event + b"\r\n"


async def test_pausing_when_nothing_is_under_way_does_nothing():
    edge = Edge()
    edge.protocol.pause_writing()
    edge.protocol.resume_writing()
    edge.protocol.on_tunnel(b"x")
    assert (await edge.ask(GET))[0].status == 200
