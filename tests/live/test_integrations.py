"""Integrations over a real gateway with SQLite and a real OpenBao: credentials are in the one, and nowhere else."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.builders.planted import MARKER, VAULT_TOKEN
from tests.live.harness.credentials import OTHER_TENANT, TENANT, token
from tests.live.harness.gateway import COMMAND, Gateway, running_gateway
from tests.live.harness.openbao import OpenBao, running_openbao
from tests.live.harness.rig import configuration
from tests.live.harness.wire import PATIENCE

pytestmark = pytest.mark.anyio
FIRST, SECOND = f"sk_test_first{MARKER}", f"sk_test_second{MARKER}"
STRIPE = "/integrations/stripe"


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
def bao(tmp_path_factory) -> Iterator[OpenBao]:
    with running_openbao(tmp_path_factory.mktemp("openbao"), sealable=True) as server:
        server.policy(
            "gateway",
            **{
                "secret/data/brain-gateway/*": "create read update",
                "secret/metadata/brain-gateway/*": "delete list",
            },
        )
        yield server


@contextlib.asynccontextmanager
async def serving(bao: OpenBao, folder: Path, **environ: str) -> AsyncIterator[Gateway]:
    known = {
        "VAULT_ADDR": bao.address,
        "VAULT_TOKEN": VAULT_TOKEN,
        "VAULT_TIMEOUT": "2s",
        "LOG_LEVEL": "debug",
    }
    async with running_gateway(folder, configuration({}), **{**known, **environ}) as gateway:
        yield gateway


@pytest.fixture
def known(bao) -> Iterator[None]:
    """OpenBao knows the gateway's token, and forgets what a test has left."""
    with contextlib.suppress(httpx.HTTPStatusError):  # it knows it already
        bao.new_token("gateway", id=VAULT_TOKEN)
    yield
    for tenant in (TENANT, OTHER_TENANT):
        for name in names(bao, tenant):
            bao.ask("DELETE", f"secret/metadata/brain-gateway/{tenant}/{name}")


def names(bao: OpenBao, tenant: str) -> list[str]:
    try:
        found = bao.ask("LIST", f"secret/metadata/brain-gateway/{tenant}")
    except httpx.HTTPStatusError as error:
        if error.response.status_code == 404:
            return []
        raise
    return list(found["data"]["keys"])


def kept(bao: OpenBao, tenant: str) -> dict[str, Any]:
    """The only secret of a tenant."""
    (name,) = names(bao, tenant)
    return dict(bao.ask("GET", f"secret/data/brain-gateway/{tenant}/{name}")["data"]["data"])


def caller(gateway: Gateway, role: str = "tenant_admin", tenant: str = TENANT) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {token(tenant=tenant, roles=(role,))}"}
    base = f"http://127.0.0.1:{gateway.port}/api/v1"
    return httpx.AsyncClient(base_url=base, headers=headers, trust_env=False, timeout=PATIENCE)


def handed(key: str) -> dict[str, Any]:
    return {"credentials": {"secret_key": key}}


def found_in(folder: Path) -> list[str]:
    """Files that hold what was handed over."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert folder / "gateway.db" in files
    return [path.name for path in files if MARKER.encode() in path.read_bytes()]


async def test_credentials_are_in_the_store_of_secrets_and_nowhere_else(bao, known, tmp_path):
    said = []
    async with serving(bao, tmp_path, ACCESS_LOG_SAMPLE="1") as gateway:
        for tenant, key in ((TENANT, FIRST), (OTHER_TENANT, SECOND)):
            async with caller(gateway, tenant=tenant) as ask:
                for _ in range(2):
                    made = await ask.post(
                        f"{STRIPE}/activate", json=handed(key), headers={"Idempotency-Key": "once"}
                    )
                    assert (made.status_code, made.json()["active"]) == (200, True), made.text
                    said.append(made.text)
                refused = await ask.post(f"{STRIPE}/activate", json=handed(f"{key}!"))
                assert refused.status_code == 422
                said += [refused.text, (await ask.get("/audit")).text, (await ask.get(STRIPE)).text]
        assert (kept(bao, TENANT), kept(bao, OTHER_TENANT)) == ({"secret_key": FIRST}, {"secret_key": SECOND})
        async with caller(gateway) as ask:
            whose = {"params": {"tenant": OTHER_TENANT}}
            for answer in (
                await ask.get(STRIPE, **whose),
                await ask.post(f"{STRIPE}/activate", json=handed(FIRST), **whose),
                await ask.post(f"{STRIPE}/deactivate", **whose),
                await ask.delete(STRIPE, **whose),
            ):
                assert answer.status_code == 404
            assert (await ask.post(f"{STRIPE}/activate", json=handed(SECOND))).status_code == 200
        assert (kept(bao, TENANT), kept(bao, OTHER_TENANT)) == ({"secret_key": SECOND},) * 2
        said += [gateway.log, gateway.access_log]
        assert found_in(tmp_path) == [], "while it runs"
    assert found_in(tmp_path) == []
    assert not [text for text in said if MARKER in text]


async def test_a_restart_keeps_it(bao, known, tmp_path):
    async with serving(bao, tmp_path) as gateway, caller(gateway) as ask:
        made = await ask.post(f"{STRIPE}/activate", json=handed(FIRST))
    async with serving(bao, tmp_path) as gateway, caller(gateway) as ask:
        assert (await ask.get(STRIPE)).json() == made.json()
        assert not (await ask.post(f"{STRIPE}/deactivate")).json()["active"]
        assert (await ask.post(f"{STRIPE}/activate", json={})).json()["active"], "with what is on file"
        assert kept(bao, TENANT) == {"secret_key": FIRST}
        assert (await ask.delete(STRIPE)).status_code == 204
        assert names(bao, TENANT) == []


async def test_while_it_is_sealed_nothing_changes(bao, known, tmp_path):
    async with serving(bao, tmp_path) as gateway, caller(gateway) as ask:
        before = (await ask.post(f"{STRIPE}/activate", json=handed(FIRST))).json()
        bao.seal()
        try:
            answer = await ask.post(f"{STRIPE}/activate", json=handed(SECOND))
            assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (
                503,
                "secrets-unavailable",
            )
            assert (await ask.get(STRIPE)).json() == before
            assert (await ask.patch(STRIPE, json={"retries": 1})).status_code == 200, "needs no secret"
        finally:
            bao.unseal()
        assert kept(bao, TENANT) == {"secret_key": FIRST}
        assert (await ask.post(f"{STRIPE}/activate", json=handed(SECOND))).status_code == 200
        assert kept(bao, TENANT) == {"secret_key": SECOND}


async def test_a_gateway_that_starts_while_it_is_sealed_says_so_to_its_operator(bao, known, tmp_path):
    bao.seal()
    try:
        async with serving(bao, tmp_path) as gateway:
            async with caller(gateway, "super_admin") as ask:
                part = (await ask.get("/health")).json()["gateway"]["secrets"]
                assert part == {"status": "sealed", "detail": "Vault is sealed: unseal it"}
            async with caller(gateway) as ask:
                assert "gateway" not in (await ask.get("/health")).json()
            assert "sealed" not in (await gateway.get("/health", "")).body.decode()
    finally:
        bao.unseal()


async def test_a_hung_store_is_not_waited_for_longer_than_its_time(bao, known, tmp_path):
    async with serving(bao, tmp_path, VAULT_TIMEOUT="500ms") as gateway, caller(gateway) as ask:
        bao.pause()
        try:
            answer = await ask.post(f"{STRIPE}/activate", json=handed(FIRST))
            assert answer.status_code == 503
        finally:
            bao.resume()


async def test_a_deleted_tenants_secrets_go_with_it(bao, known, tmp_path):
    async with serving(bao, tmp_path) as gateway, caller(gateway, "super_admin") as ask:
        for tenant in (TENANT, OTHER_TENANT):
            assert (await ask.post("/tenants", json={"id": tenant, "name": tenant})).status_code == 201
            whose = {"tenant": tenant}
            made = await ask.post(f"{STRIPE}/activate", json=handed(FIRST), params=whose)
            assert made.status_code == 200
        assert (await ask.delete(f"/tenants/{TENANT}")).status_code == 204
        assert names(bao, TENANT) == []
        assert kept(bao, OTHER_TENANT) == {"secret_key": FIRST}


async def test_without_vault_they_are_in_the_encrypted_file_that_workers_share(tmp_path):
    async with running_gateway(tmp_path, configuration({}), workers=2) as gateway:
        for key in (FIRST, SECOND):
            async with caller(gateway) as ask:
                assert (await ask.post(f"{STRIPE}/activate", json=handed(key))).status_code == 200
        for _ in range(4):  # connections of their own, to either worker
            async with caller(gateway) as ask:
                found = await ask.get(STRIPE)
                assert found.json()["credentials"]["fields"] == ["secret_key"]
                assert (await ask.post(f"{STRIPE}/deactivate")).status_code == 200
                assert (await ask.post(f"{STRIPE}/activate", json={})).json()["active"]
        assert found_in(tmp_path) == []
        kept = json.loads((tmp_path / "secrets.json").read_text())
        assert len(kept["secrets"]) == 1
        async with caller(gateway) as ask:
            assert (await ask.delete(STRIPE)).status_code == 204
    assert json.loads((tmp_path / "secrets.json").read_text())["secrets"] == {}
    assert found_in(tmp_path) == []


async def test_from_the_command_line(bao, known, tmp_path):
    def command(gateway: Gateway, *arguments: str, text: str = "") -> str:
        environ = {
            "BRAIN_GATEWAY_URL": f"http://127.0.0.1:{gateway.port}",
            "BRAIN_GATEWAY_TOKEN": token(roles=("tenant_admin",)),
        }
        done = subprocess.run(
            [COMMAND, "integrations", *arguments], cwd=tmp_path, input=text, capture_output=True, text=True,
            check=False, timeout=60, env=environ,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert MARKER not in done.stdout + done.stderr
        return done.stdout

    async with serving(bao, tmp_path) as gateway:
        assert (
            command(gateway, "activate", "stripe", "secret_key=-", text=FIRST + "\n") == "stripe is active\n"
        )
        assert kept(bao, TENANT) == {"secret_key": FIRST}
        assert "active: true" in command(gateway, "show", "stripe")
