"""Many at once, and much at once: through one worker."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from tests.live.harness.gateway import eventually, head, request
from tests.live.harness.rig import running_rig
from tests.live.harness.upstream import OK
from tests.live.harness.wire import PATIENCE

pytestmark = pytest.mark.anyio
MIB = 1 << 20
SIZE = 64 * MIB
PIECE = hashlib.shake_256(b"piece").digest(256 * 1024)


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
async def shared(tmp_path_factory):
    async with running_rig(tmp_path_factory.mktemp("load"), {"crm": {"timeouts": {"response": 0}}}) as rig:
        yield rig


@pytest.fixture
def rig(shared):
    shared.upstream.reset()
    return shared


async def test_two_thousand_parallel_requests(rig):
    """All of them are under way at the same moment: the service answers when it has seen the last."""
    everybody = asyncio.Event()

    async def waits(arrival):
        await everybody.wait()
        await arrival.peer.send(OK)

    rig.upstream.reset(waits)
    text = head(request("GET", "/crm/x"))
    clients = []
    for _ in range(2000):
        client = await rig.gateway.connect()
        await client.send(text)
        clients.append(client)
    await eventually(lambda: len(rig.upstream.arrivals) == 2000, "the service sees all of them")
    in_flight = [
        v
        for name, v in (await rig.gateway.metrics()).items()
        if name.startswith("brain_gateway_requests_in_flight")
    ]
    assert in_flight == [2000]
    everybody.set()
    answers = await asyncio.gather(*(client.response() for client in clients))
    assert {answer.status for answer in answers} == {200}
    for client in clients:
        client.close()

    async def idle() -> bool:
        names = await rig.gateway.metrics()
        return sum(v for name, v in names.items() if name.startswith("brain_gateway_requests_in_flight")) == 0

    await eventually(idle, "nothing is in flight any more")
    assert (await rig.gateway.get("/health/live", "")).status == 200


async def digest_of(reader, size: int) -> str:
    """Read so many bytes; their digest."""
    found = hashlib.sha256()
    while size:
        piece = await asyncio.wait_for(reader.read(min(size, MIB)), PATIENCE)
        assert piece, "the body is short"
        found.update(piece)
        size -= len(piece)
    return found.hexdigest()


EXPECTED = hashlib.sha256(PIECE * (SIZE // len(PIECE))).hexdigest()


@pytest.mark.parametrize("framing", [f"Content-Length: {SIZE}", "Transfer-Encoding: chunked"])
async def test_sixty_four_mebibytes_down(rig, framing):
    async def pours(arrival):
        await arrival.peer.send(f"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n")
        for _ in range(SIZE // len(PIECE)):
            await arrival.peer.send(framed(PIECE) if "chunked" in framing else PIECE)
        if "chunked" in framing:
            await arrival.peer.send(b"0\r\n\r\n")

    rig.upstream.reset(pours)
    await rig.gateway.get("/health/live", "")
    before = rig.gateway.rss()
    client = await rig.gateway.connect()
    await client.send(head(request("GET", "/crm/x")))
    if "chunked" in framing:
        answer = await asyncio.wait_for(client.response(), PATIENCE)
        assert hashlib.sha256(answer.body).hexdigest() == EXPECTED
    else:
        await client.head()
        assert await digest_of(client.reader, SIZE) == EXPECTED
    client.close()
    assert rig.gateway.rss() - before < 16 * MIB


@pytest.mark.parametrize("framing", [f"Content-Length: {SIZE}", "Transfer-Encoding: chunked"])
async def test_sixty_four_mebibytes_up(rig, framing):
    found = []

    async def swallows(arrival):
        if "chunked" in framing:
            found.append(hashlib.sha256(await arrival.read_body()).hexdigest())
        else:
            found.append(await digest_of(arrival.peer.reader, SIZE))
        await arrival.peer.send(OK)

    rig.upstream.reset(swallows)
    before = rig.gateway.rss()
    client = await rig.gateway.connect()
    await client.send(head(request("POST", "/crm/x", None, framing)))
    for _ in range(SIZE // len(PIECE)):
        await client.send(framed(PIECE) if "chunked" in framing else PIECE)
    if "chunked" in framing:
        await client.send(b"0\r\n\r\n")
    assert (await client.response()).status == 200
    client.close()
    assert found == [EXPECTED]
    assert rig.gateway.rss() - before < 16 * MIB


def framed(piece: bytes) -> bytes:
    """One chunk."""
    return b"%x\r\n%b\r\n" % (len(piece), piece)


async def test_both_ways_at_once(rig):
    """A service that echoes while it reads: neither side waits for the other to end."""

    async def echoes(arrival):
        await arrival.peer.send(f"HTTP/1.1 200 OK\r\nContent-Length: {8 * MIB}\r\n\r\n")
        left = 8 * MIB
        while left:
            piece = await arrival.peer.reader.read(min(left, 65536))
            assert piece
            left -= len(piece)
            await arrival.peer.send(piece)

    rig.upstream.reset(echoes)
    client = await rig.gateway.connect()
    await client.send(head(request("POST", "/crm/x", None, f"Content-Length: {8 * MIB}")))

    async def pours() -> None:
        for _ in range(8 * MIB // len(PIECE)):
            await client.send(PIECE)

    pouring = asyncio.create_task(pours())
    await client.head()
    got = await digest_of(client.reader, 8 * MIB)
    await pouring
    client.close()
    assert got == hashlib.sha256(PIECE * (8 * MIB // len(PIECE))).hexdigest()
