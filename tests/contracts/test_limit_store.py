"""What every LimitStore does: one suite over the one in memory, a real Valkey and a Cluster."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from brain_gateway.application.ports.limit_store import LeaseRequest, LimitStore
from brain_gateway.domain.errors import LimitsUnavailable
from brain_gateway.domain.resilience.leases import Ask, Grant, lease_life
from brain_gateway.domain.resilience.limits import RateLimit
from brain_gateway.infrastructure.valkey.connection import make_client
from brain_gateway.infrastructure.valkey.limits import ValkeyLimits, part_of
from tests.fakes.limit_store import MemoryLimits, StoredLimits
from tests.live.harness.gateway import eventually
from tests.live.harness.valkey import clients_of

pytestmark = pytest.mark.anyio

WIDE = RateLimit(100, 600.0)
LONG = 300.0  # seconds: no test that is held up takes so long


@dataclass
class Case:
    """A store that several processes reach; `pass_time` lets its clock go on, `lose` forgets all it knows."""

    connect: Callable[..., LimitStore]  # `settle`: seconds for reports after a loss
    clock: Callable[[], float]
    pass_time: Callable[[float], Awaitable[None]]
    lose: Callable[[], Awaitable[object]]
    stop: Callable[[], object]


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(params=["memory", "valkey", "cluster"])
async def case(request):
    if request.param == "memory":
        now = [1000.0]
        stored = StoredLimits(lambda: now[0])

        async def jump(seconds: float) -> None:
            now[0] += seconds

        async def lose() -> None:
            stored.lose()

        def reach(settle: float = LONG) -> LimitStore:
            stored.settle = settle
            return MemoryLimits(stored)

        yield Case(reach, lambda: now[0], jump, lose, lambda: setattr(stored, "away", True))
        return
    server = request.getfixturevalue(request.param)

    async def flush() -> None:
        server.flush()

    async with clients_of(server) as connect:

        def connected(settle: float = LONG) -> LimitStore:
            return ValkeyLimits(connect(), 5.0, os.urandom, settle)

        yield Case(connected, time.monotonic, asyncio.sleep, flush, server.stop)


@pytest.fixture
async def store(case):
    """One process, which has called."""
    store = case.connect()
    await store.pulse("one")
    return store


async def ask(
    store: LimitStore, want: int, need: int = 0, limit: RateLimit = WIDE, members: int = 1, **more: tuple
) -> Grant:
    request = LeaseRequest("caller|crm", limit, lease_life(limit), members, Ask(want, need, **more))
    grant = (await store.lease([request]))[0]
    assert grant is not None
    return grant


async def test_what_is_waited_for_is_granted_while_there_is_any(store):
    assert [(await ask(store, 40, 40)).count for _ in range(3)] == [40, 40, 20]
    full = await ask(store, 1, 1)
    assert (full.count, full.free) == (0, 0)
    assert 601.0 < full.retry_after < 613.0, "window, life, a thousandth for the clocks, a bucket"


async def test_what_is_taken_ahead_is_less_the_less_there_is(store):
    grants = [await ask(store, 100, 3, members=4) for _ in range(30)]
    assert [grant.count for grant in grants[:2]] == [12, 11]
    assert all(grant.count in (3, 2, 1, 0) for grant in grants[15:])
    assert sum(grant.count for grant in grants) == 100


async def test_questions_of_one_call_are_answered_in_order(store):
    requests = [
        LeaseRequest(f"k{at % 20}", WIDE, 1.0, 1, Ask(at + 1, at + 1)) for at in range(40)
    ]  # over several parts
    assert len({part_of(request.key) for request in requests}) > 1
    assert [grant and grant.count for grant in await store.lease(requests)] == [at + 1 for at in range(40)]
    assert await store.lease([]) == []


async def test_limits_are_apart(store):
    other = LeaseRequest("other", WIDE, 1.0, 1, Ask(100, 100))
    await ask(store, 100, 100)
    assert [grant and grant.count for grant in await store.lease([other])] == [100]


async def test_tokens_come_back_after_life_and_window(case, store):
    limit = RateLimit(5, 1.2)
    assert (await ask(store, 5, 5, limit)).count == 5
    await case.pass_time(0.15)
    refused = await ask(store, 1, 1, limit)
    assert refused.count == 0
    assert 0.0 < refused.retry_after <= 1.2
    await case.pass_time(refused.retry_after + 0.002)
    assert (await ask(store, 5, 5, limit)).count == 5


async def test_what_was_not_used_is_given_back_once(store):
    grant = await ask(store, 60, 60)
    again = await ask(store, 0, 0, back=((grant.receipt, 50),))
    assert again.free == 90
    assert (await ask(store, 0, 0, back=((grant.receipt, 50),))).free == 90, "so many are not held any more"
    assert (await ask(store, 0, 0, back=((7, 1),))).free == 90, "never granted"


async def test_reported_admissions_count(case, store):
    limit = RateLimit(10, 3.0)
    assert (await ask(store, 0, 0, limit, report=((1.0, 4), (5.0, 3)))).free == 3
    await case.pass_time(1.1)
    assert (await ask(store, 0, 0, limit)).free == 7
    assert (await ask(store, 0, 0, limit, report=((3.0, 50),))).free == 0
    assert (await ask(store, 1, 1, limit)).count == 0


async def test_a_token_counts_for_its_life_and_its_window(store):
    """And a thousandth of the window more; small limits are kept to the millisecond."""
    limit = RateLimit(60, 600.0)
    await ask(store, 60, 60, limit)
    assert 601.0 < (await ask(store, 1, 1, limit)).retry_after <= 601.601


async def test_a_burst_counts_as_if_used_at_the_end_of_its_life(store):
    limit = RateLimit(40, 400.0, burst=10)
    await ask(store, 10, 10, limit)
    assert 10.5 < (await ask(store, 1, 1, limit)).retry_after <= 11.0


async def test_bursts_are_spaced(case, store):
    limit = RateLimit(40, 4.0, burst=10)
    life, spacing = lease_life(limit), 0.1
    began, total = case.clock(), 0

    async def granted(want: int) -> Grant:
        nonlocal total
        grant = await ask(store, want, want, limit)
        total += grant.count
        assert total <= 10 + (case.clock() - began) / spacing
        return grant

    assert (await granted(20)).count == 10
    while not (refused := await granted(1)).retry_after:
        pass  # the test was held up meanwhile
    assert refused.count == 0
    assert refused.retry_after <= life + spacing + 0.001
    await case.pass_time(refused.retry_after + 0.002)
    assert (await granted(5)).count >= 1
    await case.pass_time(2 * life + 1.4)
    assert (await granted(20)).count == 10


async def test_small_limits_are_exact_and_large_ones_bounded(store):
    for _ in range(30):
        await ask(store, 1, 1, RateLimit(64, 600.0))
    last = await ask(store, 50, 50, RateLimit(64, 600.0))
    assert last.count == 34
    for _ in range(5):
        await ask(store, 1000, 1000, RateLimit(1_000_000, 600.0))


async def test_members_are_those_who_called_lately(case, store):
    other = case.connect()
    assert (await other.pulse("two")).members == 2
    assert (await store.pulse("one")).members == 2
    await other.leave("two")
    assert (await store.pulse("one")).members == 1
    await other.pulse("two")
    await case.pass_time(2.1)
    assert (await store.pulse("one")).members == 1


async def test_a_loss_is_told_to_each_and_waits_for_reports(case, store):
    other, late = case.connect(), case.connect()
    await other.pulse("two")
    await ask(store, 40, 40)
    assert (await store.pulse("one")).lost is None
    await case.lose()
    request = LeaseRequest("caller|crm", WIDE, 1.0, 1, Ask(1, 1))
    assert await other.lease([request]) == [None]
    pulse = await other.pulse("two")
    assert pulse.lost is not None
    assert pulse.lost("caller|crm")
    assert 0.0 < pulse.settling <= LONG
    assert await other.lease([request]) == [None], "not before the others have reported"
    assert await store.lease([request]) == [None]
    pulse = await store.pulse("one")
    assert pulse.lost is not None
    assert (await ask(store, 0, 0, report=((500.0, 40),))).free == 60
    assert (await late.pulse("three")).lost is None, "it has nothing to report"
    for who, name in ((store, "one"), (other, "two")):
        pulse = await who.pulse(name, told=2)
        assert pulse.lost is None
    assert pulse.settling == 0.0
    assert (await ask(other, 100, 100)).count == 60


async def test_a_loss_is_over_in_time_whoever_does_not_report(case, store):
    other = case.connect(settle=0.05)
    await other.pulse("two")
    await case.lose()
    assert (await other.pulse("two")).lost is not None
    await case.pass_time(0.051)
    assert (await other.pulse("two")).settling == 0.0
    assert (await ask(other, 100, 100)).count == 100


async def test_a_loss_is_over_when_as_many_have_reported_as_there_were(case, store):
    other, late = case.connect(), case.connect()
    await other.pulse("two")
    await case.lose()
    assert (await store.pulse("one", told=2)).settling > 0.0, "it had heard of no loss yet"
    assert (await store.pulse("one", told=2)).settling > 0.0
    assert (await store.pulse("one", told=2)).settling > 0.0, "the same one again"
    assert (await late.pulse("three")).settling > 0.0
    assert (await other.pulse("two", told=1)).settling > 0.0
    assert (await other.pulse("two", told=1)).settling == 0.0, "by the word of whoever counted most"
    assert (await ask(other, 1, 1)).count == 1
    await case.lose()
    assert (await store.pulse("one")).settling > 0.0, "another loss is another wait"


async def test_a_store_that_is_away_says_so(case, store):
    await ask(store, 1, 1)
    case.stop()
    with pytest.raises(LimitsUnavailable):
        await ask(store, 1, 1)
    with pytest.raises(LimitsUnavailable):
        await store.pulse("one")
    with pytest.raises(LimitsUnavailable):
        await store.leave("one")


# What the real one has beside


async def test_one_that_does_not_answer_is_away_and_found_again(shared_server):
    client = make_client(shared_server.url, 0.5)
    store = ValkeyLimits(client, 0.5, os.urandom)

    async def granted() -> bool:
        with contextlib.suppress(LimitsUnavailable):
            await store.pulse("one")
            return (await ask(store, 1, 1)).count == 1
        return False

    await eventually(granted, "it answers")
    shared_server.pause()
    try:
        with pytest.raises(LimitsUnavailable):
            await ask(store, 1, 1)
    finally:
        shared_server.resume()
    await eventually(granted, "it answers again")
    await client.aclose()


async def test_a_loop_that_was_held_up_gives_it_another_round(shared_server):
    """The timer fires late: it was this process that did nothing, not the store."""
    client = make_client(shared_server.url, 5.0)
    store = ValkeyLimits(client, 0.5, os.urandom)
    await store.pulse("one")
    asyncio.get_running_loop().call_later(0.001, time.sleep, 1.0)
    assert (await ask(store, 1, 1)).count == 1
    await client.aclose()


async def test_hashes_stay_small_and_go_with_their_limit(shared_server):
    client = make_client(shared_server.url, 5.0)
    store = ValkeyLimits(client, 5.0, os.urandom)
    await store.pulse("one")
    limit = RateLimit(100_000, 0.5)
    for _ in range(120):
        await ask(store, 10, 10, limit)
        await asyncio.sleep(0.002)
    key = f"{{bg{part_of('caller|crm')}}}:limit:caller|crm"
    assert 1 < await client.hlen(key) <= 80
    assert 0 < await client.pttl(key) <= 2000
    epoch = key.split(":")[0] + ":epoch"
    assert await client.exists(epoch)
    slots = {await client.execute_command("CLUSTER", "KEYSLOT", name) for name in (key, epoch)}
    assert len(slots) == 1, "a script touches one slot"
    await client.aclose()
