"""Who waits for a token: in order, for ever never, and nothing is lost with who leaves."""

from __future__ import annotations

import asyncio

import pytest

from brain_gateway.application.gateway import limit_waits
from brain_gateway.application.gateway.limit_waits import Awaited, LimitWaits
from brain_gateway.domain.errors import LimitsUnavailable
from brain_gateway.domain.resilience.leases import Ask, Grant, LeasedWindow, LeaseTerms
from brain_gateway.domain.resilience.limits import RateLimit

pytestmark = pytest.mark.anyio

NOW = 10.0


class Desk:
    """A window that somebody else supplies."""

    def __init__(self) -> None:
        self.waits = LimitWaits()
        self.calls = 0
        self.window = LeasedWindow("k", RateLimit(100, 60.0), LeaseTerms(), self._called)
        self.admitted: list[int] = []

    def _called(self, window: LeasedWindow) -> None:
        self.calls += 1

    async def request(self, name: int) -> None:
        await Awaited(self.waits, self.window).wait()
        if self.window.admit(NOW):
            self.admitted.append(name)

    async def crowd(self, number: int) -> list[asyncio.Task[None]]:
        tasks = [asyncio.create_task(self.request(name)) for name in range(number)]
        await asyncio.sleep(0)
        return tasks

    def supply(self, need: int, count: int) -> None:
        self.window.granted(NOW, NOW, Ask(need, need), Grant(count, retry_after=5.0))
        self.waits.settle(self.window, need, count, NOW)


@pytest.fixture
def desk():
    return Desk()


async def test_all_are_called_for_once(desk):
    tasks = await desk.crowd(5)
    assert (desk.window.waiting, desk.calls) == (5, 1)
    desk.supply(5, 5)
    await asyncio.gather(*tasks)
    assert (desk.admitted, desk.window.waiting) == ([0, 1, 2, 3, 4], 0)


async def test_nobody_overtakes(desk):
    """A token that is kept for one who waited is not there for one who comes just now."""
    tasks = await desk.crowd(2)
    desk.supply(2, 2)
    assert not desk.window.admit(NOW)
    await asyncio.gather(*tasks)
    assert desk.admitted == [0, 1]


async def test_a_refusal_is_for_all(desk):
    tasks = await desk.crowd(4)
    desk.supply(2, 1)
    await asyncio.gather(*tasks)
    assert desk.admitted == [0]
    assert not desk.window.undecided(NOW)


async def test_who_came_after_the_question_waits_for_the_next(desk):
    tasks = await desk.crowd(3)
    desk.supply(2, 2)
    await asyncio.sleep(0)
    assert (desk.window.waiting, desk.calls) == (1, 2)
    desk.supply(1, 1)
    await asyncio.gather(*tasks)
    assert desk.admitted == [0, 1, 2]


async def test_tokens_that_come_too_late_are_no_reason_to_wait_for_ever(desk):
    tasks = await desk.crowd(2)
    desk.window.granted(NOW - desk.window.life, NOW, Ask(2, 2), Grant(2))
    desk.waits.settle(desk.window, 2, 2, NOW)
    await asyncio.gather(*tasks)
    assert desk.admitted == []


async def test_all_are_released_when_the_store_is_away(desk):
    tasks = await desk.crowd(3)
    desk.waits.release()
    await asyncio.gather(*tasks)
    assert (desk.admitted, desk.window.waiting, desk.waits._fates) == ([], 0, {})


async def test_a_wait_ends_though_nobody_answers(desk, monkeypatch):
    monkeypatch.setattr(limit_waits, "LONGEST", 0.0)
    await asyncio.gather(*await desk.crowd(3))
    assert (desk.window.waiting, desk.waits._fates) == (0, {})


async def test_who_leaves_makes_room(desk):
    first, second = await desk.crowd(2)
    first.cancel()
    await asyncio.sleep(0)
    assert desk.window.waiting == 1
    desk.supply(1, 1)
    await second
    assert desk.admitted == [1]


async def test_a_token_of_one_who_leaves_at_the_last_moment_is_for_others(desk):
    [task] = await desk.crowd(1)
    desk.supply(1, 1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    assert desk.window.admit(NOW)


async def test_after_some_rounds_it_is_the_gateways_fault(desk):
    refusal = Awaited(desk.waits, desk.window).refusal()
    assert isinstance(refusal.error, LimitsUnavailable)
    assert refusal.headers == (("Retry-After", "1"),)


async def test_answers_for_nobody_change_nothing(desk):
    desk.waits.settle(desk.window, 0, 0, NOW)
    assert desk.calls == 0


async def test_one_who_leaves_in_the_turn_in_which_it_is_decided(desk):
    """It is cancelled and has not run yet when the answer comes."""
    first, second = await desk.crowd(2)
    first.cancel()
    desk.supply(2, 2)
    await asyncio.gather(first, second, return_exceptions=True)
    assert (desk.admitted, desk.window.waiting) == ([1], 0)
    assert [desk.window.admit(NOW) for _ in range(2)] == [True, False]
