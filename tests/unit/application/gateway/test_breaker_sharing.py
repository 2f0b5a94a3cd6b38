"""Circuits that open in one process are open in all; announcements go round once."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from brain_gateway.application.gateway import breaker_sharing
from brain_gateway.application.gateway.breaker_sharing import BreakerSharing
from brain_gateway.application.ports.breaker_board import Notice
from brain_gateway.domain.events import CircuitClosed, CircuitOpened, ServiceRegistered
from brain_gateway.domain.resilience.circuit_breaker import BreakerPolicy, BreakerState
from tests.builders.gateway import TENANT, FakeGateway, service
from tests.fakes.breaker_board import MemoryBoard, PostedNotices

pytestmark = pytest.mark.anyio

A = "http://a:1"
POLICY = BreakerPolicy(failures=3, reset_timeout=60.0)


class Process:
    """One process with a breaker for the one target of `shop`."""

    def __init__(self, posted: PostedNotices, name: str, tenant_id: str | None = None) -> None:
        self.gateway = FakeGateway(service("crm"))
        self.clock = self.gateway.clock
        self.sharing = BreakerSharing(MemoryBoard(posted, name), self.gateway.targets, self.clock)
        self.tenant_id = tenant_id
        self.offer()

    def offer(self) -> None:
        self.gateway.replace(service("shop", A, breaker=POLICY, tenant_id=self.tenant_id))

    @property
    def breaker(self):
        return self.gateway.entry("shop", self.tenant_id).targets[0].breaker

    def fail(self) -> None:
        """As the settlement does it: count failures, tell when the circuit opens."""
        for _ in range(3):
            if self.breaker.failed(self.clock()):
                self.sharing.heed(self._event(CircuitOpened))

    def succeed(self) -> None:
        if self.breaker.succeeded(self.clock()):
            self.sharing.heed(self._event(CircuitClosed))

    def _event(self, kind):
        return kind(occurred_at=0.0, tenant_id=self.tenant_id, service="shop", target=A)


@pytest.fixture
def posted():
    return PostedNotices(lambda: 1000.0)


@contextlib.asynccontextmanager
async def running(*processes: Process):
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(process.sharing.run()) for process in processes]
        await settled()
        yield
        for task in tasks:
            task.cancel()


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.mark.parametrize("tenant_id", [None, TENANT])
async def test_an_opening_trips_the_others_and_goes_round_once(posted, tenant_id):
    one, other = Process(posted, "one", tenant_id), Process(posted, "other", tenant_id)
    async with running(one, other):
        one.fail()
        await settled()
        assert other.breaker.state is BreakerState.OPEN
        assert other.breaker.retry_after(other.clock()) == pytest.approx(60.0)
        assert other.sharing._untold.empty()
        assert len(posted.open) == 1


async def test_a_closing_lets_the_others_try_at_once(posted):
    one, other = Process(posted, "one"), Process(posted, "other")
    async with running(one, other):
        one.fail()
        await settled()
        one.clock.now += 61.0
        assert one.breaker.admit(one.clock())
        one.succeed()
        await settled()
        assert other.breaker.state is BreakerState.OPEN
        assert other.breaker.admit(other.clock()), "a trial"
        assert not other.breaker.admit(other.clock()), "one at a time"
        assert posted.open == {}


async def test_a_process_that_starts_learns_what_is_open_and_for_how_long(posted):
    late = Process(posted, "late")
    posted.open["shop", A] = 1020.0
    async with running(late):
        assert late.breaker.retry_after(late.clock()) == pytest.approx(20.0)


async def test_what_is_open_is_remembered_for_targets_that_come_later(posted):
    late = Process(posted, "late")
    late.gateway.targets.forget("shop")
    posted.open["shop", A] = 1020.0
    async with running(late):
        late.offer()
        assert late.breaker.retry_after(late.clock()) == pytest.approx(20.0)
        late.gateway.targets.forget("shop")
        late.clock.now += 21.0
        late.offer()
        assert late.breaker.calm


async def test_what_is_remembered_is_bounded(posted, monkeypatch):
    monkeypatch.setattr(breaker_sharing, "MOST_REMEMBERED", 2)
    process = Process(posted, "one")
    for target in ("x", "y", "z"):
        process.sharing._follow(Notice("shop", target, 5.0))
    assert len(process.sharing._open) == 2
    process.clock.now += 6.0
    process.sharing._follow(Notice("shop", "z", 5.0))
    assert list(process.sharing._open) == [("shop", "z")]


async def test_a_board_that_was_away_is_heard_again(posted, monkeypatch):
    monkeypatch.setattr(breaker_sharing, "AGAIN", 0.0)
    one, other = Process(posted, "one"), Process(posted, "other")
    async with running(one, other):
        posted.go_away()
        one.fail()
        await settled()
        assert other.breaker.calm, "each finds out for itself"
        posted.away = False
        await settled()
        one.clock.now += 61.0
        assert one.breaker.admit(one.clock())
        one.fail()
        await settled()
        assert other.breaker.state is BreakerState.OPEN


async def test_other_events_and_unknown_targets_are_none_of_its_business(posted):
    process = Process(posted, "one")
    process.sharing.heed(ServiceRegistered(occurred_at=0.0, service="shop"))
    process.sharing.heed(CircuitOpened(occurred_at=0.0, service="shop", target="http://nobody:1"))
    process.sharing._follow(Notice("nobody", A, 0.0))
    assert process.sharing._untold.empty()


async def test_what_cannot_be_told_is_dropped(posted):
    process = Process(posted, "one")
    for _ in range(breaker_sharing.MOST_UNTOLD + 5):
        process.sharing.heed(process._event(CircuitOpened))
    assert process.sharing._untold.full()
