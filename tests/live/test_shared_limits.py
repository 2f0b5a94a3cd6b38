"""Two gateways of four workers on one Valkey: never more than the limit, whatever becomes of the store."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import yaml

from tests.builders.raw_server import closed_port
from tests.live.harness.gateway import Gateway, eventually
from tests.live.harness.rig import configuration, service
from tests.live.harness.sharing import Load, Touch, gateways, in_a_row, limit
from tests.live.harness.upstream import scripted_upstream
from tests.live.harness.valkey import running_valkey

pytestmark = pytest.mark.anyio

UNAVAILABLE = "urn:brain-gateway:problem:limits-unavailable"


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


SERVICES = {
    "full": limit(150, "10m"),
    "sliding": limit(120, "1500ms"),
    "narrow": limit(40, "10m"),
    "stopped": limit(80, "10m"),
    "killed": limit(80, "10m"),
    "paused": limit(80, "10m"),
    "ample": limit(8000, "10m"),
    "lost": limit(80, "10m"),
}
WORKERS = 4  # of each of two gateways
FAILURES = 40  # more than those who look whether a circuit is open make themselves


@pytest.fixture(scope="module")
def valkey(tmp_path_factory):
    with running_valkey(tmp_path_factory.mktemp("store")) as server:
        yield server


@pytest.fixture(scope="module")
async def upstream():
    async with scripted_upstream() as service:
        yield service


@pytest.fixture(autouse=True)
def quiet(upstream):
    upstream.reset()


@pytest.fixture(scope="module")
async def both(upstream, valkey, tmp_path_factory):
    """Two gateways of four workers on one Valkey; each test has a service of its own."""
    services = {name: service(upstream.url, **policy) for name, policy in SERVICES.items()}
    services["away"] = service(
        f"http://127.0.0.1:{closed_port()}", breaker={"failures": FAILURES, "reset_timeout": "60s"}
    )
    folder = tmp_path_factory.mktemp("both")
    config = configuration(services)
    async with gateways(folder, config, WORKERS, WORKERS, REDIS_URL=valkey.url) as started:
        yield started


def offering(upstream, requests: int) -> dict:
    """A service `crm` with a limit that lasts longer than a test."""
    return configuration({"crm": service(upstream.url, **limit(requests, "10m"))})


async def test_eight_processes_admit_no_more_than_the_limit(upstream, both):
    """All at once, and for as long as it is full."""
    async with Load(both, "full") as load:
        await load.answered("429", 1500)
    assert set(load.answers) == {"200", "429"}
    assert load.answers["200"] == len(upstream.arrivals)
    assert 120 <= len(upstream.arrivals) <= 150


async def test_no_window_holds_more_while_it_slides(both):
    """A request was admitted between the instants at which it was sent and answered, however busy the machine is. On
    one that is very busy tokens of so short a window are void when they come, several times running."""
    async with Load(both, "sliding") as load:
        await load.answered("200", 3 * 120)
    assert set(load.answers) <= {"200", "429", f"503 {UNAVAILABLE}"}
    for first, _ in load.admitted:
        within = [one for one in load.admitted if first <= one[0] and one[1] <= first + 1.5]
        assert len(within) <= 120


async def test_one_process_can_use_nearly_all_of_it(both):
    """The tokens go where the requests are."""
    statuses = await in_a_row(both[0], "/narrow/x", 45)
    assert 36 <= statuses.count(200) <= 40
    assert statuses[-1] == 429


# The store fails


@pytest.mark.parametrize("way", ["stopped", "killed", "paused"])
async def test_a_full_limit_stays_full_while_the_store_is_away(upstream, both, valkey, way):
    """Nothing but decisions while it is away and when it is back, though it has lost its data."""
    touch = Touch(both, WORKERS)
    async with Load(both, way, 4) as load:
        await load.full()
        {"stopped": valkey.stop, "killed": valkey.kill, "paused": valkey.pause}[way]()
        await touch.lost()
        await load.answered("429", 200)
        valkey.resume() if way == "paused" else valkey.start()
        await touch.found()
        await load.answered("429", 200)
    assert set(load.answers) == {"200", "429"}
    assert 60 <= len(upstream.arrivals) <= 80


async def test_what_is_left_is_shared_while_the_store_is_away(both, valkey):
    touch = Touch(both, WORKERS)
    async with Load(both, "ample", 4) as load:
        await load.answered("200", 100)
        valkey.pause()
        await touch.lost()
        await load.answered("200", 300)
        valkey.resume()
        await touch.found()
        await load.answered("200", 100)
    assert set(load.answers) == {"200"}


async def test_a_store_that_lost_its_data_is_told_what_was_admitted(upstream, both, valkey):
    """Restarted empty under load: nobody begins anew."""
    touch = Touch(both, WORKERS)
    async with Load(both, "lost", 4) as load:
        await load.full()
        admitted = load.answers["200"]
        valkey.restart()
        await touch.found()
        await load.answered("429", 400)
    assert set(load.answers) == {"200", "429"}
    assert 60 <= admitted <= len(upstream.arrivals) <= 80


async def test_refusing_without_the_store_is_a_decision_too(upstream, valkey, tmp_path):
    refusing = {"REDIS_URL": valkey.url, "LIMITS_WITHOUT_STORE": "refuse"}
    config = offering(upstream, 100_000)
    async with gateways(tmp_path, config, 2, **refusing) as started, Load(started, "crm", 4) as load:
        await load.answered("200", 50)
        valkey.pause()
        await load.answered(f"503 {UNAVAILABLE}", 50)
        answer = await started[0].get("/crm/x")
        assert (answer.status, answer.get("retry-after")) == (503, "1")
        valkey.resume()
        await load.answered("200", 200)
        assert set(load.answers) == {"200", f"503 {UNAVAILABLE}"}


async def test_it_starts_without_the_store_and_finds_it(upstream, valkey, tmp_path):
    valkey.stop()
    async with gateways(tmp_path, offering(upstream, 30), 1, REDIS_URL=valkey.url) as started:
        assert (await started[0].get("/crm/x")).status == 200
        touch = Touch(started, workers=1)
        valkey.start()
        await touch.found()
        assert (await started[0].get("/crm/x")).status == 200


# The embedded Valkey


def folders(place: Path) -> list[Path]:
    """Where gateways of this data directory keep their sockets."""
    return list(place.glob("valkey-*"))


def is_gone(pid: int) -> bool:
    """Whether there is no such process."""
    return not Path(f"/proc/{pid}").exists()


async def test_workers_without_redis_url_share_a_valkey_of_their_own(upstream, tmp_path):
    """One that dies is started anew, and told what was admitted; at the end nothing is left of it."""
    async with gateways(tmp_path, offering(upstream, 40), 4) as started:
        [gateway] = started
        assert [folder.stat().st_mode & 0o777 for folder in folders(tmp_path / "g0")] == [0o700]
        statuses = await in_a_row(gateway, "/crm/x", 45)
        assert 36 <= statuses.count(200) <= 40, "more than a fourth for one of four"
        touch = Touch(started, WORKERS)
        [before] = gateway.valkeys()
        os.kill(before, signal.SIGKILL)
        await touch.found()
        [valkey] = gateway.valkeys()
        assert valkey != before
        assert set(await in_a_row(gateway, "/crm/x", 45)) <= {200, 429}
        assert len(upstream.arrivals) <= 40
    assert is_gone(valkey)
    assert folders(tmp_path / "g0") == []


async def test_gateways_of_one_data_directory_have_one_each(upstream, tmp_path):
    """What a killed one left is cleared away, what a running one has is not; it ends with its gateway."""
    shared = tmp_path / "data"
    left = shared / "valkey-gone"
    left.mkdir(parents=True)
    (left / "lock").touch()
    config, variables = offering(upstream, 40), {"BRAIN_GATEWAY_DATA_DIR": str(shared)}
    async with gateways(tmp_path, config, 2, 2, **variables) as [one, other]:
        assert len(folders(shared)) == 2
        assert left not in folders(shared)
        assert [(await gateway.get("/crm/x")).status for gateway in (one, other)] == [200, 200]
        ending = [*one.valkeys(), *one.workers()]
        assert len(ending) == 3
        one.signal(signal.SIGKILL)
        await eventually(lambda: all(map(is_gone, ending)), "all have ended")
        one.process.wait()
        one.process.returncode = 0  # this end was asked for
        assert (await other.get("/crm/x")).status == 200


# Breakers


async def test_a_circuit_that_opens_in_one_process_is_open_in_all(upstream, both, valkey, tmp_path):
    """Also in one that comes later; and nobody announces what was announced to him."""

    async def is_open(gateway: Gateway) -> bool:
        answers = [await gateway.get("/away/x") for _ in range(2)]  # over connections of their own
        return all(answer.json()["type"] == "urn:brain-gateway:problem:circuit-open" for answer in answers)

    assert set(await in_a_row(both[0], "/away/x", FAILURES)) == {503}
    await eventually(lambda: is_open(both[1]), "it is open there")
    assert (both[0].log + both[1].log).count("CircuitOpened") == 1
    away = service(f"http://127.0.0.1:{closed_port()}")
    opens = configuration({"away": {**away, "breaker": {"failures": 3}}})
    opens["services"]["away"]["targets"] = both_targets(both[0])
    async with gateways(tmp_path, opens, 1, REDIS_URL=valkey.url) as [late]:
        await eventually(lambda: is_open(late), "who comes later learns it")


def both_targets(gateway: Gateway) -> list[str]:
    """The targets of the service that is away."""
    targets: list[str] = yaml.safe_load(gateway.config.read_text())["services"]["away"]["targets"]
    return targets
