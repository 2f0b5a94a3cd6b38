"""Vault's own ways, against a real OpenBao: logins, renewal, policies, namespaces, seals, absence."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from brain_gateway.application.ports.secrets import SecretsStatus
from brain_gateway.domain.errors import SecretNotFound, SecretsUnavailable
from brain_gateway.domain.secret_path import SecretPath
from brain_gateway.domain.tenancy import Secret
from brain_gateway.infrastructure.vault.config import VaultConfig
from brain_gateway.infrastructure.vault.secrets import VaultSecrets
from tests.builders.planted import CREDENTIAL, MARKER, VAULT_TOKEN
from tests.builders.raw_server import certificate
from tests.fakes.manual_clock import ManualClock
from tests.live.harness.gateway import eventually
from tests.live.harness.openbao import OpenBao, running_openbao

pytestmark = pytest.mark.anyio
TENANT = "0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a"
OTHER = "5f1d3c2b-9a8e-4f70-b6c5-0d9e8f7a6b5c"
PATH = SecretPath(TENANT, "stripe")
VALUES = {"api_key": Secret(CREDENTIAL)}
ALL = {
    "secret/data/brain-gateway/*": "create read update",
    "secret/metadata/brain-gateway/*": "delete list",
}


@pytest.fixture(scope="module")
def bao(tmp_path_factory) -> Iterator[OpenBao]:
    with running_openbao(tmp_path_factory.mktemp("openbao")) as server:
        server.policy("gateway", **ALL)
        yield server


@pytest.fixture(scope="module")
def frail(tmp_path_factory) -> Iterator[OpenBao]:
    """One that a test may seal and stop, and leaves open."""
    with running_openbao(tmp_path_factory.mktemp("frail"), sealable=True) as server:
        yield server


@contextlib.asynccontextmanager
async def vault(
    server: OpenBao, clock: Callable[[], float] = time.monotonic, **options: Any
) -> AsyncIterator[VaultSecrets]:
    known = {"token": Secret(server.token), "cache": 0.0, "stale": 0.0, "timeout": 3.0}
    if "role_id" in options:
        del known["token"]
    config = VaultConfig(address=server.address, **{**known, **options})
    async with VaultSecrets(config, clock) as secrets:
        yield secrets


async def refused(secrets: VaultSecrets, path: SecretPath = PATH) -> str:
    with pytest.raises(SecretsUnavailable) as caught:
        await secrets.read(path)
    assert MARKER not in repr(caught.value)
    return caught.value.detail


async def test_secrets_are_where_the_template_says(bao):
    async with vault(bao, template="apps/t-{tenant}/gw/{name}") as secrets:
        await secrets.write(PATH, VALUES)
        await secrets.write(SecretPath(None, "jwt"), VALUES)
        found = bao.ask("GET", f"secret/data/apps/t-{TENANT}/gw/stripe")["data"]["data"]
        assert found == {"api_key": CREDENTIAL}
        assert bao.ask("LIST", "secret/metadata/apps")["data"]["keys"] == [f"t-{TENANT}/", "t-platform/"]
        assert await secrets.names(TENANT) == ("stripe",)


async def test_a_policy_of_one_tenant_opens_no_others(bao):
    for path in (PATH, SecretPath(OTHER, "stripe")):
        async with vault(bao) as secrets:
            await secrets.write(path, VALUES)
    bao.policy("one-tenant", **{f"secret/data/brain-gateway/{TENANT}/*": "read"})
    async with vault(bao, token=Secret(bao.new_token("one-tenant"))) as secrets:
        assert (await secrets.read(PATH))["api_key"] == Secret(CREDENTIAL)
        assert 'policy with "read" on secret/data/' in await refused(secrets, SecretPath(OTHER, "stripe"))


async def test_what_a_policy_lacks_is_named_and_the_secret_is_not(bao):
    async with vault(bao, token=Secret(bao.new_token("default"))) as secrets:
        expected = (
            'the gateway\'s token needs a policy with "read" on secret/data/brain-gateway/{tenant}/{name}'
        )
        assert expected in await refused(secrets)
        for attempt, needed in (
            (secrets.write(PATH, VALUES), '"create", "update" on secret/data/brain-gateway'),
            (secrets.delete(PATH), '"delete" on secret/metadata/brain-gateway'),
            (secrets.names(TENANT), '"list" on secret/metadata/brain-gateway'),
        ):
            with pytest.raises(SecretsUnavailable) as caught:
                await attempt
            assert needed in caught.value.detail
            assert "stripe" not in caught.value.detail
        assert (await secrets.health()).status is SecretsStatus.OK


async def test_values_that_others_stored_are_read_as_text(bao):
    bao.ask("POST", f"secret/data/brain-gateway/{TENANT}/mixed", {"data": {"n": 7, "l": [1], "t": "x"}})
    async with vault(bao) as secrets:
        found = await secrets.read(SecretPath(TENANT, "mixed"))
        assert {name: value.reveal() for name, value in found.items()} == {"n": "7", "l": "[1]", "t": "x"}


async def test_an_approle_logs_in_and_logs_in_again_when_its_token_is_revoked(bao):
    role, secret = bao.approle("revoked", "gateway", token_ttl="1h")
    async with vault(bao, role_id=role, secret_id=Secret(secret)) as secrets:
        await secrets.write(PATH, VALUES)
        for accessor in bao.ask("LIST", "auth/token/accessors")["data"]["keys"]:
            about = bao.ask("POST", "auth/token/lookup-accessor", {"accessor": accessor})["data"]
            if about["path"] == "auth/approle/login":
                bao.ask("POST", "auth/token/revoke-accessor", {"accessor": accessor})
        assert (await secrets.read(PATH))["api_key"] == Secret(CREDENTIAL)
        assert (await secrets.health()).status is SecretsStatus.OK


async def test_a_wrong_secret_id_is_said_and_not_shown(bao):
    role, _ = bao.approle("wrong", "gateway")
    async with vault(bao, role_id=role, secret_id=Secret(CREDENTIAL)) as secrets:
        assert "VAULT_ROLE_ID, VAULT_SECRET_ID: Vault does not take them" in await refused(secrets)
        health = await secrets.health()
        assert health.status is SecretsStatus.UNREACHABLE
        assert CREDENTIAL not in health.detail


async def test_a_token_is_renewed_before_its_end(bao):
    token, clock = bao.new_token("gateway", period="10m"), ManualClock()
    async with vault(bao, clock=clock, token=Secret(token)) as secrets:
        await secrets.write(PATH, VALUES)
        before = bao.ask("POST", "auth/token/lookup", {"token": token})["data"]["expire_time"]
        clock.tick(401.0)

        def renewed() -> bool:
            return bao.ask("POST", "auth/token/lookup", {"token": token})["data"]["expire_time"] != before

        await eventually(renewed, "the token is renewed")
        assert (await secrets.read(PATH))["api_key"] == Secret(CREDENTIAL)


async def test_an_approle_gets_another_token_when_renewing_does_not_help(bao):
    role, secret = bao.approle("short", "gateway", token_ttl="1s", token_max_ttl="2s")
    async with vault(bao, role_id=role, secret_id=Secret(secret)) as secrets:
        for _ in range(8):
            await secrets.write(PATH, VALUES)
            await asyncio.sleep(0.4)


async def test_a_token_that_cannot_be_renewed_is_degraded_and_then_refused(bao):
    token = bao.new_token("gateway", ttl="50s", renewable=False)
    async with vault(bao, token=Secret(token)) as secrets:
        await secrets.write(PATH, VALUES)
        health = await secrets.health()
        assert health.status is SecretsStatus.DEGRADED
        assert "VAULT_TOKEN: ends in" in health.detail
        bao.ask("POST", "auth/token/revoke", {"token": token})
        assert (await secrets.health()).status is SecretsStatus.UNREACHABLE
        assert "VAULT_TOKEN: Vault does not take it; it is expired or revoked" in await refused(secrets)


async def test_namespaces_are_worlds_of_their_own(bao):
    bao.ask("POST", "sys/namespaces/team")
    bao.ask("POST", "sys/mounts/secret", {"type": "kv", "options": {"version": "2"}}, namespace="team")
    bao.policy("gateway", namespace="team", **ALL)
    token = Secret(bao.new_token("gateway", namespace="team"))
    async with vault(bao, namespace="team", token=token) as secrets:
        await secrets.write(SecretPath(TENANT, "in-team"), VALUES)
        assert await secrets.names(TENANT) == ("in-team",)
        assert (await secrets.health()).status is SecretsStatus.OK
    async with vault(bao) as secrets:
        with pytest.raises(SecretNotFound):
            await secrets.read(SecretPath(TENANT, "in-team"))


async def test_what_is_set_wrongly_is_named(bao):
    bao.ask("POST", "sys/mounts/old", {"type": "kv"})
    async with vault(bao, namespace="nowhere") as secrets:
        assert "VAULT_NAMESPACE" in await refused(secrets)
    async with vault(bao, mount="nowhere") as secrets:
        assert "VAULT_KV_MOUNT: Vault has no engine at nowhere/" in await refused(secrets)
    async with vault(bao, mount="old") as secrets:
        with pytest.raises(
            SecretsUnavailable, match="VAULT_KV_MOUNT: must be a key-value engine of version 2"
        ):
            await secrets.write(PATH, VALUES)
    async with vault(bao, token=Secret(VAULT_TOKEN + "x")) as secrets:
        assert "VAULT_TOKEN: Vault does not take it" in await refused(secrets)


async def test_a_short_cache_saves_calls_and_a_write_is_seen_at_once(bao):
    async with vault(bao, cache=60.0) as secrets:
        await secrets.write(PATH, {"a": Secret("1")})
        assert (await secrets.read(PATH))["a"] == Secret("1")
        async with vault(bao) as another:
            await another.write(PATH, {"a": Secret("2")})
        assert (await secrets.read(PATH))["a"] == Secret("1")
        await secrets.write(PATH, {"a": Secret("3")})
        assert (await secrets.read(PATH))["a"] == Secret("3")
        await secrets.delete(PATH)
        with pytest.raises(SecretNotFound):
            await secrets.read(PATH)


async def test_a_sealed_vault_is_said_to_be_and_comes_back_by_itself(frail):
    known, unknown = PATH, SecretPath(TENANT, "other")
    async with vault(frail, stale=600.0) as bridged, vault(frail) as strict:
        for path in (known, unknown):
            await bridged.write(path, VALUES)
        await bridged.read(known)
        frail.seal()
        assert (await bridged.read(known))["api_key"] == Secret(CREDENTIAL)
        assert await refused(bridged, unknown) == "Vault is sealed: unseal it"
        assert await refused(strict) == "Vault is sealed: unseal it"
        with pytest.raises(SecretsUnavailable, match="sealed"):
            await strict.write(known, VALUES)
        assert (await strict.health()).status is SecretsStatus.SEALED
        assert "copies serve until they are 600 s old" in (await bridged.health()).detail
        frail.unseal()

        async def back() -> bool:
            with contextlib.suppress(SecretsUnavailable):
                return (await strict.read(unknown))["api_key"] == Secret(CREDENTIAL)
            return False

        await eventually(back, "secrets are read again")
        assert (await strict.health()).status is SecretsStatus.OK


async def test_a_vault_that_stops_and_starts(frail):
    async with vault(frail) as secrets:
        await secrets.write(PATH, VALUES)
        frail.stop()
        assert "Vault cannot be reached (no connection)" in await refused(secrets)
        assert (await secrets.health()).status is SecretsStatus.UNREACHABLE
        frail.start()

        async def back() -> bool:
            with contextlib.suppress(SecretsUnavailable):
                return (await secrets.read(PATH))["api_key"] == Secret(CREDENTIAL)
            return False

        await eventually(back, "secrets are read again")


async def test_a_vault_that_hangs_is_given_up(bao):
    async with vault(bao, timeout=0.3) as secrets:
        bao.pause()
        try:
            assert await refused(secrets) == "Vault does not answer within 0.3 s"
            assert (await secrets.health()).detail == "Vault does not answer within 0.3 s"
            with pytest.raises(SecretsUnavailable, match="does not answer"):
                await secrets.write(PATH, VALUES)
        finally:
            bao.resume()


async def test_something_that_is_not_vault():
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n<html")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        config = VaultConfig(address=f"http://127.0.0.1:{port}", token=Secret(VAULT_TOKEN))
        async with VaultSecrets(config) as secrets:
            assert "what answers at VAULT_ADDR is not Vault" in await refused(secrets)


async def test_a_certificate_is_trusted_when_it_is_named_and_otherwise_not(tmp_path):
    pem = certificate(tmp_path)
    trust = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trust.load_cert_chain(pem)
    body = b'{"data": {"data": {"a": "1"}, "metadata": {"version": 1}}}'

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ssl.SSLError, ConnectionError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=trust)
    async with server:
        known = {
            "address": f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}",
            "token": Secret(VAULT_TOKEN),
        }
        async with VaultSecrets(VaultConfig(**known)) as secrets:
            assert "its certificate is not trusted: see VAULT_CA_FILE" in await refused(secrets)
        async with VaultSecrets(VaultConfig(**known, ca_file=pem)) as secrets:
            assert (await secrets.read(PATH))["a"] == Secret("1")


async def test_a_listener_that_never_answers_is_given_up():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with VaultSecrets(
            VaultConfig(address=address, token=Secret(VAULT_TOKEN), timeout=0.2)
        ) as secrets:
            assert "does not answer within 0.2 s" in await refused(secrets)
            assert (await secrets.health()).status is SecretsStatus.UNREACHABLE
