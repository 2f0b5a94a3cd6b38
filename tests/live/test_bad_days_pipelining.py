"""Pipelined requests: answered in the order in which they came, whoever answers them."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.live.harness.gateway import head, request
from tests.live.harness.rig import running_rig

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
async def shared(tmp_path_factory):
    policies = {"crm": {}, "away": {"roles": ["super_admin"]}}
    async with running_rig(tmp_path_factory.mktemp("pipelining"), policies, KEEP_ALIVE_TIMEOUT="5") as rig:
        yield rig


@pytest.fixture
def rig(shared):
    shared.upstream.reset(tells_its_target)
    return shared


async def tells_its_target(arrival):
    """Answers after a while that is shorter the later the request came."""
    await arrival.read_body()
    await asyncio.sleep(0.02 if "slow" in arrival.target else 0)
    body = json.dumps([arrival.target, arrival.body.decode()]).encode()
    await arrival.peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


def post(path: str, body: bytes, line: str | None = None) -> bytes:
    return head(request("POST", path, line, f"Content-Length: {len(body)}")) + body


def chunked(path: str, *pieces: bytes, line: str | None = None) -> bytes:
    framed = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return head(request("POST", path, line, "Transfer-Encoding: chunked")) + framed + b"0\r\n\r\n"


async def answers(rig, *requests: bytes) -> list[object]:
    """Each request's answer: its body as JSON of a service, the status of others."""
    client = await rig.gateway.connect()
    await client.send(b"".join(requests))
    got: list[object] = []
    for text in requests:
        answer = await client.response(text.partition(b" ")[0].decode())
        own = answer.status != 200 or text.startswith((b"GET /health", b"HEAD"))
        got.append(answer.status if own else tuple(answer.json()))
    client.close()
    return got


async def test_answers_come_in_order(rig):
    get = [head(request("GET", f"/crm/{'slow' if n % 3 == 0 else 'quick'}/{n}")) for n in range(20)]
    expected = [(f"/{'slow' if n % 3 == 0 else 'quick'}/{n}", "") for n in range(20)]
    assert await answers(rig, *get) == expected
    assert [arrival.target for arrival in rig.upstream.arrivals] == [target for target, _ in expected]


async def test_services_and_own_paths_by_turns(rig):
    live = head(request("GET", "/health/live", ""))
    got = await answers(
        rig,
        head(request("GET", "/crm/slow/1")),
        live,
        post("/crm/2", b"two"),
        live,
        head(request("GET", "/nowhere/x")),
        head(request("GET", "/crm/3", "")),
        live,
        chunked("/crm/4", b"fo", b"ur"),
        head(request("GET", "/away/x")),
        head(request("HEAD", "/crm/5")),
        live,
        head(request("GET", "/crm/slow/6")),
    )
    assert got == [
        ("/slow/1", ""),
        200,
        ("/2", "two"),
        200,
        404,
        401,
        200,
        ("/4", "four"),
        403,
        200,
        200,
        ("/slow/6", ""),
    ]


async def test_own_paths_with_bodies(rig):
    """They are not read by the application, and are not taken for the next request."""
    inner = head(request("GET", "/crm/smuggled"))
    got = await answers(
        rig,
        post("/health", inner, ""),
        head(request("GET", "/crm/1")),
        chunked("/health", b"abc", inner, line=""),
        head(request("GET", "/crm/2")),
        post("/api/v1/nothing", b"x" * 100_000, ""),
        head(request("GET", "/crm/3")),
        head(request("GET", "/health/live", "")),
        post("/metrics", b"", ""),
        head(request("GET", "/crm/4")),
    )
    assert got == [405, ("/1", ""), 405, ("/2", ""), 404, ("/3", ""), 200, 405, ("/4", "")]


async def test_bodies_that_look_like_requests(rig):
    inner = head(request("GET", "/crm/smuggled")).decode()
    got = await answers(
        rig, post("/crm/1", inner.encode()), chunked("/crm/2", inner.encode()), head(request("GET", "/crm/3"))
    )
    assert got == [("/1", inner), ("/2", inner), ("/3", "")]


async def test_a_thousand_at_once(rig):
    """More than is read ahead: the rest waits in the client."""
    texts = [
        head(request("GET", f"/crm/{n}" if n % 5 else "/health/live", None, f"X-Pad: {'p' * 200}"))
        for n in range(1000)
    ]
    client = await rig.gateway.connect()
    sending = asyncio.create_task(client.send(b"".join(texts)))
    for number in range(1000):
        answer = await client.response()
        assert answer.status == 200
        if number % 5:
            assert answer.json()[0] == f"/{number}"
    await sending
    client.close()


async def test_a_request_that_closes_is_the_last(rig):
    client = await rig.gateway.connect()
    last = head(request("GET", "/crm/1", None, "Connection: close"))
    await client.send(last + head(request("GET", "/crm/2")))
    answer = await client.response()
    assert answer.get("connection") == "close"
    assert await client.ended()
    client.close()
    assert [arrival.target for arrival in rig.upstream.arrivals] == ["/1"]


async def test_an_own_request_that_closes_is_the_last(rig):
    client = await rig.gateway.connect()
    last = head(request("GET", "/health/live", "", "Connection: close"))
    await client.send(last + head(request("GET", "/crm/2")))
    answer = await client.response()
    assert (answer.status, answer.get("connection")) == (200, "close")
    assert await client.ended()
    client.close()
    assert not rig.upstream.arrivals


async def test_one_connection_through_all_of_it_byte_by_byte(rig):
    data = (
        head(request("GET", "/health/live", ""))
        + chunked("/crm/1", b"a", b"bc")
        + post("/health", b"abc", "")
        + post("/crm/2", b"xyz")
    )
    client = await rig.gateway.connect()
    for at in range(0, len(data), 5):
        await client.send(data[at : at + 5])
        await asyncio.sleep(0)
    assert [(await client.response()).status for _ in range(4)] == [200, 200, 405, 200]
    client.close()
    assert [arrival.body for arrival in rig.upstream.arrivals] == [b"abc", b"xyz"]


async def test_what_an_empty_line_precedes(rig):
    """RFC 9112 section 2.2: a client that sends a CRLF behind a body is forgiven."""
    client = await rig.gateway.connect()
    await client.send(post("/crm/1", b"abc") + b"\r\n" + head(request("GET", "/crm/2")))
    assert [(await client.response()).status for _ in range(2)] == [200, 200]
    await client.send(b"\r")
    await asyncio.sleep(0.02)
    await client.send(b"\n" + head(request("GET", "/crm/3")))
    assert (await client.response()).status == 200
    client.close()
