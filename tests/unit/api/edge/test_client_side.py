"""Between requests: what is read ahead, in which order it is answered, and how a connection ends."""

from __future__ import annotations

import pytest

from brain_gateway.api.edge.runtime import WireLimits
from tests.builders.edge import Edge, settle
from tests.builders.gateway import TOKEN, FakeGateway
from tests.builders.requests import wire

pytestmark = pytest.mark.anyio
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2"


def get(number: int, *fields: str) -> bytes:
    return wire(f"GET /shop/{number} HTTP/1.1", TOKEN, *fields)


def asked(edge: Edge) -> list[bytes]:
    return [connection.head.split(b" ")[1] for connection in edge.sent]


async def test_pipelined_requests_are_answered_one_by_one_in_order():
    edge = Edge(answering=None)
    edge.receive(get(1) + get(2) + get(3))
    for number in (1, 2, 3):
        await settle()
        assert len(edge.sent) == number  # the next waits for the one before
        edge.sent[-1].answer(OK, b"%02d" % number)
    await settle()
    assert asked(edge) == [b"/api/1", b"/api/2", b"/api/3"]
    assert [answer.body for answer in edge.answers()] == [b"01", b"02", b"03"]


async def test_refusals_keep_their_place_among_the_answers():
    edge = Edge(answering=None)
    edge.receive(
        get(1)
        + wire("GET /shop HTTP/1.1")
        + get(2)
        + wire("GET /nothing HTTP/1.1", TOKEN)
        + wire("OPTIONS * HTTP/1.1")
    )
    await settle()
    edge.sent[0].answer(OK, b"01")
    await settle()
    edge.sent[1].answer(OK, b"02")
    await settle()
    assert [answer.status for answer in edge.answers()] == [200, 401, 200, 404, 204]


async def test_what_comes_while_an_answer_is_under_way_is_kept_up_to_a_bound():
    edge = Edge(FakeGateway(wire_limits=WireLimits(most_pending=200)), answering=None)
    edge.receive(get(1))
    edge.receive(get(2), get(3))
    assert edge.transport.reading
    edge.receive(get(4))
    assert not edge.transport.reading
    edge.sent[0].answer(OK, b"ok")
    await settle()
    assert edge.transport.reading  # what was kept is in work
    for number in (1, 2, 3):
        edge.sent[number].answer(OK, b"ok")
        await settle()
    assert asked(edge) == [b"/api/1", b"/api/2", b"/api/3", b"/api/4"]


async def test_a_head_that_is_cut_by_an_answer():
    edge = Edge(answering=None)
    edge.receive(get(1) + get(2)[:30])
    edge.sent[0].answer(OK, b"ok")
    await settle()
    edge.receive(get(2)[30:])
    assert asked(edge) == [b"/api/1", b"/api/2"]


async def test_nothing_more_is_asked_for_a_client_that_does_not_read():
    edge = Edge(answering=None)
    edge.transport.high_water = 10
    edge.receive(get(1) + get(2))
    edge.sent[0].answer(OK, b"ok")
    await settle()
    assert asked(edge) == [b"/api/1"]
    edge.transport.drain()
    await settle()
    assert asked(edge) == [b"/api/1", b"/api/2"]
    edge.sent[1].answer(OK, b"ok")
    await settle()
    assert [answer.body for answer in edge.answers()] == [b"ok", b"ok"]


async def test_a_client_that_stops_reading_between_two_answers():
    edge = Edge(answering=None)
    edge.receive(get(1) + get(2))
    edge.sent[0].answer(OK, b"ok")
    edge.protocol.pause_writing()  # before the loop comes to what is kept
    await settle()
    assert asked(edge) == [b"/api/1"]
    edge.protocol.resume_writing()
    assert asked(edge) == [b"/api/1", b"/api/2"]


async def test_a_client_that_catches_up_between_two_answers_gets_each_once():
    edge = Edge(answering=None)
    edge.receive(get(1) + get(2) + get(3))
    edge.transport.high_water = 10
    edge.sent[0].answer(OK, b"ok")
    edge.transport.drain()  # at once, before the loop comes to what is kept
    await settle()
    assert asked(edge) == [b"/api/1", b"/api/2"]


# The end


async def test_the_last_answer_arrives_before_the_connection_closes():
    edge = Edge()
    (answer,) = await edge.ask(get(1, "Connection: close"))
    assert (answer["connection"], edge.transport.eof_written, edge.transport.is_closing()) == (
        "close",
        True,
        False,
    )
    edge.receive(get(2), b"anything")
    assert len(edge.sent) == 1
    await edge.pass_time(1.9)
    assert not edge.transport.aborted
    await edge.pass_time(0.2)
    assert edge.transport.aborted


async def test_what_was_pipelined_behind_the_last_request_is_dropped():
    edge = Edge()
    answers = await edge.ask(get(1, "Connection: close") + get(2))
    assert (len(answers), len(edge.sent)) == (1, 1)


async def test_a_transport_that_cannot_half_close_is_closed(monkeypatch):
    edge = Edge()
    monkeypatch.setattr(edge.transport, "can_write_eof", lambda: False)
    await edge.ask(get(1, "Connection: close"))
    assert (edge.transport.closed, edge.transport.eof_written) == (True, False)


async def test_reading_goes_on_at_the_end_so_that_the_client_is_not_stuck():
    edge = Edge(answering=None)
    edge.receive(wire("POST /shop HTTP/1.1", TOKEN, "Content-Length: 100", body=b"half"))
    edge.protocol.pause_body()
    edge.sent[0].answer(OK, b"no")
    assert (edge.transport.reading, edge.ended) == (True, True)


async def test_an_answer_that_is_being_read_keeps_its_connection():
    edge = Edge(FakeGateway(wire_limits=WireLimits(keep_alive_timeout=75.0)))
    edge.transport.high_water = 1_000_000
    await edge.ask(get(1, "Connection: close"))
    for _ in range(20):
        edge.transport.unsent -= 1
        await edge.pass_time(5)
    assert not edge.transport.is_closing()
    edge.transport.drain()
    await edge.pass_time(3)
    assert edge.transport.aborted


@pytest.mark.parametrize("fields", [(), ("Connection: close",)])
async def test_an_answer_that_nobody_reads_is_given_up(fields):
    edge = Edge()
    edge.transport.high_water = 1_000_000
    await edge.ask(get(1, *fields))
    await edge.pass_time(1)
    assert not edge.transport.is_closing()
    await edge.pass_time(1000)
    assert edge.transport.aborted
