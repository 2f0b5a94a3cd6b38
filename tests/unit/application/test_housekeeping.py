"""Leases that end, clocks that jump, and what is forgotten."""

from __future__ import annotations

import asyncio

import pytest

from brain_gateway.application.authorization import SYSTEM
from brain_gateway.application.commands.instances import RegisterInstanceCommand, RenewInstanceCommand
from brain_gateway.application.housekeeping import EVERY, GAP, GRACE, KEPT, TIDY_EVERY, Housekeeping
from brain_gateway.application.scope import PLATFORM
from brain_gateway.domain.errors import ResourceNotFound
from tests.builders.gateway import service
from tests.builders.live import Process
from tests.builders.registry import a_record, an_event

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


class Watch:
    """A store whose instances are looked after; both clocks go as the test says."""

    def __init__(self, leases: bool = True, pause=asyncio.sleep) -> None:
        self.process = Process()
        self.store = self.process.store
        self.monotonic, self.wall = 100.0, self.process.clock.unix()
        self.process.commands._unix = lambda: self.wall
        self.keeper = Housekeeping(
            self.store, self.process.commands, lambda: self.monotonic, lambda: self.wall, leases, pause
        )

    async def register(self, name: str = "shop", ttl: float = 10.0):
        return await self.process.commands.execute(
            SYSTEM, RegisterInstanceCommand(service=service(name), ttl=ttl)
        )

    async def renew(self, instance, ttl: float = 10.0) -> None:
        await self.process.commands.execute(SYSTEM, RenewInstanceCommand(lease_id=instance.lease_id, ttl=ttl))

    def targets(self, name: str = "shop") -> int:
        items = self.store.state.services.values()
        return next(len(one.service.targets) for one in items if one.service.name == name)

    async def pass_time(self, seconds: float) -> None:
        """Time passes, with a look at the leases every second."""
        for _ in range(int(seconds)):
            self.monotonic += EVERY
            self.wall += EVERY
            await self.keeper.expire()


async def test_a_lease_that_ends_takes_its_target_out():
    watch = Watch()
    await watch.keeper.expire()
    instance = await watch.register()
    await watch.pass_time(8)
    await watch.renew(instance)
    await watch.pass_time(9)
    assert watch.targets() == 1
    await watch.pass_time(1)
    assert watch.targets() == 0
    with pytest.raises(ResourceNotFound):
        await watch.renew(instance)


async def test_a_clock_that_is_put_forward_ends_no_lease_of_who_lives():
    watch = Watch()
    await watch.keeper.expire()
    await watch.register("alive")
    await watch.register("silent")
    await watch.pass_time(5)
    watch.wall += 3600
    await watch.pass_time(2)
    assert (watch.targets("alive"), watch.targets("silent")) == (1, 1)
    alive = await watch.register("alive")  # its heartbeat was refused: the lease has ended
    for _ in range(int(GRACE) // 5):
        await watch.pass_time(5)
        await watch.renew(alive)
    assert (watch.targets("alive"), watch.targets("silent")) == (1, 0)


async def test_a_clock_that_is_put_back_ends_no_lease():
    watch = Watch()
    await watch.keeper.expire()
    await watch.register()
    watch.wall -= 3600
    await watch.pass_time(60)
    assert watch.targets() == 1


@pytest.mark.parametrize("gap", [GAP - 1, GAP + 1])
async def test_leases_that_ended_while_nobody_looked_get_their_time(gap):
    """The gateway was not there (a start is the same), or its store was not: nobody could renew."""
    watch = Watch()
    await watch.keeper.expire()
    await watch.register(ttl=2.0)
    watch.wall += gap
    watch.monotonic += gap
    await watch.keeper.expire()
    assert watch.targets() == int(gap > GAP)
    await watch.pass_time(GRACE)
    assert watch.targets() == 0


async def test_a_start_is_a_gap():
    watch = Watch()
    await watch.register()
    watch.wall += 11
    watch.monotonic += 11
    await watch.keeper.expire()
    assert watch.targets() == 1


async def test_old_events_and_answers_are_forgotten_now_and_then():
    watch = Watch()
    async with watch.store(PLATFORM) as unit:
        await unit.outbox.add([an_event(at=watch.wall - KEPT - 1), an_event(at=watch.wall)], 0)
        await unit.outbox.published([1, 2])
        await unit.idempotency.add(a_record(key="old", at=watch.wall - KEPT - 1))
        await unit.idempotency.add(a_record(key="new", at=watch.wall))
        await unit.commit()
    await watch.keeper.tidy()
    assert list(watch.store.state.outbox) == [2]
    assert [key for _, key in watch.store.state.idempotency] == ["new"]
    watch.wall += KEPT + 1
    await watch.keeper.tidy()
    assert list(watch.store.state.outbox) == [2], "not so soon, whatever the wall clock says"
    watch.monotonic += TIDY_EVERY
    await watch.keeper.tidy()
    assert list(watch.store.state.outbox) == []


@pytest.mark.parametrize("leases", [True, False])
async def test_it_goes_on_when_the_store_is_back(leases):
    rounds = []

    async def pause(seconds: float) -> None:
        rounds.append(seconds)
        watch.store.away = len(rounds) < 3
        if len(rounds) == 5:
            raise asyncio.CancelledError
        await asyncio.sleep(0)

    watch = Watch(leases, pause)
    with pytest.raises(asyncio.CancelledError):
        await watch.keeper.follow()
    assert rounds == [EVERY] * 5
    assert watch.keeper._tidied == watch.monotonic
    assert (watch.keeper._looked == watch.wall) is leases
