"""What every BreakerBoard does: one suite over the one in memory, a real Valkey and a Cluster."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from brain_gateway.application.ports.breaker_board import BreakerBoard, Notice
from brain_gateway.domain.errors import StoreUnavailable
from brain_gateway.infrastructure.valkey.breakers import CHANNEL, ValkeyBreakers
from brain_gateway.infrastructure.valkey.connection import make_client
from tests.fakes.breaker_board import MemoryBoard, PostedNotices
from tests.live.harness.valkey import clients_of
from tests.live.harness.wire import PATIENCE

pytestmark = pytest.mark.anyio

OPENED = Notice("crm", "http://10.0.0.1:80", 30.0)
CLOSED = OPENED._replace(open_for=0.0)


@dataclass
class Case:
    """A board that several processes reach."""

    connect: Callable[[str], BreakerBoard]
    pass_time: Callable[[float], Awaitable[None]]
    stop: Callable[[], object]


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(params=["memory", "valkey", "cluster"])
async def case(request):
    if request.param == "memory":
        now = [0.0]
        posted = PostedNotices(lambda: now[0])

        async def jump(seconds: float) -> None:
            now[0] += seconds

        yield Case(lambda member: MemoryBoard(posted, member), jump, posted.go_away)
        return
    server = request.getfixturevalue(request.param)
    async with clients_of(server) as connect:
        yield Case(lambda member: ValkeyBreakers(connect(), member), asyncio.sleep, server.stop)


@contextlib.asynccontextmanager
async def listening(board: BreakerBoard) -> AsyncIterator[asyncio.Queue[Notice | None]]:
    """What a process hears; None when it is cut off. It listens from the first thing that it hears."""
    heard: asyncio.Queue[Notice | None] = asyncio.Queue()

    async def listen() -> None:
        with contextlib.suppress(StoreUnavailable):
            async for notice in board.notices():
                heard.put_nowait(notice)
        heard.put_nowait(None)

    task = asyncio.create_task(listen())
    try:
        yield heard
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def told(heard: asyncio.Queue[Notice | None]) -> Notice | None:
    async with asyncio.timeout(PATIENCE):
        return await heard.get()


async def test_others_are_told_and_oneself_is_not(case):
    one, other = case.connect("one"), case.connect("other")
    mark = Notice("mark", "http://m", 60.0)
    await other.announce(mark)
    async with listening(one) as by_one, listening(other) as by_other:
        for heard in (by_one, by_other):
            first = await told(heard)
            assert first is not None
            assert first.service == "mark", "what is open is told to everybody who comes"
        await one.announce(OPENED)
        assert await told(by_other) == OPENED
        await one.announce(CLOSED)
        assert await told(by_other) == CLOSED
        await other.announce(OPENED)
        assert await told(by_one) == OPENED
        assert by_other.empty()


async def test_who_comes_later_is_told_what_is_still_open(case):
    one = case.connect("one")
    await one.announce(OPENED)
    await one.announce(Notice("crm", "http://10.0.0.2:80", 0.1))
    await one.announce(Notice("tenant/shop", "http://10.0.0.3:80", 30.0))
    await one.announce(Notice("tenant/shop", "http://10.0.0.3:80", 0.0))
    await case.pass_time(0.15)
    async with listening(case.connect("late")) as heard:
        notice = await told(heard)
        assert notice is not None
        assert notice[:2] == OPENED[:2]
        assert 0.0 < notice.open_for < 30.0
        await one.announce(CLOSED)
        assert await told(heard) == CLOSED, "nothing else was open"


async def test_a_board_that_is_away_says_so(case):
    one = case.connect("one")
    await one.announce(OPENED)
    async with listening(case.connect("other")) as heard:
        assert await told(heard) is not None
        case.stop()
        assert await told(heard) is None
    with pytest.raises(StoreUnavailable):
        await one.announce(OPENED)


async def test_what_is_no_notice_is_overheard(shared_server):
    """Somebody else writes to the channel."""
    client = make_client(shared_server.url, 5.0)
    board = ValkeyBreakers(client, "one")
    await board.announce(OPENED)
    async with listening(ValkeyBreakers(client, "other")) as heard:
        assert await told(heard) is not None
        for message in (b"\xff", b"{}", b"[1, 2]", b'["x", "crm", "http://h", "long"]', b"7"):
            await client.publish(CHANNEL, message)
        await board.announce(CLOSED)
        assert await told(heard) == CLOSED
    await client.aclose()


async def test_silence_is_asked_about(shared_server):
    """A connection on which nothing comes for a while is still there."""
    client = make_client(shared_server.url, 2.0)
    board = ValkeyBreakers(client, "one", silence=0.02)
    await ValkeyBreakers(client, "other").announce(OPENED)
    async with listening(board) as heard:
        assert await told(heard) is not None
        await asyncio.sleep(0.3)
        assert heard.empty()
        shared_server.pause()
        try:
            assert await told(heard) is None
        finally:
            shared_server.resume()
    await client.aclose()
