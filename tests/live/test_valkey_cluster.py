"""Clients of a real Cluster on its bad days: slots that move, nodes that die, stop and are replaced."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable

import pytest

from brain_gateway.application.ports.breaker_board import Notice
from brain_gateway.application.ports.limit_store import LeaseRequest
from brain_gateway.application.ports.outbox import EventEnvelope
from brain_gateway.application.ports.response_store import Purge, ResourceKey
from brain_gateway.domain.errors import LimitsUnavailable, StoreUnavailable
from brain_gateway.domain.resilience.leases import Ask
from brain_gateway.domain.resilience.limits import RateLimit
from brain_gateway.infrastructure.valkey.breakers import OPEN, ValkeyBreakers
from brain_gateway.infrastructure.valkey.client import Client
from brain_gateway.infrastructure.valkey.connection import make_client, move
from brain_gateway.infrastructure.valkey.event_bus import STREAM, ValkeyEventBus
from brain_gateway.infrastructure.valkey.limits import PARTS, ValkeyLimits, part_of
from brain_gateway.infrastructure.valkey.response_store import ValkeyResponses
from tests.builders.gateway import TENANT
from tests.builders.stored import stored
from tests.live.harness.gateway import eventually
from tests.live.harness.valkey import clients_of, running_valkey
from tests.live.harness.valkey_cluster import ClusterNode, ValkeyCluster, running_cluster

pytestmark = pytest.mark.anyio

TAGS = ["{bg}", *(f"{{bg{part}}}" for part in range(PARTS))]


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    with running_cluster(tmp_path_factory.mktemp("cluster"), replicas=1) as cluster:
        yield cluster


@pytest.fixture
def cluster(nodes: ValkeyCluster) -> ValkeyCluster:
    """All of its nodes run, and it is empty."""
    nodes.revive()
    nodes.flush()
    return nodes


@pytest.fixture
async def client(cluster: ValkeyCluster) -> AsyncIterator[Client]:
    client = make_client(cluster.url, 5.0)
    yield client
    await client.aclose()


def next_primary(cluster: ValkeyCluster, key: str) -> ClusterNode:
    """A primary that does not have this key."""
    owners = {cluster.owner(tag).port: cluster.owner(tag) for tag in TAGS}
    return next(node for port, node in owners.items() if port != cluster.owner(key).port)


@contextlib.asynccontextmanager
async def all_the_while(work: Callable[[], object]) -> AsyncIterator[None]:
    """Does it again and again, and to its end."""
    going = True

    async def repeat() -> None:
        while going:
            await work()

    async with asyncio.TaskGroup() as group:
        group.create_task(repeat())
        yield
        going = False


async def test_every_slot_is_found_from_one_node(client):
    for at in range(300):
        await client.set(f"key {at}", at)
    async with client.pipeline(transaction=False) as pipe:
        for at in range(300):
            pipe.get(f"key {at}")
        assert await pipe.execute() == [b"%d" % at for at in range(300)]


async def test_slots_that_move_under_load_lose_and_repeat_nothing(cluster, client):
    """Counters are exact, no command fails, no limit is exceeded."""
    counted: Counter[str] = Counter()
    granted: Counter[int] = Counter()
    tags = itertools.cycle(TAGS)
    numbers = itertools.cycle(range(16))
    store = ValkeyLimits(client, 5.0, os.urandom)
    await store.pulse("one")

    async def count() -> None:
        keys = [f"{next(tags)}:count" for _ in range(5)]
        async with client.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.incr(key)
            await pipe.execute()
        counted.update(keys)

    async def lease() -> None:
        number = next(numbers)
        request = LeaseRequest(f"limit {number}", RateLimit(10, 600.0), 1.0, 1, Ask(1, 1))
        with contextlib.suppress(LimitsUnavailable):  # some of its keys are here, some there
            [grant] = await store.lease([request])
            assert grant is not None, "no part has lost its data"
            granted[number] += grant.count

    async with all_the_while(count), all_the_while(count), all_the_while(lease):
        for tag in TAGS:
            to = await asyncio.to_thread(next_primary, cluster, tag)
            await asyncio.to_thread(cluster.move_slot, tag, to)
        done = counted.total()
        await eventually(lambda: counted.total() > done + 200, "they go on")
    for key, number in counted.items():
        assert int(await client.get(key)) == number
    assert (await store.pulse("one")).lost is None
    for number in range(16):
        request = LeaseRequest(f"limit {number}", RateLimit(10, 600.0), 1.0, 1, Ask(10, 10))
        [grant] = await store.lease([request])
        assert grant is not None
        assert granted[number] + grant.count <= 10


async def test_a_slot_that_stays_between_two_nodes(cluster, client):
    """What is still there is used there, what is gone or new is at the other one."""
    key = "{bg}:between"
    to = await asyncio.to_thread(next_primary, cluster, key)
    await client.set("{bg}:stays", 1)
    await asyncio.to_thread(cluster.open_slot, key, to)
    board = ValkeyBreakers(client, "one")
    bus = ValkeyEventBus(client)
    assert await client.get("{bg}:stays") == b"1"
    await client.set(key, 2)
    assert await client.get(key) == b"2"
    await board.announce(Notice("crm", "http://h", 30.0))
    await bus.publish([event(1), event(2)])
    assert await client.xlen(STREAM) == 2
    assert to.ask("CLUSTER", "COUNTKEYSINSLOT", to.ask("CLUSTER", "KEYSLOT", key)) == 3
    await asyncio.to_thread(cluster.move_keys, key, to)
    await asyncio.to_thread(cluster.close_slot, key, to)
    assert await client.get("{bg}:stays") == b"1"


async def test_a_purge_is_not_overlooked_while_keys_are_in_two_places(cluster, client, monkeypatch):
    """What was asked for before it is not kept, though its word is at one node and the rest at the other."""
    monkeypatch.setattr("brain_gateway.infrastructure.valkey.response_store.LEFT_ALONE", 0.0)
    store, where = ValkeyResponses(client, 5.0, 1 << 20), ResourceKey(TENANT, "shop", b"/items")
    found = await store.find(where, lambda vary: b"")
    await store.purge(Purge(TENANT))
    tag = f"{{bg:{TENANT}}}"
    to = await asyncio.to_thread(next_primary, cluster, tag)
    await asyncio.to_thread(cluster.open_slot, tag, to)
    await asyncio.to_thread(cluster.move_key, f"{tag}:rc:seq", to)
    assert not await store.keep(where, stored(), found.mark)
    await asyncio.to_thread(cluster.move_keys, tag, to)
    await asyncio.to_thread(cluster.close_slot, tag, to)
    assert not await store.keep(where, stored(), found.mark)
    found = await store.find(where, lambda vary: b"")
    assert await store.keep(where, stored(), found.mark)


def event(number: int) -> EventEnvelope:
    return EventEnvelope(
        id=number, type="ServiceUpdated", aggregate="service/platform/crm", tenant_id=None,
        occurred_at=1_700_000_000.0, data={}, version=number,
    )  # fmt: skip


@pytest.mark.parametrize("way", ["killed", "paused"])
async def test_a_replica_takes_the_place_of_a_node(cluster, way):
    """Limits, events and circuits go on with it; the node that comes back is found to be a replica."""
    primary = cluster.owner(OPEN)
    replica = cluster.replica_of(primary)
    async with clients_of(cluster, 1.0) as connect, contextlib.AsyncExitStack() as stack:
        limits = ValkeyLimits(connect(), 0.5, os.urandom)
        bus = await stack.enter_async_context(ValkeyEventBus(connect()))
        heard: list[int] = []
        told: list[Notice] = []
        bus.subscribe(lambda found: heard.append(found.id))
        other = ValkeyBreakers(connect(), "other")
        stack.enter_context(cancelled(listen(ValkeyBreakers(connect(), "one", 0.2), told)))
        numbers = itertools.count(1)

        async def all_work() -> bool:
            number = next(numbers)
            with contextlib.suppress(LimitsUnavailable, StoreUnavailable):
                await limits.pulse("one")
                await bus.publish([event(number)])
                await other.announce(Notice("crm", f"http://{number}", 30.0))
                await eventually(
                    lambda: number in heard and any(str(number) in one.target for one in told), "", 5.0
                )
                return True
            return False

        async def works_again() -> bool:
            with contextlib.suppress(AssertionError):
                return await all_work()
            return False

        await eventually(works_again, "all work")
        {"killed": primary.kill, "paused": primary.pause}[way]()
        with pytest.raises(LimitsUnavailable):
            await limits.pulse("one")
        await asyncio.to_thread(cluster.take_over, replica)
        await eventually(works_again, "all work with the replica")
        {"killed": primary.start, "paused": primary.resume}[way]()
        await asyncio.to_thread(cluster.settled)
        assert primary.ask("ROLE")[0] == "slave"
        await eventually(works_again, "all work")


async def listen(board: ValkeyBreakers, told: list[Notice]) -> None:
    while True:
        with contextlib.suppress(StoreUnavailable):
            async for notice in board.notices():
                told.append(notice)  # noqa: PERF401 - it is looked at while it grows
        await asyncio.sleep(0.05)


@contextlib.contextmanager
def cancelled(work):
    task = asyncio.create_task(work)
    yield
    task.cancel()


async def test_one_part_is_lost_when_its_node_comes_back_empty(cluster, client):
    """Its limits alone are reported anew."""
    store = ValkeyLimits(client, 5.0, os.urandom)
    await store.pulse("one")
    node = cluster.owner("{bg3}")
    follower = cluster.replica_of(node)
    follower.kill()
    node.kill()
    with pytest.raises(LimitsUnavailable):
        await store.pulse("one")
    node.start()
    found = []

    async def pulses() -> bool:
        with contextlib.suppress(LimitsUnavailable):
            found.append(await store.pulse("one"))
        return bool(found)

    await eventually(pulses, "it is back")
    lost = found[0].lost
    assert lost is not None
    kept = {tag for tag in TAGS[1:] if cluster.owner(tag) is not node}
    for number in range(64):
        assert lost(f"k{number}") == (f"{{bg{part_of(f'k{number}')}}}" not in kept)


async def test_a_client_leads_from_a_server_to_a_cluster_and_back(cluster, tmp_path):
    with running_valkey(tmp_path) as server:
        client = make_client(server.url, 5.0)
        await client.set("{bg3}:x", "one")
        assert client.router is None
        await move(client, cluster.url, 5.0)
        await client.set("{bg3}:x", "many")
        assert client.router is not None
        await move(client, server.url, 5.0)
        assert await client.get("{bg3}:x") == b"one"
        await client.aclose()


async def test_a_user_who_may_not_ask_where_keys_are_is_told(cluster):
    """It is used as one server is, as far as that goes."""
    for node in cluster.nodes:
        node.ask("ACL", "SETUSER", "narrow", "on", "nopass", "~*", "&*", "+@all", "-cluster")
    client = make_client(cluster.url.replace("redis://", "redis://narrow:x@"), 5.0)
    with pytest.raises(LimitsUnavailable, match="CLUSTER SLOTS"):
        await ValkeyLimits(client, 5.0, os.urandom).pulse("one")
    for node in cluster.nodes:
        node.ask("ACL", "SETUSER", "narrow", "+cluster|slots")
    assert (await ValkeyLimits(client, 5.0, os.urandom).pulse("one")).members == 1, (
        "what moved is asked about again"
    )
    await client.aclose()
