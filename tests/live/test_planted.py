"""Secrets are planted wherever the gateway holds any, and everything it says is searched for them."""

from __future__ import annotations

import json
import os
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from brain_gateway.domain.errors import CallerError, GatewayError, GatewayFault, UpstreamFault
from brain_gateway.domain.tenancy import ApiKey, Secret
from brain_gateway.settings import load_settings
from tests.builders.planted import (
    API_KEY,
    CREDENTIAL,
    DATABASE_PASSWORD,
    JWT_SECRET,
    MARKER,
    METRICS_TOKEN,
    OTHER_SECRETS_KEY,
    SECRETS_KEY,
    VAULT_SECRET_ID,
    VAULT_TOKEN,
)
from tests.live.harness.credentials import API_KEY_HASH, TENANT, bearer, token
from tests.live.harness.gateway import COMMAND, request, running_gateway
from tests.live.harness.openbao import OpenBao, running_openbao
from tests.live.harness.rig import configuration, service
from tests.live.harness.upstream import scripted_upstream

pytestmark = pytest.mark.anyio
FORMS = (MARKER, quote(CREDENTIAL, safe="")[:40], b64encode(CREDENTIAL.encode()).decode()[:36])


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
def bao(tmp_path_factory) -> Iterator[OpenBao]:
    with running_openbao(tmp_path_factory.mktemp("openbao")) as server:
        server.new_token("root", id=VAULT_TOKEN)
        yield server


def keeps_its_secrets(*texts: str) -> None:
    for text in texts:
        for form in FORMS:
            assert form not in text, text[:2000].replace(MARKER, "<THE SECRET>")


WRONG = [
    request("GET", "/crm/x", f"Authorization: Bearer {token(lifetime=-60)}"),
    request("GET", "/crm/x", f"Authorization: Bearer {CREDENTIAL}"),
    request("GET", "/crm/x", f"Authorization: Basic {CREDENTIAL}"),
    request("GET", "/crm/x", f"Authorization: {API_KEY}"),
    request("GET", "/crm/x", f"X-API-Key: {CREDENTIAL}"),
    request("GET", "/crm/x", f"X-API-Key: {API_KEY}x"),
    request("GET", "/crm/x", bearer(), f"X-API-Key: {API_KEY}"),
    request("GET", f"/crm/x?api_key={API_KEY}&token={CREDENTIAL}&access_token={JWT_SECRET}", ""),
    request("GET", "/crm/x", f"X-API-Key: {API_KEY}", f"X-Tenant-ID: {CREDENTIAL}"),
    request("GET", "/crm/x", f"X-API-Key: {API_KEY}", f"Cookie: session={CREDENTIAL}"),
    request("GET", "/metrics", f"Authorization: Bearer {METRICS_TOKEN}x"),
    request("POST", "/crm/x", f"X-API-Key: {API_KEY}", "Content-Length: x"),
    request("GET", "/crm/../x", f"X-API-Key: {API_KEY}"),
    request("GET", "/nowhere/x", f"X-API-Key: {API_KEY}"),
    request("GET", "/down/x", f"X-API-Key: {API_KEY}"),
    request("GET", "/crm/x", f"Authorization: Bearer {token()}", "Bad Header: x"),
]


@pytest.mark.parametrize("entry", ["protocol", "asgi"])
async def test_a_running_gateway(bao, tmp_path, entry):
    bao.ask(
        "POST",
        "secret/data/brain-gateway/platform/gateway",
        {"data": {"jwt": JWT_SECRET, "metrics": METRICS_TOKEN}},
    )
    environ = {
        "JWT_SECRET": "secret:gateway#jwt", "METRICS_TOKEN": "secret:gateway#metrics", "VAULT_ADDR": bao.address,
        "VAULT_TOKEN": VAULT_TOKEN, "SECRETS_KEY": SECRETS_KEY, "LOG_LEVEL": "debug", "ACCESS_LOG_SAMPLE": "1",
    }  # fmt: skip
    tenant = {
        "name": "Planted",
        "api_keys": [{"prefix": API_KEY[:12], "hash": API_KEY_HASH, "user": "robot"}],
    }
    async with scripted_upstream() as upstream:
        services = {"crm": service(upstream.url), "down": service("http://127.0.0.1:1")}
        config = configuration(services, {TENANT: tenant})
        said = []
        async with running_gateway(tmp_path, config, entry=entry, faults=True, **environ) as gateway:
            assert (await gateway.get("/crm/x", f"X-API-Key: {API_KEY}")).status == 200
            for text in WRONG:
                answer = await gateway.ask(text)
                said += [answer.head.decode("latin-1"), answer.body.decode("latin-1")]
            for path in ("/health", "/openapi.json", "/docs"):
                said.append((await gateway.get(path, "")).body.decode())
            said.append(
                (await gateway.get("/metrics", f"Authorization: Bearer {METRICS_TOKEN}")).body.decode()
            )
        keeps_its_secrets(*said, gateway.log, gateway.access_log)
        assert "robot" in gateway.access_log, "the log was written"


HELD = {
    "JWT_SECRET": JWT_SECRET,
    "METRICS_TOKEN": METRICS_TOKEN,
    "DATABASE_URL": f"postgresql://gw:{DATABASE_PASSWORD}@127.0.0.1:1/gw",
    "REDIS_URL": f"redis://:{DATABASE_PASSWORD}@127.0.0.1:1",
    "VAULT_TOKEN": VAULT_TOKEN,
    "VAULT_SECRET_ID": VAULT_SECRET_ID,
    "VAULT_ROLE_ID": "role",
    "SECRETS_KEY": f"{SECRETS_KEY},{OTHER_SECRETS_KEY}",
}

WRONG_VALUES = {
    "DATABASE_URL": f"nonsense://gw:{DATABASE_PASSWORD}@h",
    "REDIS_URL": DATABASE_PASSWORD,
    "SECRETS_KEY": CREDENTIAL,
    "VAULT_ADDR": f"https://gw:{DATABASE_PASSWORD}@vault",
    "METRICS_TOKEN": MARKER[:15],
    "BRAIN_GATEWAY_PORT": "x",
}


def command(folder: Path, *arguments: str, text: str = "", **environ: str) -> str:
    done = subprocess.run(
        [COMMAND, *arguments], cwd=folder, input=text, capture_output=True, text=True, check=False, timeout=60,
        env={"PATH": os.environ["PATH"], **HELD, **environ},
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "environ"),
    [
        (["settings", "--json"], {}),
        (["settings"], {name: value for name, value in HELD.items() if name.endswith("URL")}),
        (["settings"], WRONG_VALUES),
        (
            ["settings"],
            {"SECRETS_KEY": SECRETS_KEY + "x", "DATABASE_URL": f"postgresql://gw:{DATABASE_PASSWORD}@h:p/x"},
        ),
        (["serve", "--port", "0"], {"BRAIN_GATEWAY_PROFILE": "production", "JWT_SECRET": MARKER}),
        (["serve", "--port", "0"], {"METRICS_TOKEN": "secret:gateway#metrics"}),
        (["token", "--tenant", "x"], {}),
        (["secrets", "set", "stripe", f"api_key={CREDENTIAL}"], {}),
        (["secrets", "set", "stripe", "api_key=-"], {}),
        (["secrets", "set", "a/b", "api_key=-"], {}),
        (["secrets", "get", "stripe"], {"VAULT_ADDR": "http://127.0.0.1:1"}),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else ",".join(value),
)
def test_commands(tmp_path, arguments, environ):
    keeps_its_secrets(command(tmp_path, *arguments, text=CREDENTIAL + "\n", **environ))


def test_a_stored_credential_is_not_readable_where_it_is_kept(tmp_path):
    command(tmp_path, "secrets", "set", "stripe", "api_key=-", text=CREDENTIAL)
    keeps_its_secrets(command(tmp_path, "secrets", "get", "stripe"))
    keeps_its_secrets(command(tmp_path, "secrets", "get", "stripe", SECRETS_KEY=OTHER_SECRETS_KEY))
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    keeps_its_secrets(*(path.read_text() for path in files))


def _leaves(kind: type[GatewayError]) -> list[type[GatewayError]]:
    return [leaf for one in kind.__subclasses__() for leaf in _leaves(one)] or [kind]


def test_what_masks_itself():
    held = [Secret(CREDENTIAL), ApiKey.parse(API_KEY), load_settings(HELD)]
    for one in held:
        keeps_its_secrets(repr(one), str(one), f"{one}", f"{[one]}", json.dumps({"a": one}, default=str))
        for kind in (leaf for root in (CallerError, GatewayFault, UpstreamFault) for leaf in _leaves(root)):
            keeps_its_secrets(repr(kind(f"a detail about {one}")))
