"""A client connection: heads, bodies, tunnels and times.

Answers are tested with the responder, pipelining with the client side.
"""

from __future__ import annotations

import asyncio
import json
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain_gateway.api.edge.runtime import WireLimits
from brain_gateway.application.gateway.forwarding import TrustedProxies
from brain_gateway.domain import errors
from brain_gateway.domain.resilience.circuit_breaker import BreakerPolicy
from brain_gateway.domain.routing.service_route import Timeouts
from tests.builders.edge import Edge, ok, settle
from tests.builders.gateway import TENANT, TOKEN, FakeGateway, principal, route, service
from tests.builders.pieces import cut, cuts, every_cut
from tests.builders.requests import wire

pytestmark = pytest.mark.anyio
GET = wire("GET /shop/items HTTP/1.1", TOKEN)
CHUNKED = ("Transfer-Encoding: chunked",)
CHUNKS = b"2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"


# However the bytes are cut

REQUESTS = {
    "get": GET,
    "another": wire("GET /shop/other?q=1 HTTP/1.1", TOKEN, "X-Other: 1"),
    "head": wire("HEAD /shop/items HTTP/1.1", TOKEN),
    "post": wire("POST /shop/items HTTP/1.1", TOKEN, "Content-Length: 5", body=b"hello"),
    "chunks": wire("PUT /shop/items HTTP/1.1", TOKEN, *CHUNKED, body=CHUNKS),
    "nobody": wire("GET /shop/items HTTP/1.1"),
    "nowhere": wire("GET /nothing HTTP/1.1", TOKEN),
    "options": wire("OPTIONS * HTTP/1.1"),
    "1.0": wire("GET /shop/old HTTP/1.0", TOKEN, "Connection: keep-alive"),
    "empty line": b"\r\n" + GET,
}
LAST = {
    "closing": wire("GET /shop/last HTTP/1.1", TOKEN, "Connection: close"),
    "no fields": b"GET /shop/items HTTP/1.0\r\n\r\n",
    "two lengths": wire("POST /shop HTTP/1.1", TOKEN, "Content-Length: 1", *CHUNKED),
    "folded": wire("GET /shop HTTP/1.1", TOKEN, " folded"),
    "broken line": b"GET  /shop HTTP/1.1\r\nHost: h\r\n\r\n",
    "no host": wire("GET /shop HTTP/1.1", TOKEN, host=None),
    "dots": wire("GET /shop/../x HTTP/1.1", TOKEN),
    "refused with a body": wire("POST /shop HTTP/1.1", "Content-Length: 5", body=b"hello"),
    "bare line feed": b"GET /shop HTTP/1.1\nHost: h\r\n\r\n",
    "tls": b"\x16\x03\x01\x02\x00\x01\x00",
}


async def heard(*pieces: bytes, methods: list[str], at_once: bool) -> tuple[Any, ...]:
    """What the service and the client get for these pieces; answers come in the same callback or a moment later."""

    def later(connection) -> None:
        asyncio.get_running_loop().call_soon(ok, connection)

    edge = Edge() if at_once else Edge(answering=later)
    for piece in pieces:
        edge.receive(piece)
        if not at_once:
            await settle()
    await settle()
    service_side = [(connection.head, connection.body, connection.body_complete) for connection in edge.sent]
    return service_side, [plain(answer) for answer in edge.answers(*methods)], edge.ended


def methods_of(*requests: bytes) -> list[str]:
    return [request.lstrip().split(b" ")[0].decode("latin-1") for request in requests]


def plain(answer) -> tuple[Any, ...]:
    """An answer without what depends on the moment; why bytes are no request may be seen early or late."""
    headers = sorted(
        item for item in answer.headers if item[0] not in ("date", "content-length", "x-request-id")
    )
    is_problem = answer.body and "problem" in answer["content-type"] if "content-type" in answer else False
    body = json.loads(answer.body)["type"] if is_problem else answer.body
    return answer.status, headers, body


@settings(max_examples=4 * settings.default.max_examples)
@given(st.lists(st.sampled_from(sorted(REQUESTS)), max_size=5), st.sampled_from([None, *LAST]), cuts(900))
async def test_the_same_requests_and_answers_however_the_bytes_are_cut(names, last, places):
    requests = [REQUESTS[name] for name in names]
    data, methods = b"".join(requests) + LAST.get(last, b""), methods_of(*requests)
    pieces = cut(data, places)
    whole = await heard(*([data] if data else []), methods=methods, at_once=True)
    assert await heard(*pieces, methods=methods, at_once=True) == whole
    assert await heard(*pieces, methods=methods, at_once=False) == whole
    answered = [status for status, _, _ in whole[1]]
    assert (
        answered
        == [{"nobody": 401, "nowhere": 404, "options": 204}.get(name, 200) for name in names]
        + answered[len(names) :]
    )
    assert whole[2] == (last is not None)


@pytest.mark.parametrize("name", [*REQUESTS, *LAST])
async def test_every_place_to_cut_one_request_at(name):
    data = {**REQUESTS, **LAST}[name]
    methods = methods_of(data)
    whole = await heard(data, methods=methods, at_once=True)
    for pieces in every_cut(data, most=1):
        assert await heard(*pieces, methods=methods, at_once=True) == whole


async def test_the_last_answer_to_bytes_that_are_no_request():
    expected = {
        "closing": (200, None), "no fields": (401, "credentials-missing"), "two lengths": (400,
        "malformed-request"), "folded": (400, "malformed-request"),
        "broken line": (400, "malformed-request"), "no host": (400, "malformed-request"), "dots": (400,
        "malformed-request"),
        "refused with a body": (401, "credentials-missing"), "bare line feed": (400, "malformed-request"),
        "tls": (400, "malformed-request"),
    }  # fmt: skip
    for name, (status, kind) in expected.items():
        edge = Edge()
        (answer,) = await edge.ask(LAST[name])
        assert (answer.status, answer["connection"], edge.transport.eof_written) == (status, "close", True), (
            name
        )
        assert kind is None or json.loads(answer.body)["type"].endswith(":" + kind)
        assert edge.sent == [] or name == "closing"
        assert await edge.ask(GET) == []  # what comes behind is thrown away


# Sizes

SIZES = [
    (wire("GET /shop/" + "a" * 60 + " HTTP/1.1", TOKEN, "X-Long: " + "b" * 300), 431, "headers-too-large"),
    (b"GET /shop HTTP/1.1\r\nX-Long: " + b"b" * 400, 431, "headers-too-large"),
    (wire("GET /shop HTTP/1.1", TOKEN, *["A: b"] * 120), 431, "headers-too-large"),
    (wire("GET /shop/" + "a" * 17_000 + " HTTP/1.1", TOKEN), 414, "target-too-long"),
]


@pytest.mark.parametrize(
    ("data", "status", "kind"), SIZES, ids=["long head", "endless head", "many fields", "long target"]
)
async def test_heads_are_bounded(data, status, kind):
    most = 300 if len(data) < 500 else 65536
    for pieces in ([data], cut(data, range(0, len(data), 250))):
        edge = Edge(FakeGateway(wire_limits=WireLimits(header_bytes=most)))
        (answer,) = await edge.ask(*pieces)
        assert (answer.status, json.loads(answer.body)["type"].rpartition(":")[2], edge.ended, edge.sent) == (
            status,
            kind,
            True,
            [],
        )


async def test_a_head_at_its_longest_passes_however_it_is_cut():
    for pieces in every_cut(GET, most=1):
        edge = Edge(FakeGateway(wire_limits=WireLimits(header_bytes=len(GET) - 4)))
        assert [answer.status for answer in await edge.ask(*pieces)] == [200]


# Bodies


async def test_a_body_is_passed_on_as_it_comes():
    edge = Edge(answering=None)
    edge.receive(wire("POST /shop HTTP/1.1", TOKEN, "Content-Length: 6", body=b"ab"))
    (connection,) = edge.sent
    assert (connection.body, connection.body_complete) == (b"ab", False)
    edge.receive(b"cd")
    assert (connection.body, connection.body_complete) == (b"abcd", False)
    edge.receive(b"ef" + GET)
    assert (connection.body, connection.body_complete) == (b"abcdef", True)
    assert len(edge.sent) == 1


async def test_a_body_waits_for_its_connection_and_the_client_for_both():
    edge = Edge(FakeGateway(wire_limits=WireLimits(most_pending=10)), answering=None)
    edge.gateway.pool().connects = False
    edge.receive(wire("POST /shop HTTP/1.1", TOKEN, *CHUNKED, body=b"5\r\nabcde\r\n"))
    assert edge.transport.reading
    edge.receive(b"6\r\nfghijk\r\n")
    assert not edge.transport.reading  # enough is held
    edge.sent[0].connect()
    assert edge.transport.reading
    assert edge.sent[0].body == b"abcdefghijk"


async def test_a_service_that_reads_slowly_stops_the_client():
    edge = Edge(answering=None)
    edge.receive(wire("POST /shop HTTP/1.1", TOKEN, *CHUNKED))
    edge.protocol.pause_body()
    assert not edge.transport.reading
    edge.protocol.resume_body()
    assert edge.transport.reading


BROKEN_BODIES = [
    (b"xyz\r\n", 400, "malformed-request"),
    (b"2\r\nabc\r\n", 400, "malformed-request"),
    (b"6\r\nabcdef\r\n5\r\nghijk\r\n", 413, "body-too-large"),
]


@pytest.mark.parametrize(("data", "status", "kind"), BROKEN_BODIES)
@pytest.mark.parametrize("later", [False, True])
async def test_a_body_that_is_wrong_ends_the_request(data, status, kind, later):
    edge = Edge(FakeGateway(service(max_body=10)), answering=None)
    start = wire("POST /shop HTTP/1.1", TOKEN, *CHUNKED)
    (answer,) = await edge.ask(start, data) if later else await edge.ask(start + data)
    assert (answer.status, json.loads(answer.body)["type"].rpartition(":")[2], answer["connection"]) == (
        status,
        kind,
        "close",
    )
    assert [connection.aborted for connection in edge.sent] == [True] * later
    assert (edge.gateway.target().in_flight, edge.gateway.target().breaker.failures, edge.ended) == (
        0,
        0,
        True,
    )


@pytest.mark.parametrize("data", [data for data, _, _ in BROKEN_BODIES])
async def test_a_body_that_turns_wrong_while_it_is_answered_breaks_the_answer_off(data):
    edge = Edge(FakeGateway(service(max_body=10)), answering=None)
    edge.receive(wire("POST /shop HTTP/1.1", TOKEN, *CHUNKED))
    edge.sent[0].answer(b"HTTP/1.1 200 OK\r\nContent-Length: 100", b"so far", complete=False)
    edge.receive(data)
    assert edge.transport.aborted
    assert edge.sent[0].aborted
    (answer,) = edge.answers()
    assert (answer.status, answer.body, answer.whole) == (200, b"so far", False)
    edge.transport.lose()
    assert edge.gateway.target().in_flight == 0


async def test_an_answer_before_the_body_is_whole_is_the_last():
    edge = Edge(answering=None)
    edge.receive(wire("POST /shop HTTP/1.1", TOKEN, "Content-Length: 100", body=b"half"))
    edge.sent[0].answer(b"HTTP/1.1 413 Too large\r\nContent-Length: 2", b"no")
    (answer,) = edge.answers()
    assert (answer.status, answer.body, answer["connection"], edge.ended) == (413, b"no", "close", True)
    edge.receive(b"the other half")
    assert edge.gateway.target().in_flight == 0


async def test_a_client_that_asks_first_is_told_by_the_service():
    edge = Edge(answering=None)
    edge.receive(wire("POST /shop HTTP/1.1", TOKEN, "Content-Length: 2", "Expect: 100-continue"))
    edge.sent[0].interim(b"HTTP/1.1 100 Continue")
    edge.receive(b"ok")
    edge.sent[0].answer(b"HTTP/1.1 200 OK\r\nContent-Length: 0")
    assert [answer.status for answer in edge.answers("POST")] == [100, 200]
    assert not edge.ended


# Tokens whose keys must be fetched


async def test_a_request_waits_for_the_keys_of_its_token_and_the_next_for_it():
    gateway = FakeGateway()
    gateway.tokens.arriving[b"new"] = principal()
    edge = Edge(gateway)
    first = wire("POST /shop/1 HTTP/1.1", "Authorization: Bearer new", "Content-Length: 4", body=b"body")
    edge.receive(first + GET)
    assert edge.sent == []
    await settle()
    assert gateway.tokens.resolved == [b"new"]
    assert [connection.head.split(b" ")[1] for connection in edge.sent] == [b"/api/1", b"/api/items"]
    assert edge.sent[0].body == b"body"


@pytest.mark.parametrize(("meaning", "status"), [(errors.CredentialsInvalid(), 401), (None, 503)])
async def test_a_token_whose_keys_do_not_come(meaning, status):
    gateway = FakeGateway()
    gateway.tokens.arriving[b"new"] = meaning or principal()

    async def resolve(token: bytes) -> None:
        if meaning is not None:
            gateway.tokens.tokens[token] = gateway.tokens.arriving.pop(token)

    gateway.tokens.resolve = resolve
    (answer,) = await Edge(gateway).ask(wire("GET /shop HTTP/1.1", "Authorization: Bearer new"))
    assert answer.status == status


async def test_a_client_that_leaves_while_its_keys_are_fetched():
    gateway = FakeGateway()
    gateway.tokens.arriving[b"new"] = principal()
    edge = Edge(gateway)
    edge.receive(wire("GET /shop HTTP/1.1", "Authorization: Bearer new"))
    edge.transport.lose()
    await settle()
    assert edge.sent == []


async def test_a_path_that_could_be_read_in_two_ways_is_answered():
    edge = Edge(FakeGateway(service(routes=(route("/admin"),))))
    (answer,) = await edge.ask(wire("GET /shop/admin%2f HTTP/1.1", TOKEN))
    assert answer.status == 400


# Tunnels

UPGRADE = wire("GET /shop/ws HTTP/1.1", TOKEN, "Connection: Upgrade", "Upgrade: websocket")
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x"


async def tunnel(early: bytes = b"", gateway: FakeGateway | None = None) -> Edge:
    edge = Edge(gateway, answering=None)
    edge.receive(UPGRADE + early)
    edge.sent[0].interim(SWITCH)
    return edge


@pytest.mark.parametrize("early", [b"", b"\x81\x02hi"])
async def test_bytes_pass_a_tunnel_as_they_are(early):
    edge = await tunnel(early)
    edge.receive(b"\x81\x03GET", b"\r\n\r\n")
    edge.protocol.on_tunnel(b"\x82\x01x")
    assert edge.sent[0].tunnelled == early + b"\x81\x03GET\r\n\r\n"
    (answer,) = edge.answers()
    assert (answer.status, answer["upgrade"], answer["connection"], answer.body) == (
        101,
        "websocket",
        "Upgrade",
        b"\x82\x01x",
    )
    assert edge.gateway.limits.tunnels(TENANT, "shop") == 1


@pytest.mark.parametrize("who", ["client", "service"])
async def test_a_tunnel_ends_with_either_side_and_is_logged(who):
    edge = await tunnel()
    if who == "client":
        edge.transport.lose()
        assert edge.sent[0].aborted
    else:
        edge.sent[0].fail(errors.UpstreamClosed(), answered=True)
        assert edge.ended
        edge.transport.lose()
    gateway = edge.gateway
    assert (
        gateway.target().in_flight,
        gateway.limits.tunnels(TENANT, "shop"),
        gateway.target().breaker.failures,
    ) == (0, 0, 0)
    assert [(record.status, record.error) for record in gateway.log.records] == [(101, "")]


async def test_a_tunnel_has_no_timeouts_but_closes_with_its_key():
    gateway = FakeGateway(service(timeouts=Timeouts(response=5.0, idle=5.0, total=9.0)))
    edge = await tunnel(gateway=gateway)
    await edge.pass_time(10_000)
    assert not edge.ended
    gateway.sessions.end_all(lambda known: True)
    await edge.pass_time(1)
    assert edge.ended


async def test_a_tunnel_closes_when_the_server_drains():
    edge = await tunnel()
    edge.protocol.shutdown()
    await edge.pass_time(1)
    assert edge.ended


async def test_a_slow_side_of_a_tunnel_stops_the_other():
    edge = await tunnel()
    edge.protocol.pause_writing()
    assert edge.sent[0].paused
    await edge.pass_time(1000)
    edge.protocol.resume_writing()
    assert not edge.sent[0].paused
    edge.protocol.pause_body()
    assert not edge.transport.reading


# Times


async def test_a_head_must_be_whole_in_time_however_slowly_it_comes():
    edge = Edge()
    for byte in GET[:20]:
        if edge.ended:
            break
        edge.receive(bytes([byte]))
        await edge.pass_time(0.9)
    (answer,) = edge.answers()
    assert (answer.status, edge.ended) == (408, True)
    assert edge.gateway.clock.now - 1000 <= 11.8


async def test_each_head_has_its_own_time():
    edge = Edge()
    for _ in range(4):
        edge.receive(GET[:10])
        await edge.pass_time(9)
        edge.receive(GET[10:])
    assert [answer.status for answer in edge.answers()] == [200] * 4


async def test_an_idle_connection_is_closed_without_a_word():
    edge = Edge()
    await edge.pass_time(75)
    assert not edge.ended
    await edge.pass_time(1)
    assert (edge.transport.closed, edge.transport.written) == (True, b"")


@pytest.mark.parametrize("data", [GET, wire("GET /shop HTTP/1.1")], ids=["answered", "refused"])
async def test_idling_begins_with_the_last_answer(data):
    edge = Edge()
    await edge.pass_time(70)
    await edge.ask(data)
    await edge.pass_time(70)
    assert not edge.ended
    await edge.pass_time(6)
    assert edge.ended


WAITS = [
    (Timeouts(response=5.0), 5.5, 504, "upstream-timeout"),
    (Timeouts(response=5.0, total=3.0), 3.5, 504, "upstream-timeout"),
    (Timeouts(response=0.0, total=3.0), 3.5, 504, "upstream-timeout"),
]


@pytest.mark.parametrize(("timeouts", "seconds", "status", "kind"), WAITS)
async def test_a_service_has_its_time_to_answer(timeouts, seconds, status, kind):
    edge = Edge(FakeGateway(service(timeouts=timeouts)), answering=None)
    edge.receive(GET)
    await edge.pass_time(seconds - 1)
    assert edge.transport.written == b""
    await edge.pass_time(1)
    (answer,) = edge.answers()
    assert (answer.status, json.loads(answer.body)["type"].rpartition(":")[2]) == (status, kind)
    assert (edge.sent[0].aborted, edge.ended, edge.gateway.target().breaker.failures) == (True, False, 1)
    assert [
        answer.status for answer in await edge.ask(GET)
    ] == []  # the connection goes on; this one is under way
    assert len(edge.sent) == 2


async def test_0_means_no_timeout():
    edge = Edge(FakeGateway(service(timeouts=Timeouts(response=0.0, idle=0.0, total=0.0))), answering=None)
    edge.receive(GET)
    await edge.pass_time(10_000)
    edge.sent[0].answer(b"HTTP/1.1 200 OK\r\nContent-Length: 4", b"ab", complete=False)
    await edge.pass_time(10_000)
    edge.sent[0].more(b"cd", complete=True)
    assert [answer.body for answer in edge.answers()] == [b"abcd"]


async def test_the_time_to_answer_begins_when_the_request_is_whole():
    edge = Edge(FakeGateway(service(timeouts=Timeouts(response=5.0))), answering=None)
    edge.receive(wire("POST /shop HTTP/1.1", TOKEN, "Content-Length: 4", body=b"ab"))
    await edge.pass_time(20)
    edge.receive(b"cd")
    await edge.pass_time(4)
    assert edge.transport.written == b""
    await edge.pass_time(2)
    assert [answer.status for answer in edge.answers()] == [504]


async def test_a_body_that_stops_coming_is_the_clients_fault():
    edge = Edge(answering=None)
    edge.receive(wire("POST /shop HTTP/1.1", TOKEN, "Content-Length: 4", body=b"ab"))
    await edge.pass_time(31)
    (answer,) = edge.answers()
    assert (answer.status, edge.sent[0].aborted, edge.ended, edge.gateway.target().breaker.failures) == (
        408,
        True,
        True,
        0,
    )


async def test_a_body_that_the_service_does_not_take_is_the_services_fault():
    edge = Edge(answering=None)
    edge.receive(wire("POST /shop HTTP/1.1", TOKEN, "Content-Length: 4", body=b"ab"))
    edge.protocol.pause_body()
    await edge.pass_time(31)
    (answer,) = edge.answers()
    assert (answer.status, edge.gateway.target().breaker.failures) == (504, 1)


# Beginnings and ends


async def test_a_client_that_leaves_takes_its_request_with_it():
    edge = Edge(answering=None)
    edge.receive(GET)
    edge.transport.lose()
    gateway = edge.gateway
    assert (
        edge.sent[0].aborted,
        gateway.target().in_flight,
        edge.protocol in gateway.runtime.connections,
    ) == (True, 0, False)
    (record,) = gateway.log.records
    assert (record.status, record.error, gateway.target().breaker.failures) == (0, "ClientClosed", 0)


async def test_a_client_that_leaves_frees_the_trial_of_a_half_open_circuit():
    gateway = FakeGateway(service(breaker=BreakerPolicy(reset_timeout=10.0)))
    gateway.target().breaker.trip(gateway.clock.now)
    gateway.clock.tick(10)
    edge = Edge(gateway, answering=None)
    edge.receive(GET)
    assert gateway.target().breaker.outstanding == 1
    edge.transport.lose()
    assert gateway.target().breaker.outstanding == 0


async def test_connections_are_known_while_they_are_open_and_no_more_than_wanted():
    gateway = FakeGateway()
    gateway.runtime.most_connections = 2
    edges = [Edge(gateway) for _ in range(3)]
    assert [edge.transport.aborted for edge in edges] == [False, False, True]
    for edge in edges:
        edge.transport.lose()
    assert gateway.runtime.connections == set()


PEERS = [
    (("203.0.113.9", 40000), "203.0.113.9", False),
    (("10.0.0.7", 40000), "10.0.0.7", True),
    (("::ffff:10.0.0.7", 40000, 0, 0), "10.0.0.7", True),
    (("fe80::1%eth0", 40000, 0, 2), "fe80::1", False),
    ("", "127.0.0.1", False),
    (None, "127.0.0.1", False),
]


@pytest.mark.parametrize(("peer", "address", "trusted"), PEERS)
async def test_who_is_at_the_other_end(peer, address, trusted):
    gateway = FakeGateway(trusted=TrustedProxies((ip_network("10.0.0.0/8"),)))
    edge = Edge(gateway, peer=peer)
    await edge.ask(wire("GET /shop HTTP/1.1", TOKEN, "X-Forwarded-For: 198.51.100.1"))
    told = "198.51.100.1, " + address if trusted else address
    assert f"X-Forwarded-For: {told}\r\n".encode() in edge.sent[0].head
    assert gateway.log.records[0].client == ("198.51.100.1" if trusted else address)


@pytest.mark.parametrize(("extra", "scheme"), [({}, b"http"), ({"sslcontext": object()}, b"https")])
async def test_the_scheme_of_the_connection(extra, scheme):
    edge = Edge(**extra)
    await edge.ask(GET)
    assert b"X-Forwarded-Proto: " + scheme + b"\r\n" in edge.sent[0].head


# Draining


async def test_an_idle_connection_closes_when_the_server_drains():
    edge = Edge()
    await edge.ask(GET)
    edge.protocol.shutdown()
    assert edge.transport.closed


@pytest.mark.parametrize("begun", [False, True])
async def test_a_request_under_way_is_finished_when_the_server_drains(begun):
    edge = Edge(answering=None)
    edge.receive(GET + GET)
    if begun:
        edge.sent[0].answer(b"HTTP/1.1 200 OK\r\nContent-Length: 4", b"ab", complete=False)
    edge.gateway.runtime.draining = True
    edge.protocol.shutdown()
    assert not edge.ended
    if begun:
        edge.sent[0].more(b"cd", complete=True)
    else:
        edge.sent[0].answer(b"HTTP/1.1 200 OK\r\nContent-Length: 4", b"abcd")
    await settle()
    (answer,) = edge.answers()
    assert (answer.body, edge.ended, len(edge.sent)) == (b"abcd", True, 1)
    assert ("connection" in answer) is not begun
