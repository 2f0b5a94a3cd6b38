"""What every PurgeBoard does: one suite over the one in memory, a real Valkey and a Cluster."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from brain_gateway.application.ports.purge_board import PurgeBoard
from brain_gateway.application.ports.response_store import Purge
from brain_gateway.domain.errors import StoreUnavailable
from brain_gateway.infrastructure.valkey.connection import make_client
from brain_gateway.infrastructure.valkey.purges import CHANNEL, ValkeyPurges
from tests.fakes.purge_board import MemoryPurgeBoard, PostedPurges
from tests.live.harness.valkey import clients_of

pytestmark = pytest.mark.anyio
MARK = Purge(None, "mark")
PURGES = (
    Purge(None),
    Purge("0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a", "shop", b"/items", True),
    Purge(None, "shop", "/\u00e9\u2603".encode(), False),
)


@dataclass
class Case:
    """A board that several processes reach."""

    connect: Callable[[str], PurgeBoard]
    stop: Callable[[], object]


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(params=["memory", "valkey", "cluster"])
async def case(request):
    if request.param == "memory":
        posted = PostedPurges()
        yield Case(lambda member: MemoryPurgeBoard(posted, member), posted.go_away)
        return
    server = request.getfixturevalue(request.param)
    async with clients_of(server, 10.0) as connect:
        yield Case(lambda member: ValkeyPurges(connect(), member), server.stop)


@contextlib.asynccontextmanager
async def listening(
    board: PurgeBoard, marker: PurgeBoard
) -> AsyncIterator[Callable[[], asyncio.Future[Purge | None]]]:
    """What a process hears next; None when it is cut off. It is listening: it has heard a mark."""
    heard: asyncio.Queue[Purge | None] = asyncio.Queue()

    async def listen() -> None:
        with contextlib.suppress(StoreUnavailable):
            async for purge in board.notices():
                heard.put_nowait(purge)
        heard.put_nowait(None)

    task = asyncio.create_task(listen())
    try:
        async with asyncio.timeout(30):
            while heard.empty():
                await marker.announce(MARK)
                await asyncio.sleep(0.01)

        async def following() -> Purge | None:
            async with asyncio.timeout(30):
                while (purge := await heard.get()) == MARK:
                    pass
                return purge

        yield following
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_others_are_told_and_oneself_is_not(case):
    one, other, marker = (case.connect(name) for name in ("one", "other", "marker"))
    async with listening(one, marker) as by_one, listening(other, marker) as by_other:
        for purge in PURGES:
            await one.announce(purge)
            assert await by_other() == purge
        await other.announce(PURGES[0])
        assert await by_one() == PURGES[0], "nothing of its own came before"


async def test_a_board_that_is_away_says_so(case):
    one, marker = case.connect("one"), case.connect("marker")
    async with listening(one, marker) as heard:
        case.stop()
        assert await heard() is None
    with pytest.raises(StoreUnavailable):
        await one.announce(MARK)
    with pytest.raises(StoreUnavailable):
        await anext(aiter(one.notices()))


async def test_what_is_no_notice_is_overheard(shared_server):
    """Somebody else writes to the channel."""
    client = make_client(shared_server.url, 10.0)
    one, other = ValkeyPurges(client, "one"), ValkeyPurges(client, "other")
    async with listening(one, other) as heard:
        for message in (
            b"\xff", b"{}", b"7", b"[1, 2]", b'["x", 1, null, null, false]', b'["x", null, null, 7, false]',
            b'["x", null, null, "\\u2603", false]', b'["x", null, null, null, "yes"]',
        ):  # fmt: skip
            await client.publish(CHANNEL, message)
        await other.announce(PURGES[1])
        assert await heard() == PURGES[1]
    await client.aclose()
