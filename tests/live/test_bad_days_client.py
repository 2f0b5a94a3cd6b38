"""Clients that vanish, dawdle, flood or never end: the service is let go, memory is bounded, others are served."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time

import pytest

from tests.live.harness.gateway import eventually, head, request, settled
from tests.live.harness.rig import running_rig
from tests.live.harness.upstream import OK, says
from tests.live.harness.wire import PATIENCE

pytestmark = pytest.mark.anyio
MIB = 1 << 20
PIECE = bytes(range(256)) * 256  # 64 KiB
# What the kernel takes of an answer that nobody reads is 1 to 5 MiB; of these answers some end just beyond it, so that
# the service has given all and the gateway still holds a part.
SIZES = range(1 * MIB, 5 * MIB, 128 * 1024)


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
async def shared(tmp_path_factory):
    policies = {
        "crm": {},
        "capped": {"max_body": 1000},
        "breaking": {"breaker": {"failures": 1, "reset_timeout": 600}},
    }
    folder = tmp_path_factory.mktemp("client")
    quick = {"HEADER_TIMEOUT": "2", "BODY_TIMEOUT": "2.5", "KEEP_ALIVE_TIMEOUT": "3"}
    async with running_rig(folder, policies, **quick) as rig:
        yield rig


@pytest.fixture
def rig(shared):
    shared.upstream.reset()
    return shared


def large(size: int, *lines: str) -> bytes:
    """The head of an answer of so many bytes."""
    return "\r\n".join(("HTTP/1.1 200 OK", *lines, f"Content-Length: {size}", "", "")).encode()


def body_of(size: int) -> bytes:
    """A body whose bytes tell where they are."""
    return (PIECE * (size // len(PIECE) + 1))[:size]


async def take(client, size: int) -> bytes:
    """Read so many bytes."""
    return await asyncio.wait_for(client.reader.readexactly(size), PATIENCE)


# Vanishing


@pytest.mark.parametrize("way", ["reset", "close"])
async def test_a_client_that_vanishes_while_it_sends(rig, way):
    async def reads(arrival):
        with contextlib.suppress(EOFError):
            await arrival.read_body()

    rig.upstream.reset(reads)
    client = await rig.gateway.connect()
    await client.send(head(request("POST", "/crm/x", None, f"Content-Length: {MIB}")) + b"a" * 1000)
    arrival = await rig.upstream.arrival()
    getattr(client, way)()
    await eventually(lambda: arrival.left, "the service sees the end of its connection")


@pytest.mark.parametrize("way", ["reset", "close"])
async def test_a_client_that_vanishes_while_it_sends_chunks(rig, way):
    """The service must not take what came for all there is: no last chunk."""
    rig.upstream.reset(lambda arrival: arrival.peer.rest())
    client = await rig.gateway.connect()
    text = request("POST", "/crm/x", None, "Transfer-Encoding: chunked")
    await client.send(head(text) + b"5\r\nhello\r\n")
    arrival = await rig.upstream.arrival()
    getattr(client, way)()
    await eventually(lambda: arrival.left, "the service sees the end of its connection")
    assert b"hello" in arrival.peer.reader.record
    assert not arrival.peer.reader.record.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("way", ["reset", "close"])
async def test_a_client_that_vanishes_while_it_waits(rig, way):
    rig.upstream.reset(lambda arrival: arrival.peer.rest())
    client = await rig.gateway.connect()
    await client.send(head(request("GET", "/crm/x")))
    arrival = await rig.upstream.arrival()
    getattr(client, way)()
    await eventually(lambda: arrival.left, "the service's work is cancelled")


@pytest.mark.parametrize("way", ["reset", "close"])
async def test_a_client_that_vanishes_while_it_receives(rig, way):
    async def pours(arrival):
        await arrival.peer.send(large(1 << 40))
        while not arrival.left:
            await arrival.peer.send(PIECE)

    rig.upstream.reset(pours)
    client = await rig.gateway.connect()
    await client.send(head(request("GET", "/crm/x")))
    arrival = await rig.upstream.arrival()
    await take(client, MIB)
    getattr(client, way)()
    await eventually(lambda: arrival.left or arrival.peer.writer.is_closing(), "the service can stop")


async def test_clients_that_vanish_are_nobodys_failure(rig):
    """The circuit stays closed: the service did nothing wrong."""
    rig.upstream.reset(lambda arrival: arrival.peer.rest())
    for _ in range(5):
        client = await rig.gateway.connect()
        await client.send(head(request("GET", "/breaking/x")))
        arrival = await rig.upstream.arrival(len(rig.upstream.arrivals) + 1)
        client.reset()
        await eventually(lambda: arrival.left, "the service's work is cancelled")  # noqa: B023  # awaited here
    rig.upstream.reset()
    assert (await rig.gateway.get("/breaking/x")).status == 200


# Dawdling: the waits of these run side by side


async def stops_in_a_body(rig) -> None:
    """408; the service is let go, and its circuit stays closed."""
    client = await rig.gateway.connect()
    await client.send(head(request("POST", "/breaking/stops", None, "Content-Length: 100")) + b"a" * 10)
    answer = await client.response()
    assert answer.status == 408
    assert answer.get("connection") == "close"
    assert await client.ended()
    arrival = next(arrival for arrival in rig.upstream.arrivals if arrival.target == "/stops")
    await eventually(lambda: arrival.left, "the service's connection is closed")
    assert (await rig.gateway.get("/breaking/x")).status == 200


async def drips_steadily(rig) -> None:
    """Slow, but never silent for long: the body arrives."""
    client = await rig.gateway.connect()
    await client.send(head(request("POST", "/crm/drips", None, "Content-Length: 4")))
    for byte in b"slow":
        await asyncio.sleep(0.7)
        await client.send(bytes((byte,)))
    assert (await client.response()).status == 200
    assert [arrival.body for arrival in rig.upstream.arrivals if arrival.target == "/drips"] == [b"slow"]


async def sends_no_body_to_an_own_path(rig) -> None:
    """The answer needs none; the connection does not wait for it for ever."""
    client = await rig.gateway.connect()
    await client.send(head(request("POST", "/health", "", "Content-Length: 100")) + b"a" * 10)
    assert (await client.response()).status == 405
    assert await client.ended()


async def slowloris(rig) -> None:
    """A head that never ends."""
    client = await rig.gateway.connect()
    began = time.monotonic()
    await client.send(b"GET /crm/loris HTTP/1.1\r\nHost: g\r\n")
    with contextlib.suppress(ConnectionError):
        while not client.reader.ended and time.monotonic() - began < PATIENCE:
            await client.send(b"X-Slow: loris\r\n")
            await asyncio.sleep(0.1)
    assert (await client.rest()).startswith(b"HTTP/1.1 408")


async def slowloris_between_requests(rig) -> None:
    """The time of a head begins with its first byte, wherever the connection has been before."""
    client = await rig.gateway.connect()
    for _ in range(2):
        await asyncio.sleep(1.1)
        await client.send(head(request("GET", "/crm/x")))
        assert (await client.response()).status == 200
    await client.send(b"GET /crm/loris HT")
    assert (await client.response()).status == 408
    assert await client.ended()


async def says_nothing(rig) -> None:
    """From the beginning."""
    client = await rig.gateway.connect()
    assert await client.ended()


async def says_nothing_more(rig) -> None:
    """After a request."""
    client = await rig.gateway.connect()
    await client.send(head(request("GET", "/crm/x")))
    assert (await client.response()).status == 200
    assert await client.ended()


async def asks_ahead_and_reads_slowly(rig) -> None:
    """It is not told to hurry: requests that wait behind an unread answer have come whole, their time is not over."""
    client = await rig.gateway.connect(receive_buffer=8192)
    await client.send(head(request("GET", "/crm/ahead")) * 2)
    client.writer.transport.pause_reading()
    await asyncio.sleep(2.7)
    client.writer.transport.resume_reading()
    for _ in range(2):
        answer = await client.response()
        assert (answer.status, len(answer.body)) == (200, MIB)
    client.close()


DAWDLERS = (
    stops_in_a_body, drips_steadily, sends_no_body_to_an_own_path, slowloris, slowloris_between_requests,
    says_nothing, says_nothing_more, asks_ahead_and_reads_slowly,
)  # fmt: skip


async def test_clients_that_dawdle(rig):
    await rig.gateway.get("/health", "")  # the first time it loads what answers

    async def answers(arrival):
        await arrival.answer(large(MIB) + body_of(MIB) if arrival.target == "/ahead" else OK)

    rig.upstream.reset(answers)
    outcomes = await asyncio.gather(*(dawdler(rig) for dawdler in DAWDLERS), return_exceptions=True)
    faults = {one.__name__: fault for one, fault in zip(DAWDLERS, outcomes, strict=True) if fault}
    assert not faults
    assert not [arrival for arrival in rig.upstream.arrivals if arrival.target == "/loris"]


# Reading slowly


async def test_a_slow_reader_slows_the_service_and_not_the_gateway(rig):
    size, sent = 64 * MIB, 0

    async def pours(arrival):
        nonlocal sent
        await arrival.peer.send(large(size))
        for _ in range(size // len(PIECE)):
            await arrival.peer.send(PIECE)
            sent += len(PIECE)

    await rig.gateway.get("/crm/warm")
    rig.upstream.reset(pours)
    before = rig.gateway.rss()
    client = await rig.gateway.connect(receive_buffer=65536)
    await client.send(head(request("GET", "/crm/x")))
    client.writer.transport.pause_reading()
    await rig.upstream.arrival()
    assert await settled(lambda: sent) < 24 * MIB, "the service is made to wait"
    assert rig.gateway.rss() - before < 8 * MIB

    client.writer.transport.resume_reading()
    await client.head()
    got = await take(client, size)
    client.close()
    assert got == PIECE * (size // len(PIECE))
    assert rig.gateway.rss() - before < 16 * MIB


async def test_slow_readers_of_last_answers_get_them_whole(rig):
    """`Connection: close` must not cut off what the client has not read yet, however slowly it reads."""

    async def answers(arrival):
        size = int(arrival.target.rpartition("/")[2])
        await arrival.answer(large(size) + body_of(size))

    async def reads_late(size: int, *lines: str) -> int:
        client = await rig.gateway.connect(receive_buffer=8192)
        await client.send(head(request("GET", f"/crm/{size}", None, *lines)))
        client.writer.transport.pause_reading()
        await asyncio.sleep(3.5)
        client.writer.transport.resume_reading()
        await client.head()
        got = await client.rest()
        client.close()
        assert body_of(size).startswith(got)
        return len(got)

    rig.upstream.reset(answers)
    got = await asyncio.gather(*(reads_late(size, "Connection: close") for size in SIZES))
    assert got == list(SIZES)


async def test_readers_that_never_read_are_given_up(tmp_path):
    """Whatever state their connections are in: an answer under way, an answer that is out, a last answer."""
    policies, quick = {"idling": {"timeouts": {"idle": 1}}}, {"SEND_TIMEOUT": "1", "KEEP_ALIVE_TIMEOUT": "1"}
    async with running_rig(tmp_path, policies, **quick) as rig:
        await never_read(rig)


async def never_read(rig) -> None:
    """Answers of every size that nobody reads."""

    async def answers(arrival):
        size = int(arrival.target.rpartition("/")[2])
        with contextlib.suppress(OSError):
            await arrival.answer(large(size) + body_of(size))

    rig.upstream.reset(answers)
    clients = []
    for number, size in enumerate(SIZES):
        client = await rig.gateway.connect(receive_buffer=8192)
        client.writer.transport.pause_reading()
        line = ("X-Keep: it", "Connection: close")[number % 2]
        await client.send(head(request("GET", f"/idling/{size}", None, line)))
        clients.append(client)

    async def gone() -> bool:
        return await rig.gateway.open_clients() == 0

    await eventually(gone, "the gateway closes connections that nobody reads")
    for client in clients:
        client.reset()


# Uploading to a service that reads slowly


async def test_a_slow_service_slows_the_client_and_not_the_gateway(rig):
    size, read_on = 64 * MIB, asyncio.Event()

    async def reads_late(arrival):
        arrival.peer.writer.transport.pause_reading()
        await read_on.wait()
        arrival.peer.writer.transport.resume_reading()
        await arrival.answer()

    await rig.gateway.get("/crm/warm")
    rig.upstream.reset(reads_late)
    before = rig.gateway.rss()
    client = await rig.gateway.connect()
    client.writer.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    await client.send(head(request("POST", "/crm/x", None, f"Content-Length: {size}")))
    sent = 0

    async def pours() -> None:
        nonlocal sent
        for _ in range(size // len(PIECE)):
            await client.send(PIECE)
            sent += len(PIECE)

    pouring = asyncio.create_task(pours())
    await rig.upstream.arrival()
    assert await settled(lambda: sent) < 24 * MIB, "the client is made to wait"
    assert rig.gateway.rss() - before < 8 * MIB
    read_on.set()
    await pouring
    assert (await client.response()).status == 200
    client.close()
    assert rig.upstream.arrivals[0].body == PIECE * (size // len(PIECE))
    assert rig.gateway.rss() - before < 16 * MIB


# Faults of a body after the answer has begun


async def after_the_answer_began(rig, path: str, then: bytes) -> bytes:
    """All that a client gets when its body goes wrong after the service has begun to answer."""

    async def answers_early(arrival):
        chunk = b"5\r\nearly\r\n"
        await arrival.peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk)
        await arrival.peer.rest()

    rig.upstream.reset(answers_early)
    client = await rig.gateway.connect()
    text = request("POST", path, None, "Transfer-Encoding: chunked")
    await client.send(head(text) + b"5\r\nhello\r\n")
    beginning = await client.reader.readuntil(b"early")  # a reset would take what is still unread with it
    await client.send(then)
    got = beginning + await client.rest()
    client.close()
    return got


@pytest.mark.parametrize(
    ("path", "then"),
    [("/crm/x", b"zz\r\n"), ("/crm/x", b"5\r\nhelloXX"), ("/capped/x", b"3e8\r\n" + b"a" * 1000 + b"\r\n")],
    ids=["no-size", "no-crlf", "too-large"],
)
async def test_no_second_head_comes_into_an_answer(rig, path, then):
    got = await after_the_answer_began(rig, path, then)
    assert got.startswith(b"HTTP/1.1 200")
    assert got.count(b"HTTP/1.1") == 1
    assert not got.endswith(b"0\r\n\r\n"), "the answer is not passed off as whole"


async def test_a_chunked_body_that_grows_too_large_on_the_way(rig):
    rig.upstream.reset(lambda arrival: arrival.peer.rest())
    client = await rig.gateway.connect()
    await client.send(head(request("POST", "/capped/x", None, "Transfer-Encoding: chunked")))
    for _ in range(3):
        await client.send(b"190\r\n" + b"a" * 400 + b"\r\n")
        await asyncio.sleep(0.02)
    answer = await client.response()
    assert (answer.status, answer.get("connection")) == (413, "close")
    assert await client.ended()
    client.close()
    arrival = await rig.upstream.arrival()
    await eventually(lambda: arrival.left, "the service's connection is closed")
    assert not arrival.peer.reader.record.endswith(b"0\r\n\r\n")


async def test_a_client_that_goes_on_sending_hears_the_refusal(rig):
    """An upload that is refused at its head: the client is still sending when the answer comes."""
    client = await rig.gateway.connect()
    await client.send(head(request("POST", "/capped/x", None, f"Content-Length: {20 * MIB}")))
    with contextlib.suppress(ConnectionError):
        for _ in range(20 * MIB // len(PIECE)):
            await client.send(PIECE)
    answer = await client.response()
    assert answer.status == 413
    client.close()
    assert not rig.upstream.arrivals


# Asking ahead without reading


async def test_requests_that_are_sent_ahead_are_not_hoarded(rig):
    """While the first is under way the others wait in the client, not in the gateway."""
    go_on = asyncio.Event()

    async def waits(arrival):
        await go_on.wait()
        await arrival.answer()

    await rig.gateway.get("/crm/warm")
    rig.upstream.reset(waits)
    before = rig.gateway.rss()
    client = await rig.gateway.connect()
    text, sent = head(request("GET", "/crm/x", None, "X-Pad: " + "p" * 8000)) * 8, 0

    async def pours() -> None:
        nonlocal sent
        while sent < 64 * MIB:
            await client.send(text)
            sent += len(text)

    pouring = asyncio.create_task(pours())
    await rig.upstream.arrival()
    assert await settled(lambda: sent) < 24 * MIB, "the client is made to wait"
    assert rig.gateway.rss() - before < 8 * MIB
    pouring.cancel()
    go_on.set()
    assert (await client.response()).status == 200
    client.reset()


@pytest.mark.parametrize("size", [30_000, 300_000])
async def test_answers_that_are_not_read_are_not_hoarded(rig, size):
    """A client that asks on and on, one request at a time, and reads nothing."""
    answer = large(size) + body_of(size)
    rig.upstream.reset(says(answer))
    await rig.gateway.get("/crm/warm")
    before = rig.gateway.rss()
    client = await rig.gateway.connect(receive_buffer=8192)
    client.writer.transport.pause_reading()
    text = head(request("GET", "/crm/x"))
    for number in range(1500):
        client.writer.write(text)
        await asyncio.sleep(0.001 if number < 300 else 0)
    assert await settled(lambda: len(rig.upstream.arrivals)) * size < 24 * MIB
    assert rig.gateway.rss() - before < 8 * MIB
    client.reset()


async def test_a_connection_goes_on_after_a_body_that_nobody_read(rig):
    """The service answers without having read; the gateway holds the rest of the body, all of it or a part."""
    clients, stuck = [], asyncio.Event()

    async def answers_unread(arrival):
        if arrival.first_line.startswith("POST"):
            arrival.peer.writer.transport.pause_reading()
            await stuck.wait()
            await arrival.peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            arrival.peer.writer.transport.resume_reading()
        await arrival.answer()

    async def posts(size: int) -> bool:
        client = await rig.gateway.connect()
        clients.append(client)
        client.writer.write(head(request("POST", "/crm/x", None, f"Content-Length: {size}")) + body_of(size))
        answer = await client.response()
        assert answer.status == 200
        goes_on = answer.get("connection") != "close"
        if goes_on:
            await client.send(head(request("GET", "/crm/next")))
            assert (await client.response()).status == 200
        client.reset()
        return goes_on

    rig.upstream.reset(answers_unread)
    posting = asyncio.gather(*(posts(size) for size in SIZES))
    await rig.upstream.arrival(len(SIZES))
    await settled(lambda: sum(client.writer.transport.get_write_buffer_size() for client in clients))
    stuck.set()
    went_on = await posting
    assert True in went_on
    assert False in went_on
