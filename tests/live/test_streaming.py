"""Streams: what a service sends is passed on when it comes, piece by piece, for as long as it comes."""

from __future__ import annotations

import asyncio

import pytest

from tests.live.harness.gateway import head, request
from tests.live.harness.rig import running_rig
from tests.live.harness.wire import PATIENCE

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module", params=["protocol", "asgi"])
async def shared(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    faults = request.param == "asgi"  # an ASGI server logs an answer that breaks off as an error
    policies = {"crm": {}, "brief": {"timeouts": {"idle": 0.5}}}
    async with running_rig(folder, policies, entry=request.param, faults=faults) as rig:
        yield rig


@pytest.fixture
def rig(shared):
    shared.upstream.reset()
    return shared


async def started(rig, path: str = "/crm/events", *lines: str):
    """A client whose request is on its way."""
    client = await rig.gateway.connect()
    await client.send(head(request("GET", path, None, *lines)))
    return client


async def test_events_pass_one_by_one(rig):
    """Each is read by the client before the service sends the next one."""
    heard = asyncio.Event()

    async def tells(arrival):
        await arrival.peer.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for number in range(10):
            event = b"data: %d\n\n" % number
            await arrival.peer.send(b"%x\r\n%b\r\n" % (len(event), event))
            await asyncio.wait_for(heard.wait(), PATIENCE)
            heard.clear()
        await arrival.peer.send(b"0\r\n\r\n")

    rig.upstream.reset(tells)
    client = await started(rig)
    assert b"text/event-stream" in await client.head()
    for number in range(10):
        event = b"data: %d\n\n" % number
        assert await client.reader.readuntil(b"\r\n") == b"%x\r\n" % len(event)
        assert await client.reader.readexactly(len(event) + 2) == event + b"\r\n"
        heard.set()
    assert await client.reader.readuntil(b"\r\n\r\n") == b"0\r\n\r\n"
    client.close()


async def test_the_head_passes_before_any_body(rig):
    seen = asyncio.Event()

    async def waits(arrival):
        await arrival.peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
        await asyncio.wait_for(seen.wait(), PATIENCE)
        await arrival.peer.send(b"ok")

    rig.upstream.reset(waits)
    client = await started(rig)
    await client.head()
    seen.set()
    assert await client.reader.readexactly(2) == b"ok"
    client.close()


async def test_an_event_stream_may_be_silent_for_long(rig):
    """Longer than the service's idle time, which bounds other bodies."""

    async def keeps_silent(arrival):
        await arrival.peer.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream;charset=utf-8\r\n\r\ndata: 1\n\n"
        )
        await asyncio.sleep(0.9)
        await arrival.peer.send(b"data: 2\n\n")
        arrival.peer.close()

    rig.upstream.reset(keeps_silent)
    client = await started(rig, "/brief/events")
    answer = await client.response()
    client.close()
    assert answer.body == b"data: 1\n\ndata: 2\n\n"


async def test_another_body_may_not(rig):
    async def keeps_silent(arrival):
        await arrival.peer.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\nhello"
        )
        await arrival.peer.rest()

    rig.upstream.reset(keeps_silent)
    client = await started(rig, "/brief/text")
    assert (await client.rest()).endswith(b"hello")
    client.close()


async def test_a_client_that_leaves_a_stream_is_told_to_the_service(rig):
    async def tells(arrival):
        await arrival.peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        assert await arrival.peer.ended()
        left.set()

    left = asyncio.Event()
    rig.upstream.reset(tells)
    client = await started(rig)
    await client.head()
    client.close()
    await asyncio.wait_for(left.wait(), PATIENCE)


async def test_an_upload_passes_piece_by_piece(rig):
    """Each piece is read by the service before the client sends the next one."""
    heard = asyncio.Event()

    async def listens(arrival):
        for number in range(10):
            piece = b"piece %d" % number
            await arrival.peer.reader.readuntil(b"\r\n")
            assert await arrival.peer.reader.readexactly(len(piece) + 2) == piece + b"\r\n"
            heard.set()
        assert await arrival.peer.reader.readuntil(b"\r\n\r\n") == b"0\r\n\r\n"
        await arrival.peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    rig.upstream.reset(listens)
    client = await rig.gateway.connect()
    await client.send(head(request("POST", "/crm/upload", None, "Transfer-Encoding: chunked")))
    for number in range(10):
        piece = b"piece %d" % number
        await client.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        await asyncio.wait_for(heard.wait(), PATIENCE)
        heard.clear()
    await client.send(b"0\r\n\r\n")
    assert (await client.response()).status == 200
    client.close()
    assert not rig.upstream.script_errors
