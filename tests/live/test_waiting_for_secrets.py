"""Vault is sealed or away when the gateway starts: it listens, says what it waits for, and goes on by itself."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator

import httpx
import pytest
import yaml
from redis.asyncio import Redis

from brain_gateway.domain.secret_path import SecretPath
from brain_gateway.domain.tenancy import Secret
from brain_gateway.main import application
from brain_gateway.secret_store import open_secrets
from brain_gateway.settings import load_settings
from tests.builders.planted import JWT_SECRET, MARKER, METRICS_TOKEN
from tests.builders.raw_server import closed_port
from tests.live.harness.credentials import bearer
from tests.live.harness.gateway import Gateway, eventually, head, request, running_gateway
from tests.live.harness.openbao import OpenBao, running_openbao
from tests.live.harness.rig import configuration, service
from tests.live.harness.upstream import scripted_upstream
from tests.live.harness.valkey import running_valkey
from tests.live.harness.workers import connection_to_each

pytestmark = pytest.mark.anyio
REFERENCE = "secret:gateway-own#the-secret-that-signs-tokens"  # long enough to sign by
REFERRING = {"JWT_SECRET": REFERENCE, "METRICS_TOKEN": "secret:gateway-own#metrics"}
METRICS = f"Authorization: Bearer {METRICS_TOKEN}"


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[OpenBao]:
    with running_openbao(tmp_path_factory.mktemp("openbao"), sealable=True) as found:
        found.policy("gateway", **{"secret/data/brain-gateway/*": "create read update"})
        yield found


@pytest.fixture
async def bao(server) -> OpenBao:
    """It holds the gateway's secrets; it is open, and open again afterwards."""
    async with open_secrets(load_settings(environment(server, JWT_SECRET="x" * 32))) as secrets:
        await secrets.write(
            SecretPath(None, "gateway-own"),
            {"the-secret-that-signs-tokens": Secret(JWT_SECRET), "metrics": Secret(METRICS_TOKEN)},
        )
    yield server
    if server.process.poll() is None:
        server.unseal()
    else:
        server.start()


@pytest.fixture(scope="module")
async def config():
    async with scripted_upstream() as upstream:
        yield configuration({"crm": service(upstream.url)})


def environment(server: OpenBao, **more: str) -> dict[str, str]:
    role, secret = server.approle("gateway", "gateway")
    return {
        "VAULT_ADDR": server.address,
        "VAULT_ROLE_ID": role,
        "VAULT_SECRET_ID": secret,
        **REFERRING,
        **more,
    }


async def is_shut(gateway: Gateway, why: str, each: int = 1) -> None:
    """Every worker is up, waits, says so, and lets nobody in: neither by the reference itself, nor to the metrics."""
    for client in (await connection_to_each(gateway, each)).values():

        async def get(path: str, line: str = "", client=client):
            await client.send(head(request("GET", path, line)))
            return await client.response()

        assert (await get("/health/live")).status == 200
        ready = await get("/health/ready")
        assert (ready.status, ready.json()["status"]) == (503, "waiting")
        assert ready.json()["detail"].startswith(f"waiting for the secrets store: {why}")
        for line in ("", bearer(), bearer(secret=REFERENCE)):
            refused = await get("/crm/x", line)
            assert (refused.status, refused.get("Retry-After")) == (503, "1")
            assert refused.json()["type"].endswith(":secrets-unavailable")
        assert (await get("/api/v1/services", bearer(roles=("super_admin",), secret=REFERENCE))).status == 503
        assert (await get("/metrics")).status == 503
        assert (await get("/metrics", METRICS)).status == 503


async def opens(gateway: Gateway) -> None:
    """It goes on by itself, with the right secrets."""

    async def is_ready() -> bool:
        return (await gateway.get("/health/ready", "")).status == 200

    await eventually(is_ready, "the gateway is ready")
    await eventually(lambda: "the secrets store is there: configuration loaded" in gateway.log, "it says so")


async def serves(gateway: Gateway) -> None:
    assert (await gateway.get("/crm/x")).status == 200
    assert (await gateway.get("/crm/x", bearer(secret=REFERENCE))).status == 401
    assert (await gateway.get("/metrics", "")).status == 401
    assert (await gateway.get("/metrics", METRICS)).status == 200
    assert gateway.log.count("waiting for the secrets store: Vault is sealed") == 1
    assert MARKER not in gateway.log


@pytest.mark.parametrize("workers", [1, 2])
async def test_vault_is_sealed_at_the_start(bao, tmp_path, config, workers):
    environ = environment(bao)
    bao.seal()
    async with running_gateway(tmp_path, config, workers=workers, port=closed_port(), **environ) as gateway:
        await is_shut(gateway, "Vault is sealed: unseal it", workers)
        bao.unseal()
        loaded = "the secrets store is there: configuration loaded"
        await eventually(lambda: gateway.log.count(loaded) == workers, "every worker has loaded")
        await opens(gateway)
        await serves(gateway)


async def test_vault_is_away_at_the_start(bao, tmp_path, config):
    environ = environment(bao)
    bao.stop()
    async with running_gateway(tmp_path, config, **environ) as gateway:
        await is_shut(gateway, "Vault cannot be reached (no connection)")
        bao.start()
        await eventually(lambda: "configuration loaded" in gateway.log, "it has loaded")
        assert (await gateway.get("/crm/x")).status == 200


async def test_vault_hangs_at_the_start(bao, tmp_path, config):
    environ = environment(bao, VAULT_TIMEOUT="200ms")
    bao.pause()
    try:
        async with running_gateway(tmp_path, config, **environ) as gateway:
            await is_shut(gateway, "Vault does not answer within 0.2 s")
            bao.resume()
            await eventually(lambda: "configuration loaded" in gateway.log, "it has loaded")
            assert (await gateway.get("/crm/x")).status == 200
    finally:
        bao.resume()


@pytest.mark.parametrize("workers", [1, 2])
async def test_it_is_stopped_while_it_waits(bao, tmp_path, config, workers):
    environ = environment(bao)
    bao.seal()
    async with running_gateway(tmp_path, config, workers=workers, port=closed_port(), **environ) as gateway:
        await is_shut(gateway, "Vault is sealed", workers)
        gateway.signal(signal.SIGTERM)
        assert await gateway.exited() == 0


async def test_the_addresses_of_the_stores_are_secrets_too(bao, tmp_path, config):
    """Neither the kind of the database nor where the Valkey is can be known before."""
    with running_valkey(tmp_path) as valkey:
        urls = {"database": f"sqlite:///{tmp_path}/other.db", "cache": valkey.url}
        bao.ask("POST", "secret/data/brain-gateway/platform/urls", {"data": urls})
        environ = environment(bao, DATABASE_URL="secret:urls#database", REDIS_URL="secret:urls#cache")
        bao.seal()
        async with running_gateway(tmp_path / "gw", config, **environ) as gateway:
            await is_shut(gateway, "Vault is sealed")
            assert not (tmp_path / "other.db").exists()
            bao.unseal()
            await opens(gateway)
            await serves(gateway)
            assert (tmp_path / "other.db").exists()
            async with Redis.from_url(valkey.url) as client:

                async def is_there() -> bool:
                    return any(one["name"] == "brain-gateway" for one in await client.client_list())

                await eventually(is_there, "it uses the Valkey")


async def test_what_turns_out_to_be_a_mistake_is_said_and_may_be_mended(bao, tmp_path, config):
    bao.policy("later", **{"secret/data/other/*": "read"})
    role, secret = bao.approle("later", "later")
    environ = environment(bao) | {"VAULT_ROLE_ID": role, "VAULT_SECRET_ID": secret}
    bao.seal()
    async with running_gateway(tmp_path, config, **environ) as gateway:
        await is_shut(gateway, "Vault is sealed")
        bao.unseal()
        needed = 'the gateway\'s token needs a policy with \\"read\\" on secret/data/brain-gateway'
        await eventually(lambda: needed in gateway.log, "it says what is missing")
        assert (await gateway.get("/health/ready", "")).status == 503
        bao.policy("later", **{"secret/data/brain-gateway/*": "read"})
        await opens(gateway)
        assert (await gateway.get("/crm/x")).status == 200


async def test_another_asgi_server_waits_too(bao, tmp_path, config, monkeypatch):
    (tmp_path / "gateway.yaml").write_text(yaml.safe_dump(config))
    environ = {
        "BRAIN_GATEWAY_CONFIG": str(tmp_path / "gateway.yaml"),
        "BRAIN_GATEWAY_DATA_DIR": str(tmp_path),
    }
    for name, value in {**environment(bao), **environ}.items():
        monkeypatch.setenv(name, value)
    bao.seal()
    app, inbox, outbox = application(), asyncio.Queue(), asyncio.Queue()
    running = asyncio.create_task(
        app({"type": "lifespan", "asgi": {"version": "3.0"}}, inbox.get, outbox.put)
    )
    await inbox.put({"type": "lifespan.startup"})
    assert await outbox.get() == {"type": "lifespan.startup.complete"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://gateway.test"
    ) as client:
        ready = await client.get("/health/ready")
        assert (ready.status_code, ready.json()["status"]) == (503, "waiting")
        assert (await client.get("/crm/x")).status_code == 503
        bao.unseal()

        async def is_ready() -> bool:
            return (await client.get("/health/ready")).status_code == 200

        await eventually(is_ready, "the gateway is ready")
    await inbox.put({"type": "lifespan.shutdown"})
    await running
