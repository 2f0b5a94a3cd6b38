"""Services that refuse, hang, babble, break off: what the client gets, and that the next one is not hurt."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time

import pytest

from tests.builders.raw_server import closed_port
from tests.live.harness.credentials import bearer
from tests.live.harness.gateway import eventually, head, request
from tests.live.harness.rig import running_rig
from tests.live.harness.upstream import OK, says

pytestmark = pytest.mark.anyio
MIB = 1 << 20


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
async def shared(tmp_path_factory):
    away = [f"http://127.0.0.1:{closed_port()}" for _ in range(2)]
    policies = {
        "crm": {},
        "slow": {"timeouts": {"response": 0.7}},
        "stopping": {"timeouts": {"idle": 0.7}},
        "refusing": {"targets": away[:1]},
        "all-away": {"targets": away},
        "patient": {"timeouts": {"connect": 0, "response": 0, "idle": 0, "total": 0}},
        "hurried": {"timeouts": {"total": 1}},
        "breaking": {"breaker": {"failures": 3, "reset_timeout": 2}, "retry": {"attempts": 1}},
    }
    policies |= {f"stale-{name}": {} for name in STALE}  # a pool each
    async with running_rig(tmp_path_factory.mktemp("upstream"), policies) as rig:
        yield rig


@pytest.fixture
def rig(shared):
    shared.upstream.reset()
    return shared


async def well(rig) -> None:
    """The gateway goes on serving."""
    rig.upstream.reset()
    answer = await rig.gateway.get("/crm/well")
    assert (answer.status, answer.body) == (200, b"ok")


async def broken_off(rig, *pieces: bytes, then=None) -> bytes:
    """What a client gets of an answer that is not completed; the connection must end."""

    async def script(arrival):
        await arrival.read_body()
        for piece in pieces:
            await arrival.peer.send(piece)
            await asyncio.sleep(0.05)
        (then or (lambda peer: peer.close()))(arrival.peer)

    rig.upstream.reset(script)
    client = await rig.gateway.connect()
    await client.send(head(request("POST", "/crm/x", None, "Content-Length: 0")))
    got = await client.rest()
    client.close()
    return got


async def test_nobody_listens(rig):
    answer = await rig.gateway.get("/refusing/x")
    assert answer.status == 503
    assert answer.json()["type"] == "urn:brain-gateway:problem:upstream-unreachable"
    assert int(answer.get("retry-after")) >= 1
    await well(rig)


async def test_all_targets_are_away(rig):
    for _ in range(10):
        answer = await rig.gateway.get("/all-away/x")
        assert answer.status == 503
        assert int(answer.get("retry-after")) >= 1


async def test_a_connection_that_is_never_accepted(rig, tmp_path):
    with socket.socket() as listener, contextlib.ExitStack() as stack:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):  # a full backlog: the kernel drops what comes now
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        policies = {"deaf": {"targets": [url], "timeouts": {"connect": 0.5}, "retry": {"attempts": 1}}}
        async with running_rig(tmp_path, policies) as own:
            answer = await own.gateway.get("/deaf/x")
    assert answer.status == 504
    assert answer.json()["fault"] == "upstream"


async def test_a_service_that_hangs_is_left(rig):
    async def hangs(arrival):
        await arrival.read_body()
        assert await arrival.peer.ended()

    rig.upstream.reset(hangs)
    answer = await rig.gateway.get("/slow/x")
    assert answer.status == 504
    assert answer.json()["type"] == "urn:brain-gateway:problem:upstream-timeout"
    await eventually(lambda: rig.upstream.arrivals[0].left, "the service's connection is closed")
    assert not rig.upstream.script_errors
    await well(rig)


@pytest.mark.parametrize(
    "answer",
    [
        b"\x00\xff\xfe lorem ipsum\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\nA: b\n\n\r\n\r\n",
        b"\r\n\r\n",
    ],
    ids=["bytes", "no-status", "bare-lf", "empty"],
)
async def test_garbage(rig, answer):
    rig.upstream.reset(says(answer))
    got = await rig.gateway.get("/crm/x")
    assert got.status == 502
    assert got.json()["fault"] == "upstream"
    assert b"lorem" not in got.body
    await well(rig)


async def test_a_body_shorter_than_its_length_is_not_passed_off_as_whole(rig):
    got = await broken_off(rig, b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")
    assert b"Content-Length: 1000\r\n" in got
    assert got.endswith(b"only this")
    await well(rig)


@pytest.mark.parametrize(
    "body",
    [
        b"5\r\nhello\r\n",
        b"5\r\nhel",
        b"5\r\nhello\r\nz\r\n",
        b"5\r\nhelloXX5\r\nhello\r\n0\r\n\r\n",
        b"5\r\nhello\r\n-1\r\n",
    ],
    ids=["no-last-chunk", "half-a-chunk", "no-size", "no-crlf", "negative"],
)
async def test_chunks_that_break_off_are_not_passed_off_as_whole(rig, body):
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n"
    got = await broken_off(rig, chunked, body)
    assert b"first" in got
    assert b"0\r\n\r\n" not in got
    assert got.count(b"HTTP/1.1") == 1
    await well(rig)


async def test_a_reset_does_not_end_a_body_that_ends_with_the_connection(rig):
    got = await broken_off(rig, b"HTTP/1.1 200 OK\r\n\r\nthe beginning", then=lambda peer: peer.reset())
    assert b"0\r\n\r\n" not in got
    await well(rig)


async def test_headers_that_drip_for_ever(rig):
    async def drips(arrival):
        await arrival.peer.send(b"HTTP/1.1 200 OK\r\n")
        while True:
            await arrival.peer.send(b"X-Drip: drop\r\n")
            await asyncio.sleep(0.05)

    rig.upstream.reset(drips)
    answer = await rig.gateway.get("/slow/x")
    assert answer.status == 504
    await well(rig)


async def test_a_hundred_megabytes_of_headers(rig):
    sent = 0

    async def floods(arrival):
        nonlocal sent
        await arrival.peer.send(b"HTTP/1.1 200 OK\r\n")
        for _ in range(100):
            await arrival.peer.send((b"X-Flood: " + b"a" * 1013 + b"\r\n") * 1024)
            sent += MIB

    await well(rig)
    before = rig.gateway.rss()
    rig.upstream.reset(floods)
    answer = await rig.gateway.get("/crm/x")
    assert answer.status == 502
    assert rig.gateway.rss() - before < 8 * MIB
    assert sent < 20 * MIB
    await well(rig)


async def test_interim_answers_without_end(rig):
    async def babbles(arrival):
        while True:
            await arrival.peer.send(b"HTTP/1.1 102 Processing\r\n\r\n")

    rig.upstream.reset(babbles)
    client = await rig.gateway.connect()
    await client.send(head(request("GET", "/crm/x")))
    answer = await client.response()
    client.close()
    assert answer.status == 502
    assert len(answer.interim) < 100
    await well(rig)


async def test_what_nobody_asked_for_answers_nobody(rig):
    """A service that sends a second answer cannot answer the next request with it."""
    poison, answered = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison", asyncio.Event()

    async def twice(arrival):
        await arrival.answer(OK + (poison if arrival.target == "/1" else b""))
        if arrival.target == "/2":
            await answered.wait()
            await arrival.peer.send(poison)

    rig.upstream.reset(twice)
    client = await rig.gateway.connect()
    for number in range(1, 5):
        await client.send(head(request("GET", f"/crm/{number}")))
        answer = await client.response()
        assert (answer.status, answer.body) == (200, b"ok")
        if number == 2:
            answered.set()
        if number < 3:
            await eventually(lambda: rig.upstream.arrivals[-1].left, "the connection is given up")
    client.close()
    first, second, third, _ = (arrival.peer for arrival in rig.upstream.arrivals)
    assert first is not second, "a connection with bytes left over is not used again"
    assert second is not third


async def test_a_body_that_stops_is_given_up(rig):
    async def stops(arrival):
        await arrival.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nthe beginning")
        assert await arrival.peer.ended()

    rig.upstream.reset(stops)
    client = await rig.gateway.connect()
    await client.send(head(request("GET", "/stopping/x")))
    assert (await client.rest()).endswith(b"the beginning")
    client.close()
    assert not rig.upstream.script_errors
    await well(rig)


async def test_one_deadline_for_the_whole_request(rig):
    async def drips(arrival):
        await arrival.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        with contextlib.suppress(OSError):
            while not arrival.peer.reader.at_eof():
                await arrival.peer.send(b"drop")
                await asyncio.sleep(0.05)

    rig.upstream.reset(drips)
    began = time.monotonic()
    client = await rig.gateway.connect()
    await client.send(head(request("GET", "/hurried/x")))
    assert len(await client.rest()) < 100_000
    client.close()
    assert time.monotonic() - began > 0.9
    await well(rig)


async def test_no_timeout_means_none(rig):
    async def slow(arrival):
        await arrival.read_body()
        await asyncio.sleep(0.6)
        await arrival.peer.send(OK[:-1])
        await asyncio.sleep(0.6)
        await arrival.peer.send(OK[-1:])

    rig.upstream.reset(slow)
    answer = await rig.gateway.get("/patient/x")
    assert (answer.status, answer.body) == (200, b"ok")


def sized(body: bytes) -> tuple[str, bytes]:
    """A body with its length."""
    return f"Content-Length: {len(body)}", body


CHUNKED = ("Transfer-Encoding: chunked", b"2\r\n{}\r\n3\r\nabc\r\n0\r\n\r\n")
STALE = {
    "get": ("GET", sized(b""), 200, 2),
    "put": ("PUT", sized(b"{}"), 200, 2),
    "delete-chunked": ("DELETE", CHUNKED, 200, 2),
    "post": ("POST", sized(b"{}"), 502, 1),
    "patch-chunked": ("PATCH", CHUNKED, 502, 1),
    "put-too-large-to-keep": ("PUT", sized(b"a" * 300_000), 502, 1),
}


@pytest.mark.parametrize("name", STALE)
async def test_a_pooled_connection_that_is_stale(rig, name):
    """The service closes a kept connection just when it is used again: sent again only what may be, and whole."""
    method, (line, body), status, seen = STALE[name]

    async def closes_at_the_second(arrival):
        await arrival.read_body()
        if sum(known.peer is arrival.peer for known in rig.upstream.arrivals) > 1:
            arrival.peer.close()
        else:
            await arrival.peer.send(OK)

    rig.upstream.reset(closes_at_the_second)
    client = await rig.gateway.connect()
    await client.send(head(request("GET", f"/stale-{name}/first")))
    assert (await client.response()).status == 200
    await client.send(head(request(method, f"/stale-{name}/second", None, line)) + body)
    assert (await client.response()).status == status
    seconds = [arrival for arrival in rig.upstream.arrivals if arrival.target == "/second"]
    assert len(seconds) == seen
    assert len({arrival.body for arrival in seconds}) == 1


async def test_the_breaker_opens_half_opens_and_closes(rig):
    rig.upstream.reset(says(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"))
    for _ in range(3):
        assert (await rig.gateway.get("/breaking/x")).status == 503
    refused = await rig.gateway.get("/breaking/x")
    assert refused.json()["type"] == "urn:brain-gateway:problem:circuit-open"
    assert refused.get("retry-after") in ("1", "2")
    assert len(rig.upstream.arrivals) == 3, "an open circuit asks nobody"

    async def tried() -> bool:
        assert (await rig.gateway.get("/breaking/x")).status == 503
        return len(rig.upstream.arrivals) > 3

    await eventually(tried, "one may try again, and fails")
    assert (await rig.gateway.get("/breaking/x")).json()["title"] == "Circuit open"
    assert len(rig.upstream.arrivals) == 4

    await asyncio.sleep(2.1)
    await one_trial_at_a_time(rig)
    rig.upstream.reset()
    for _ in range(5):
        assert (await rig.gateway.get("/breaking/x")).status == 200


async def one_trial_at_a_time(rig) -> None:
    """Of many requests to a half-open circuit one passes; its success closes the circuit."""
    let_go = asyncio.Event()

    async def waits(arrival):
        await arrival.read_body()
        await let_go.wait()
        await arrival.peer.send(OK)

    rig.upstream.reset(waits)
    trial = asyncio.create_task(rig.gateway.get("/breaking/trial"))
    await rig.upstream.arrival()
    others = await asyncio.gather(*(rig.gateway.get("/breaking/other") for _ in range(10)))
    let_go.set()
    assert (await trial).status == 200
    assert {answer.status for answer in others} == {503}
    assert len(rig.upstream.arrivals) == 1


async def test_a_trial_that_the_client_abandons_leaves_the_circuit_half_open(tmp_path):
    policies = {"crm": {"breaker": {"failures": 1, "reset_timeout": 0.1}, "retry": {"attempts": 1}}}
    async with running_rig(tmp_path, policies) as own:
        own.upstream.reset(says(b"garbage\r\n\r\n"))
        assert (await own.gateway.get("/crm/x")).status == 502
        await asyncio.sleep(0.2)

        async def hangs(arrival):
            await arrival.peer.rest()

        own.upstream.reset(hangs)
        client = await own.gateway.connect()
        await client.send(head(request("GET", "/crm/trial")))
        trial = await own.upstream.arrival()
        client.reset()
        await eventually(lambda: trial.left, "the trial is cancelled")
        own.upstream.reset()
        assert (await own.gateway.get("/crm/x")).status == 200


async def test_one_target_of_two_is_away(tmp_path):
    """Requests that find the dead target are sent to the living one, whatever their method."""
    async with running_rig(tmp_path, {"crm": {}}) as own:
        both = [f"http://127.0.0.1:{closed_port()}", own.upstream.url]
        policies = {"crm": {"targets": both, "retry": {"attempts": 2, "budget": 1.0}}}
        async with running_rig(tmp_path / "two", policies) as two:
            for number in range(20):
                method = ("GET", "POST")[number % 2]
                text = request(method, "/crm/x", None, "Content-Length: 2")
                answer = await two.gateway.ask(text, b"{}")
                assert answer.status == 200
        assert len(own.upstream.arrivals) == 20


async def test_a_service_that_reads_no_body_is_not_fed_without_end(rig):
    """The service answers at once and reads nothing: the client hears the answer, the upload ends."""

    async def answers_unread(arrival):
        await arrival.peer.send(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno")
        await asyncio.Event().wait()

    rig.upstream.reset(answers_unread)
    client = await rig.gateway.connect()
    await client.send(head(request("POST", "/crm/x", None, f"Content-Length: {100 * MIB}")))
    await client.send(b"a" * 1000)
    answer = await client.response()
    assert (answer.status, answer.body, answer.get("connection")) == (401, b"no", "close")
    assert await client.ended()
    client.close()
    await eventually(lambda: rig.upstream.arrivals[0].left, "the service's connection is closed")
    await well(rig)


@pytest.mark.parametrize(
    "framing", ["Content-Length: 1000\r\n\r\nfirst", "Transfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n"]
)
async def test_an_http_1_0_client_is_not_told_that_a_short_body_is_whole(rig, framing):
    """Where a body ends with the connection, an orderly end would say just that: the connection is reset."""

    read = asyncio.Event()  # a reset would take with it what is still unread

    async def breaks_off(arrival):
        await arrival.read_body()
        await arrival.peer.send(f"HTTP/1.1 200 OK\r\n{framing}")
        await read.wait()
        arrival.peer.close()

    rig.upstream.reset(breaks_off)
    client = await rig.gateway.connect()
    lines = f"POST /crm/x HTTP/1.0\n{bearer()}\nContent-Length: 0"
    await client.send(head(lines))
    got = await client.head()
    assert await client.reader.readexactly(5) == b"first"
    read.set()
    if b"Content-Length" not in got:
        with pytest.raises(ConnectionResetError):
            await client.reader.read()
    else:
        assert await client.ended()
