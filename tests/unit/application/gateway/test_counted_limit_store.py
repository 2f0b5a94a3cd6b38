"""Calls to the store of limits are counted, and passed on as they are."""

from __future__ import annotations

import pytest

from brain_gateway.application.gateway.counted_limit_store import CountedLimitStore
from brain_gateway.application.ports.limit_store import Pulse
from brain_gateway.domain.errors import LimitsUnavailable

pytestmark = pytest.mark.anyio


class Store:
    """Answers, until it is away."""

    def __init__(self) -> None:
        self.away = False
        self.heard: list[object] = []

    async def _answer(self, said: object, answer: object) -> object:
        self.heard.append(said)
        if self.away:
            raise LimitsUnavailable
        return answer

    async def lease(self, requests):
        return await self._answer(requests, [None])

    async def pulse(self, member, told=0):
        return await self._answer((member, told), Pulse(3))

    async def leave(self, member):
        await self._answer(member, None)


async def test_calls_and_failures_by_name():
    store = Store()
    counted = CountedLimitStore(store)
    assert await counted.pulse("one", 2) == Pulse(3)
    assert await counted.lease([]) == [None]
    assert (counted.calls, counted.failures) == (
        {"lease": 1, "pulse": 1, "leave": 0}, {"lease": 0, "pulse": 0, "leave": 0}
    )  # fmt: skip
    store.away = True
    for call in (counted.pulse("one"), counted.pulse("one"), counted.lease([]), counted.leave("one")):
        with pytest.raises(LimitsUnavailable):
            await call
    assert counted.calls == {"lease": 2, "pulse": 3, "leave": 1}
    assert counted.failures == {"lease": 1, "pulse": 2, "leave": 1}
    assert store.heard == [("one", 2), [], ("one", 0), ("one", 0), [], "one"]
