"""Bad days of the stores: the database, Valkey and the disk go away under a running gateway, and come back."""

from __future__ import annotations

import resource
import time
from pathlib import Path
from typing import Any

import pytest

from tests.live.harness.admin import Admin, Traffic
from tests.live.harness.gateway import Gateway, eventually, running_gateway
from tests.live.harness.rig import configuration, service
from tests.live.harness.upstream import scripted_upstream
from tests.live.harness.valkey import running_valkey
from tests.live.harness.wire import Message

pytestmark = pytest.mark.anyio
QUICK = {"BRAIN_GATEWAY_ACCESS_LOG": "false", "DATABASE_TIMEOUT": "3"}


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
async def upstream():
    async with scripted_upstream() as found:
        yield found


@pytest.fixture
def server(postgres):
    """The run's PostgreSQL; whatever a test does to it, it runs afterwards."""
    server = postgres.server
    yield server
    if server.process.poll() is None:
        server.resume()
    else:
        server.start()


@pytest.fixture
def config(upstream) -> dict[str, Any]:
    return configuration({"shop": service(upstream.url)})


def problem(answer: Message) -> tuple[int, str]:
    """Status and kind of an error."""
    return answer.status, answer.json()["type"].rpartition(":")[2]


async def ready(gateway: Gateway) -> tuple[int, str]:
    """What the readiness probe says."""
    answer = await gateway.get("/health/ready", "")
    return answer.status, answer.json()["status"]


async def serves(gateway: Gateway, path: str = "/shop/x") -> bool:
    """Whether a request to a service is answered by it."""
    return (await gateway.get(path)).status == 200


async def writes(admin: Admin, document: Any) -> bool:
    """Whether a change is taken."""
    return (await admin.call("PATCH", "/services/name:shop", document)).status == 200


async def is_shut(gateway: Gateway, admin: Admin) -> None:
    """Up, waiting, and saying so to everybody."""
    assert await ready(gateway) == (503, "waiting")
    assert (await gateway.get("/health/live", "")).status == 200
    refused = await gateway.get("/shop/x")
    assert problem(refused) == (503, "store-unavailable")
    assert (await admin.call("GET", "/services")).status in (401, 503)


async def opens(gateway: Gateway) -> None:
    """It goes on by itself."""

    async def is_ready() -> bool:
        return await ready(gateway) == (200, "ready")

    await eventually(is_ready, "the gateway is ready")
    assert await serves(gateway)
    assert gateway.log.count("waiting for the database") == 1
    assert "configuration loaded" in gateway.log


async def test_the_database_is_away_at_the_start(tmp_path, postgres, server, config):
    url = server.url(postgres.database())
    server.stop()
    async with running_gateway(tmp_path, config, DATABASE_URL=url, **QUICK) as gateway:
        await is_shut(gateway, Admin(gateway))
        server.start()
        await opens(gateway)


async def test_the_database_has_no_schema_at_the_start(tmp_path, postgres, server, config):
    """The migration comes later, by another role."""
    name = server.database()
    async with running_gateway(tmp_path, config, DATABASE_URL=server.url(name), **QUICK) as gateway:
        await is_shut(gateway, Admin(gateway))
        assert "db upgrade" in gateway.log
        postgres.migrate(name)
        await opens(gateway)


async def test_the_file_cannot_be_made_at_the_start(tmp_path, config):
    """Its directory is a file; when that is gone, the gateway goes on."""
    folder = tmp_path / "gateway"
    (tmp_path / "taken").touch()
    url = f"sqlite:///{tmp_path}/taken/gateway.db"
    async with running_gateway(folder, config, DATABASE_URL=url, **QUICK) as gateway:
        await is_shut(gateway, Admin(gateway))
        (tmp_path / "taken").unlink()
        await opens(gateway)


@pytest.mark.parametrize("end", ["stop", "kill", "pause"])
async def test_the_database_goes_away_later(tmp_path, postgres, server, config, end):
    """Traffic goes on from what is in memory; changes and questions get 503; nothing that was answered is lost."""
    url = server.url(postgres.database())
    async with running_gateway(tmp_path, config, DATABASE_URL=url, **QUICK) as gateway:
        admin = Admin(gateway)
        await admin.do("PATCH", "/services/name:shop", {"prefix": "/before"})
        async with Traffic(["/shop/x"]).over([await gateway.connect() for _ in range(2)]) as traffic:
            getattr(server, end)()
            change = await admin.call("PATCH", "/services/name:shop", {"prefix": "/during"})
            assert problem(change) == (503, "store-unavailable")
            assert problem(await admin.call("GET", "/services")) == (503, "store-unavailable")
            assert await ready(gateway) == (200, "ready")
            if end == "pause":
                server.resume()
            else:
                server.start()

            async def again() -> bool:
                return (await admin.call("GET", "/services/name:shop")).status == 200

            await eventually(again, "it answers again")
            known = await admin.do("GET", "/services/name:shop")
            assert known["prefix"] == "/before" or end == "pause"  # what was sent may still be carried out
            await admin.do("PATCH", "/services/name:shop", {"prefix": "/after"})
        assert traffic.failures == []
        assert (await admin.do("GET", "/services/name:shop"))["prefix"] == "/after"


async def test_the_disk_is_full(tmp_path, config):
    """Changes get 503 and leave nothing behind, traffic goes on; with room again, changes are taken."""
    async with running_gateway(tmp_path, config, **QUICK) as gateway:
        admin = Admin(gateway)
        await admin.do("PATCH", "/services/name:shop", {"prefix": "/before"})
        pid = gateway.process.pid
        limits = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        async with Traffic(["/shop/x"]).over([await gateway.connect() for _ in range(2)]) as traffic:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, limits[1]))  # no file grows beyond a page
            change = await admin.call("PATCH", "/services/name:shop", {"prefix": "/during"})
            assert problem(change) == (503, "store-unavailable")
            assert (await admin.do("GET", "/services/name:shop"))["prefix"] == "/before"
            assert await ready(gateway) == (200, "ready")
            resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)
            await eventually(lambda: writes(admin, {"prefix": "/after"}), "changes are taken")
        assert traffic.failures == []
        assert (await admin.do("GET", "/services/name:shop"))["prefix"] == "/after"


async def test_without_valkey_changes_are_polled(tmp_path, config):
    """Two gateways on one file: what one changes reaches the other without a bus, and later with it again."""
    with running_valkey(tmp_path / "valkey") as valkey:
        file = f"sqlite:///{tmp_path}/shared.db"
        shared = {**QUICK, "DATABASE_URL": file, "REDIS_URL": valkey.url, "CONFIG_POLL_INTERVAL": "0.2"}
        async with (
            running_gateway(tmp_path / "a", config, **shared) as left,
            running_gateway(tmp_path / "b", config, **shared) as right,
        ):
            admin = Admin(left)
            for at, change in enumerate((valkey.kill, valkey.start, valkey.pause, valkey.resume)):
                change()
                name = f"extra-{at}"
                await admin.do("POST", "/services", {"name": name, **config["services"]["shop"]})
                since = time.monotonic()
                assert await serves(left, f"/{name}/x")
                await eventually(lambda name=name: serves(right, f"/{name}/x"), "the other has it too")
                print(f"{change.__name__}: {(time.monotonic() - since) * 1000:.0f} ms")


async def test_a_gateway_that_was_stopped_finds_its_changes_again(tmp_path, config):
    """The file is put in force once: what was changed by hand since is kept over a start."""
    for prefix in (None, "/by-hand"):
        async with running_gateway(Path(tmp_path), config, **QUICK) as gateway:
            admin = Admin(gateway)
            known = await admin.do("GET", "/services/name:shop")
            assert known.get("prefix") in (prefix, "" if prefix is None else prefix)
            await admin.do("PATCH", "/services/name:shop", {"prefix": "/by-hand"})
