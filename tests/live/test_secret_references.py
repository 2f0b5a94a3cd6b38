"""The JWT secret, the metrics token and passwords come from the store of secrets before anything else starts."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.domain.secret_path import SecretPath
from brain_gateway.domain.tenancy import Secret
from brain_gateway.main import application
from brain_gateway.secret_store import look, open_secrets
from brain_gateway.settings import Settings, load_settings
from tests.builders.planted import JWT_SECRET, MARKER, METRICS_TOKEN, SECRETS_KEY, VAULT_TOKEN
from tests.live.harness.credentials import bearer
from tests.live.harness.gateway import COMMAND, running_gateway
from tests.live.harness.openbao import OpenBao, running_openbao
from tests.live.harness.rig import configuration, service
from tests.live.harness.upstream import scripted_upstream

pytestmark = pytest.mark.anyio
REFERRING = {"JWT_SECRET": "secret:gateway#jwt", "METRICS_TOKEN": "secret:gateway#metrics"}
STORED = {"jwt": Secret(JWT_SECRET), "metrics": Secret(METRICS_TOKEN)}


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
def bao(tmp_path_factory) -> Iterator[OpenBao]:
    with running_openbao(tmp_path_factory.mktemp("openbao"), sealable=True) as server:
        server.policy("gateway", **{"secret/data/brain-gateway/*": "create read update"})
        yield server


def in_vault(server: OpenBao) -> dict[str, str]:
    role, secret = server.approle("gateway", "gateway")
    return {"VAULT_ADDR": server.address, "VAULT_ROLE_ID": role, "VAULT_SECRET_ID": secret}


def in_file(folder: Path) -> dict[str, str]:
    return {"SECRETS_KEY": SECRETS_KEY, "BRAIN_GATEWAY_DATA_DIR": str(folder / "data")}


@pytest.fixture(params=["file", "vault"])
async def store(request, tmp_path) -> dict[str, str]:
    """Variables of a store that holds the gateway's own secrets."""
    environ = in_file(tmp_path) if request.param == "file" else in_vault(request.getfixturevalue("bao"))
    async with open_secrets(load_settings(environ)) as secrets:
        await secrets.write(SecretPath(None, "gateway"), STORED)
    return environ


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_gateway_whose_secrets_are_elsewhere(store, tmp_path, workers):
    async with scripted_upstream() as upstream:
        config = configuration({"crm": service(upstream.url)})
        async with running_gateway(
            tmp_path / "gw", config, workers=workers, **{**store, **REFERRING}
        ) as gateway:
            assert (await gateway.get("/crm/x")).status == 200
            assert (
                await gateway.get("/crm/x", bearer(secret="another-secret-of-32-bytes-or-more"))
            ).status == 401
            assert (await gateway.get("/metrics", "")).status == 401
            assert (await gateway.get("/metrics", f"Authorization: Bearer {METRICS_TOKEN}")).status == 200
    assert MARKER not in gateway.log


async def test_another_asgi_server(store, tmp_path, monkeypatch):
    (tmp_path / "gateway.yaml").write_text(
        yaml.safe_dump(configuration({"crm": service("http://127.0.0.1:1")}))
    )
    for name, value in {"BRAIN_GATEWAY_CONFIG": str(tmp_path / "gateway.yaml"), **store, **REFERRING}.items():
        monkeypatch.setenv(name, value)
    assert await started() == {"type": "lifespan.startup.complete"}
    monkeypatch.setenv("JWT_SECRET", "secret:gateway#nothing")
    assert await started() == {
        "type": "lifespan.startup.failed",
        "message": "JWT_SECRET: refers to secret:gateway#nothing, which has no such field",
    }


async def started() -> dict[str, str]:
    """What the application answers to the lifespan's start."""
    inbox: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    outbox: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    app = application()
    task = asyncio.create_task(app({"type": "lifespan", "asgi": {"version": "3.0"}}, inbox.get, outbox.put))
    await inbox.put({"type": "lifespan.startup"})
    answer = await outbox.get()
    await inbox.put({"type": "lifespan.shutdown"})
    await task
    return answer


def serve(folder: Path, **environ: str) -> str:
    """What a gateway says that does not start."""
    done = subprocess.run(
        [COMMAND, "serve", "--port", "0"], cwd=folder, capture_output=True, text=True, check=False, timeout=30,
        env={"PATH": os.environ["PATH"], **environ},
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert MARKER not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


async def test_a_store_that_will_not_answer_is_not_waited_for(bao):
    """Somebody has to mend it."""
    known = {**in_vault(bao), "JWT_SECRET": "secret:gateway#jwt"}
    for wrong, said in (
        (
            {"JWT_SECRET": "secret:nowhere#jwt"},
            "secret:nowhere#jwt, which is not stored; `brain-gateway secrets set",
        ),
        ({"VAULT_SECRET_ID": "wrong"}, "VAULT_ROLE_ID, VAULT_SECRET_ID: Vault does not take them"),
        ({"VAULT_KV_MOUNT": "nowhere"}, 'policy with "read" on nowhere/data/brain-gateway/{tenant}/{name}'),
        ({"VAULT_NAMESPACE": "nowhere"}, "VAULT_NAMESPACE: Vault has no such namespace"),
        (
            {"VAULT_PATH_TEMPLATE": "else/{tenant}/{name}"},
            'a policy with "read" on secret/data/else/{tenant}/{name}',
        ),
    ):
        with pytest.raises(ConfigurationError) as caught:
            await look(load_settings({**known, **wrong}))
        assert said in caught.value.detail


def test_a_token_that_vault_does_not_take_stops_the_start(bao, tmp_path):
    known = {"VAULT_ADDR": bao.address, "VAULT_TOKEN": VAULT_TOKEN, "JWT_SECRET": "secret:gateway#jwt"}
    assert "VAULT_TOKEN: Vault does not take it; it is expired or revoked" in serve(tmp_path, **known)


def test_several_references_that_lead_nowhere_are_all_named(tmp_path):
    said = serve(
        tmp_path,
        JWT_SECRET="secret:a#b",
        METRICS_TOKEN="secret:c#d",
        DATABASE_URL="postgresql://u:${secret:e#f}@h/n",
    )
    assert [line.strip().split(":")[0] for line in said.splitlines()[1:]] == [
        "JWT_SECRET", "DATABASE_URL", "METRICS_TOKEN",
    ]  # fmt: skip


def test_a_token_is_signed_with_the_stored_secret(bao, tmp_path):
    environ = in_vault(bao)

    async def put(settings: Settings) -> None:
        async with open_secrets(settings) as secrets:
            await secrets.write(SecretPath(None, "gateway"), STORED)

    asyncio.run(put(load_settings(environ)))
    with contextlib.chdir(tmp_path):
        done = subprocess.run(
            [COMMAND, "token"], capture_output=True, text=True, check=True,
            env={"PATH": os.environ["PATH"], "JWT_SECRET": "secret:gateway#jwt", **environ},
        )  # fmt: skip
    import jwt

    assert jwt.decode(done.stdout.strip(), JWT_SECRET, ["HS256"])["sub"] == "demo"
