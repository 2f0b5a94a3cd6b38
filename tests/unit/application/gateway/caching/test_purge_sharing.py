"""Processes tell each other what they have purged."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from brain_gateway.application.gateway.caching.purge_sharing import AGAIN, PurgeSharing
from brain_gateway.application.ports.response_store import Purge
from tests.fakes.purge_board import MemoryPurgeBoard, PostedPurges

pytestmark = pytest.mark.anyio
PURGE = Purge(None, "shop")


class Process:
    """One of those that share; `pauses` it has made while the board was away."""

    def __init__(self, posted: PostedPurges, member: str) -> None:
        self.followed: list[Purge] = []
        self.pauses: list[float] = []
        self.sharing = PurgeSharing(MemoryPurgeBoard(posted, member), self.followed.append, self._pause)

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def running(*processes):
    tasks = [asyncio.create_task(one.sharing.run()) for one in processes]
    await settled()
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_the_others_follow_at_once():
    posted = PostedPurges()
    one, other, third = (Process(posted, name) for name in ("one", "other", "third"))
    async with running(one, other, third):
        await one.sharing.tell(PURGE)
        await settled()
    assert (one.followed, other.followed, third.followed) == ([], [PURGE], [PURGE])


async def test_a_board_that_is_away_fails_no_purge_and_is_listened_to_again():
    posted = PostedPurges()
    one, other = Process(posted, "one"), Process(posted, "other")
    async with running(one, other):
        posted.go_away()
        await one.sharing.tell(PURGE)
        await settled()
        assert other.followed == []
        assert set(other.pauses) == {AGAIN}
        posted.away = False
        await settled()
        await one.sharing.tell(PURGE)
        await settled()
    assert other.followed == [PURGE]
