"""Two gateways of two workers on a Cluster: never more than the limit, whatever becomes of its nodes."""

from __future__ import annotations

import asyncio

import pytest

from brain_gateway.infrastructure.valkey.limits import PARTS
from tests.builders.raw_server import closed_port
from tests.live.harness.gateway import Gateway, eventually
from tests.live.harness.rig import configuration, service
from tests.live.harness.sharing import Load, Touch, gateways, in_a_row, limit
from tests.live.harness.upstream import scripted_upstream
from tests.live.harness.valkey_cluster import ClusterNode, ValkeyCluster, running_cluster

pytestmark = pytest.mark.anyio

SERVICES = {
    "full": limit(150, "10m"),
    "moved": limit(80, "10m"),
    "stopped": limit(80, "10m"),
    "killed": limit(80, "10m"),
    "paused": limit(80, "10m"),
    "replaced": limit(80, "10m"),
    "ample": limit(8000, "10m"),
}
WORKERS = 2  # of each of two gateways
FAILURES = 20  # more than those who look whether a circuit is open make themselves
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
    """All of its nodes run."""
    nodes.revive()
    return nodes


@pytest.fixture(scope="module")
async def upstream():
    async with scripted_upstream() as service:
        yield service


@pytest.fixture(autouse=True)
def quiet(upstream):
    upstream.reset()


@pytest.fixture(scope="module")
async def started(upstream, nodes, tmp_path_factory):
    """Two gateways; each test has a service of its own."""
    services = {name: service(upstream.url, **policy) for name, policy in SERVICES.items()}
    services["away"] = service(
        f"http://127.0.0.1:{closed_port()}", breaker={"failures": FAILURES, "reset_timeout": "60s"}
    )
    config = configuration(services)
    folder = tmp_path_factory.mktemp("gateways")
    async with gateways(folder, config, WORKERS, WORKERS, REDIS_URL=nodes.url) as running:
        yield running


def node_of(cluster: ValkeyCluster, tag: str) -> ClusterNode:
    """A node without which limits are not shared, its replica ended: it comes back without its data."""
    node = cluster.owner(tag)
    cluster.replica_of(node).kill()
    return node


async def test_processes_share_over_all_nodes(upstream, cluster, started):
    async with Load(started, "full") as load:
        await load.answered("429", 800)
    assert set(load.answers) == {"200", "429"}
    assert load.answers["200"] == len(upstream.arrivals)
    assert 120 <= len(upstream.arrivals) <= 150
    assert all(node.ask("DBSIZE") > 0 for node in cluster.nodes if node.ask("ROLE")[0] == "master")


@pytest.mark.parametrize("way", ["stopped", "killed", "paused"])
async def test_a_full_limit_stays_full_while_a_node_is_away(upstream, cluster, started, way):
    """Nothing but decisions, though the node comes back without its data."""
    touch = Touch(started, WORKERS)
    async with Load(started, way, 4) as load:
        await load.full()
        node = await asyncio.to_thread(node_of, cluster, "{bg3}")
        {"stopped": node.stop, "killed": node.kill, "paused": node.pause}[way]()
        await touch.lost()
        await load.answered("429", 200)
        node.resume() if way == "paused" else node.start()
        await touch.found()
        await load.answered("429", 200)
    assert set(load.answers) == {"200", "429"}
    assert 60 <= len(upstream.arrivals) <= 80


async def test_a_full_limit_stays_full_when_a_replica_takes_over(upstream, cluster, started):
    async with Load(started, "replaced", 4) as load:
        await load.full()
        for tag in ("{bg}", "{bg0}", "{bg3}"):  # of three nodes, unless an earlier one has them too
            touch = Touch(started, WORKERS)
            node = cluster.owner(tag)
            replica = cluster.replica_of(node)
            node.kill()
            await touch.lost()
            await asyncio.to_thread(cluster.take_over, replica)
            await touch.found()
            node.start()
            await asyncio.to_thread(cluster.settled)
        await load.answered("429", 200)
    assert set(load.answers) == {"200", "429"}
    assert 60 <= len(upstream.arrivals) <= 80


@pytest.mark.parametrize("name", ["moved", "ample"])
async def test_slots_move_under_load(upstream, cluster, started, name):
    """A limit that is full stays so; one that is not goes on."""
    async with Load(started, name, 4) as load:
        await (load.full() if name == "moved" else load.answered("200", 100))
        for tag in TAGS[::3]:
            owner = cluster.owner(tag)
            others = {node.port: node for node in map(cluster.owner, TAGS) if node is not owner}
            await asyncio.to_thread(cluster.move_slot, tag, next(iter(others.values())))
        await load.answered("429" if name == "moved" else "200", 200)
    assert set(load.answers) <= {"200", "429"}
    assert len(upstream.arrivals) == load.answers["200"] <= SERVICES[name]["limit"]["requests"]


async def test_a_circuit_that_opens_in_one_process_is_open_in_all(cluster, started):
    async def is_open(gateway: Gateway) -> bool:
        answers = [await gateway.get("/away/x") for _ in range(2)]
        return all(answer.json()["type"] == "urn:brain-gateway:problem:circuit-open" for answer in answers)

    assert set(await in_a_row(started[0], "/away/x", FAILURES)) == {503}
    await eventually(lambda: is_open(started[1]), "it is open there")
