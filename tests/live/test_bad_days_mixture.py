"""Everything at once: connections that mix methods, framings, own paths and pieces of every size.

Each request says in its target what the service shall answer, so every answer can be checked, and an answer that
belongs to another request is found out. The seeds are fixed: a failure comes again.
"""

from __future__ import annotations

import asyncio
import hashlib
import random

import pytest

from tests.live.harness.gateway import head, request
from tests.live.harness.rig import running_rig

pytestmark = pytest.mark.anyio
CONNECTIONS = 24
REQUESTS = 20


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module", params=["protocol", "asgi"])
async def rig(request, tmp_path_factory):
    async with running_rig(
        tmp_path_factory.mktemp(request.param), {"crm": {}}, entry=request.param
    ) as running:
        yield running


def bytes_of(seed: int, size: int) -> bytes:
    """A body that belongs to one request alone."""
    return hashlib.shake_128(str(seed).encode()).digest(size)


def chunks(dice: random.Random, body: bytes) -> bytes:
    """A chunked body with chunks of every size."""
    framed = bytearray()
    while body:
        size = min(len(body), dice.choice((1, 7, 100, 4000, 70_000)))
        framed += b"%x%b\r\n%b\r\n" % (size, dice.choice((b"", b";x=y")), body[:size])
        body = body[size:]
    return bytes(framed) + b"0\r\n\r\n"


async def answers_as_told(arrival):
    """Target: /{framing}/{seed}/{size}/{pause}. The request's body must be the one of its seed."""
    _, framing, seed, size, pause = arrival.target.split("/")
    got = await arrival.read_body()
    if arrival.first_line.startswith(("POST", "PUT")):
        assert got == bytes_of(int(seed) + 1, len(got)), "the body belongs to another request"
    await asyncio.sleep(int(pause) / 1000)
    body = bytes_of(int(seed), int(size))
    dice = random.Random(seed)
    line = b"HTTP/1.0 200 OK\r\n" if framing == "old" else b"HTTP/1.1 200 OK\r\n"
    echo = f"X-Seed: {seed}\r\n".encode()
    if framing in ("close", "old"):
        echo += b"Connection: close\r\n"
    if framing == "length":
        data = line + echo + b"Content-Length: %d\r\n\r\n" % len(body) + body
    elif framing == "chunked":
        data = line + echo + b"Transfer-Encoding: chunked\r\n\r\n" + chunks(dice, body)
    elif framing == "none":
        data = b"HTTP/1.1 204 No Content\r\n" + echo + b"\r\n"
    else:
        data = line + echo + b"\r\n" + body
    if arrival.first_line.startswith("HEAD"):
        data = data.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    while data:
        size_now = dice.choice((1, 50, 1500, 100_000))
        await arrival.peer.send(data[:size_now])
        data = data[size_now:]
    if framing in ("close", "old"):
        arrival.peer.close()


class Asked:
    """One request of the mixture and what its answer must be."""

    def __init__(self, dice: random.Random) -> None:
        self.seed = dice.randrange(1 << 40)
        self.method = dice.choice(("GET", "GET", "HEAD", "POST", "PUT", "DELETE"))
        self.framing = dice.choice(("length", "length", "chunked", "close", "old", "none"))
        self.size = dice.choice((0, 1, 10, 2000, 66_000))
        self.own = dice.random() < 0.15
        self.missing = dice.random() < 0.1
        self.data = self._data(dice)

    def _data(self, dice: random.Random) -> bytes:
        if self.own:
            self.method = "GET"
            return head(request("GET", "/health/live", ""))
        if self.missing:
            self.method = "GET"
            return head(request("GET", f"/nowhere/{self.seed}"))
        path = f"/crm/{self.framing}/{self.seed}/{self.size}/{dice.choice((0, 0, 1, 5))}"
        if self.method not in ("POST", "PUT"):
            return head(request(self.method, path))
        body = bytes_of(self.seed + 1, dice.choice((0, 1, 5000, 70_000)))
        if dice.random() < 0.5:
            return head(request(self.method, path, None, f"Content-Length: {len(body)}")) + body
        return head(request(self.method, path, None, "Transfer-Encoding: chunked")) + chunks(dice, body)

    def check(self, answer) -> None:
        """Its own answer, whole."""
        if self.own or self.missing:
            assert answer.status == (200 if self.own else 404)
            return
        assert answer.status == (204 if self.framing == "none" else 200), (answer.head, answer.body)
        assert answer.get("x-seed") == str(self.seed), "an answer of another request"
        empty = self.method == "HEAD" or self.framing == "none"
        assert answer.body == (b"" if empty else bytes_of(self.seed, self.size))


async def talk(rig, dice: random.Random, asked: list[Asked]) -> None:
    """All requests over one connection, in pieces, some of them sent ahead."""
    client = await rig.gateway.connect()
    data = b"".join(one.data for one in asked)

    async def pours() -> None:
        at = 0
        while at < len(data):
            size = dice.choice((1, 3, 60, 1000, 1000, 20_000, 20_000))
            await client.send(data[at : at + size])
            at += size
            await asyncio.sleep(dice.choice((0, 0, 0, 0.001)))

    pouring = asyncio.create_task(pours())
    try:
        for one in asked:
            one.check(await client.response(one.method))
    finally:
        pouring.cancel()
        client.close()


@pytest.mark.parametrize("seed", [1, 2])
async def test_nobody_gets_an_answer_of_another(rig, seed):
    rig.upstream.reset(answers_as_told)
    dice = random.Random(seed)
    connections = [[Asked(dice) for _ in range(REQUESTS)] for _ in range(CONNECTIONS)]
    async with asyncio.TaskGroup() as group:
        for number, asked in enumerate(connections):
            group.create_task(talk(rig, random.Random(seed + number), asked))
    assert not rig.upstream.script_errors
    expected = sum(not (one.own or one.missing) for asked in connections for one in asked)
    assert len(rig.upstream.arrivals) == expected
