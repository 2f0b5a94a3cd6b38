"""Requests and answers with faults that nobody has thought of: fixed seeds, thousands of mutations.

What reaches the service is read once more by another parser (h11): it must find the same requests.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re

import h11
import pytest

from tests.live.harness.credentials import bearer
from tests.live.harness.gateway import eventually, head, request
from tests.live.harness.rig import running_rig
from tests.live.harness.upstream import OK

pytestmark = pytest.mark.anyio
AT_ONCE = 20
FRAGMENTS = (
    b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b",", b";", b"/", b"..", b"%2e", b"\x80", b"\xff", b"0", b"-1",
    b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n",
    b"Connection: upgrade\r\n", b"Upgrade: websocket\r\n", b"Expect: 100-continue\r\n", b"X-Tenant-ID: x\r\n",
    b"Host: h\r\n", b"HTTP/1.0", b"0\r\n\r\n", b"\r\n\r\n",
    b"ffffffff", b"5\r\nhello\r\n", b"GET /crm/inner HTTP/1.1\r\nHost: g\r\n\r\n", b"a" * 300,
)  # fmt: skip


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
async def shared(tmp_path_factory):
    times = {"HEADER_TIMEOUT": "0.3", "BODY_TIMEOUT": "0.3", "KEEP_ALIVE_TIMEOUT": "0.3"}
    policies = {"crm": {"timeouts": {"response": 0.5, "idle": 0.5}, "retry": {"attempts": 1}}}
    async with running_rig(tmp_path_factory.mktemp("fuzz"), policies, **times) as rig:
        yield rig


@pytest.fixture
def rig(shared):
    shared.upstream.reset()
    shared.upstream.connections.clear()
    return shared


def mutated(dice: random.Random, data: bytes) -> bytes:
    """A few changes: bytes flipped, cut out, doubled, fragments put in."""
    for _ in range(dice.choice((1, 1, 2, 4))):
        at = dice.randrange(len(data) + 1)
        upto = min(len(data), at + dice.choice((1, 2, 8, 30)))
        kind = dice.randrange(5)
        if kind == 0 and at < len(data):
            data = data[:at] + bytes((dice.randrange(256),)) + data[at + 1 :]
        elif kind == 1:
            data = data[:at] + data[upto:]
        elif kind == 2:
            data = data[:upto] + data[at:upto] + data[upto:]
        else:
            data = data[:at] + dice.choice(FRAGMENTS) + data[at:]
    return data


def requests_of(stream: bytes) -> list[bytes]:
    """The targets that another parser finds in what one connection of the service got."""
    parser = h11.Connection(h11.SERVER)
    parser.receive_data(stream)
    found = []
    while True:
        event = parser.next_event()
        if isinstance(event, h11.Request):
            found.append(event.target)
        elif isinstance(event, h11.EndOfMessage):
            parser.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
            parser.send(h11.EndOfMessage())
            if parser.our_state is not h11.DONE or parser.their_state is not h11.DONE:
                return found
            parser.start_next_cycle()
        elif event in (h11.NEED_DATA, h11.PAUSED) or isinstance(event, h11.ConnectionClosed):
            return found


def asked(method: str, path: str, *lines: str) -> bytes:
    """A head whose token is put in later: making one costs time."""
    return head(request(method, path, "<token>", *lines))


CHUNKS = b"5\r\nhello\r\n3;x=y\r\nabc\r\n0\r\nX-T: u\r\n\r\n"
SEEDS = [
    asked("GET", "/crm/a/b?c=d", "X-A: b"),
    asked("POST", "/crm/a", "Content-Length: 5") + b"hello",
    asked("POST", "/crm/a", "Transfer-Encoding: chunked") + CHUNKS,
    asked("GET", "/crm/ws", "Connection: Upgrade", "Upgrade: websocket"),
    asked("GET", "/crm/1") * 2 + asked("GET", "/health/live"),
    asked("PUT", "/health", "Content-Length: 5") + b"hello" + asked("GET", "/crm/2"),
    asked("POST", "/crm/e", "Expect: 100-continue", "Content-Length: 2") + b"ab",
]


@pytest.mark.parametrize("seed", range(3))
async def test_mutated_requests(rig, seed):
    """No hang, no fault in the gateway, and the service never gets what could be read in two ways."""
    dice, line = random.Random(seed), bearer().encode()

    async def attempt(data: bytes) -> None:
        client = await rig.gateway.connect()
        with contextlib.suppress(ConnectionError):  # its time may be over by now
            await client.send(data)
        got = await client.rest()  # every connection comes to its end: by an answer or by its times
        client.close()
        assert got == b"" or got.startswith(b"HTTP/1.1 "), data

    gate = asyncio.Semaphore(AT_ONCE)

    async def bounded(data: bytes) -> None:
        async with gate:
            await attempt(data)

    tries = [mutated(dice, dice.choice(SEEDS).replace(b"<token>", line)) for _ in range(120)]
    await asyncio.gather(*map(bounded, tries))
    for peer in rig.upstream.connections:
        targets = [arrival.target.encode() for arrival in rig.upstream.arrivals if arrival.peer is peer]
        assert requests_of(bytes(peer.reader.record)) == targets
    assert all(arrival.target.startswith("/") for arrival in rig.upstream.arrivals)
    assert not rig.gateway.faults()
    await eventually(lambda: is_well(rig), "the gateway goes on")


ANSWERS = [
    OK,
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n5\r\nhello\r\n3;x=y\r\nabc\r\n0\r\nX-T: u\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK,
    b"HTTP/1.1 304 Not Modified\r\nETag: x\r\nContent-Length: 5\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n",
    b"HTTP/1.1 200 OK\r\nConnection: close, X-A\r\nX-A: b\r\nSet-Cookie: a=b\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nframes",
]


@pytest.mark.parametrize("seed", range(3))
async def test_mutated_answers(rig, seed):
    """No hang, no fault in the gateway, and what the client gets is one answer that it can read."""
    dice = random.Random(seed)
    tries = [mutated(dice, dice.choice(ANSWERS)) for _ in range(150)]

    async def gives(arrival):
        await arrival.read_body()
        await arrival.peer.send(tries[int(arrival.target[1:])])
        await asyncio.sleep(0.01)
        arrival.peer.close()

    rig.upstream.reset(gives)
    gate = asyncio.Semaphore(AT_ONCE)

    async def attempt(number: int) -> bytes:
        client = await rig.gateway.connect()
        with contextlib.suppress(ConnectionError):
            await client.send(head(request("GET", f"/crm/{number}", None, "Connection: close")))
        got = await client.rest()
        client.close()
        return got

    async def check(number: int) -> None:
        async with gate:
            for _ in range(5):  # without any answer: the time to send a head was over before it was sent
                if got := await attempt(number):
                    break
            check_answer(tries[number], got)

    await asyncio.gather(*map(check, range(len(tries))))
    assert not rig.gateway.faults()
    rig.upstream.reset()
    await eventually(lambda: is_well(rig), "the gateway goes on")


def check_answer(given: bytes, got: bytes) -> None:
    """A head that another parser takes; a body that it finds whole, or a connection that broke off inside it."""
    parser = h11.Connection(h11.CLIENT)
    parser.send(h11.Request(method="GET", target="/", headers=[("Host", "g")]))
    parser.send(h11.EndOfMessage())
    parser.receive_data(got)
    parser.receive_data(b"")
    fault = ""
    try:
        while not isinstance(parser.next_event(), (h11.EndOfMessage, h11.ConnectionClosed)):
            pass
    except h11.RemoteProtocolError as error:
        fault = str(error)
    whole = not fault and parser.trailing_data[0] == b""
    broken_off = re.search("closed connection without sending complete|incomplete chunked", fault)
    assert whole or broken_off, (given, got, fault)


async def is_well(rig) -> bool:
    """Whether the service is served again."""
    with contextlib.suppress(EOFError, OSError):
        return (await rig.gateway.get("/crm/well")).status == 200
    return False
