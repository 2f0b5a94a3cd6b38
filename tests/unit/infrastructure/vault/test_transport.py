"""What answers and what fails becomes one of two: an answer, or how Vault is."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

import httpx
import pytest

from brain_gateway.application.ports.secrets import SecretsStatus
from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.domain.tenancy import Secret
from brain_gateway.infrastructure.vault.config import VaultConfig
from brain_gateway.infrastructure.vault.transport import MOST_BYTES, VaultAwayError, VaultTransport
from tests.builders.planted import MARKER, VAULT_TOKEN

pytestmark = pytest.mark.anyio
UPGRADING = (
    "Upgrading from non-versioned to versioned data. This backend will be unavailable for a brief period and will "
    "resume service shortly."
)
Handler = Callable[[httpx.Request], httpx.Response]


def transport(handler: Handler, **options: object) -> VaultTransport:
    config = VaultConfig(address="http://vault:8200/", **options)  # type: ignore[arg-type]  # the test's own
    return VaultTransport(config, httpx.MockTransport(handler))


async def away(handler: Handler, method: str = "GET", **options: object) -> VaultAwayError:
    with pytest.raises(VaultAwayError) as caught:
        await transport(handler, **options).call(method, "secret/data/x", Secret(VAULT_TOKEN))
    assert MARKER not in repr(caught.value)
    assert caught.value.__cause__ is None
    return caught.value


async def test_what_is_sent():
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"data": {}})

    vault = transport(handler, namespace="team")
    await vault.call("POST", "secret/data/x", Secret(VAULT_TOKEN), {"data": {}})
    await vault.call("GET", "sys/health?standbyok=true", in_root=True)
    first, second = seen
    assert str(first.url) == "http://vault:8200/v1/secret/data/x"
    assert first.headers["X-Vault-Token"] == VAULT_TOKEN
    assert (first.headers["X-Vault-Namespace"], first.content) == ("team", b'{"data":{}}')
    assert str(second.url) == "http://vault:8200/v1/sys/health?standbyok=true"
    assert {"x-vault-token", "x-vault-namespace"}.isdisjoint(second.headers)
    await vault.close()


@pytest.mark.parametrize("status", [200, 204, 400, 403, 404])
async def test_answers(status):
    answer = await transport(lambda _: httpx.Response(status, json={"errors": ["a", "b"]})).call("GET", "x")
    assert (answer.status, answer.errors) == (status, "a\nb")


@pytest.mark.parametrize(
    ("response", "said", "status"),
    [
        (httpx.Response(503, json={"errors": ["Vault is sealed"]}), "Vault is sealed", SecretsStatus.SEALED),
        (httpx.Response(503, json={"errors": [MARKER]}), "status 503", SecretsStatus.UNREACHABLE),
        (httpx.Response(500, json={"errors": [MARKER]}), "status 500", SecretsStatus.UNREACHABLE),
        (httpx.Response(400, json={"errors": [UPGRADING]}), "not ready yet", SecretsStatus.UNREACHABLE),
        (httpx.Response(429), "status 429", SecretsStatus.UNREACHABLE),
        (httpx.Response(307, headers={"Location": "http://x"}), "VAULT_ADDR", SecretsStatus.UNREACHABLE),
        (httpx.Response(200, text="<html>"), "is not Vault", SecretsStatus.UNREACHABLE),
        (httpx.Response(200, content=b"x" * (MOST_BYTES + 1)), "too long", SecretsStatus.UNREACHABLE),
    ],
)
async def test_what_vault_cannot_do_now(response, said, status):
    error = await away(lambda _: response)
    assert said in error.health.detail
    assert error.health.status is status


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (httpx.ConnectError(MARKER), "no connection"),
        (httpx.ConnectError(f"CERTIFICATE_VERIFY_FAILED {MARKER}"), "VAULT_CA_FILE"),
        (httpx.ConnectError(f"[SSL: WRONG_VERSION_NUMBER] {MARKER}"), "it does not speak TLS"),
        (httpx.ReadError(MARKER), "the connection broke"),
        (httpx.WriteError(MARKER), "the connection broke"),
        (httpx.PoolTimeout(MARKER), "the connection broke"),
    ],
)
async def test_what_fails_on_the_way(raised, said):
    def handler(_: httpx.Request) -> httpx.Response:
        raise raised

    assert said in (await away(handler)).health.detail


@pytest.mark.parametrize(("method", "attempts"), [("GET", 2), ("LIST", 2), ("POST", 1), ("DELETE", 1)])
async def test_a_read_on_an_old_connection_is_tried_again_and_a_change_is_not(method, attempts):
    seen = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        raise httpx.RemoteProtocolError("Server disconnected")

    await away(handler, method)
    assert len(seen) == attempts


async def test_it_does_not_hang():
    async def never(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    error = await away(never, timeout=0.05)  # type: ignore[arg-type]  # MockTransport takes coroutines too
    assert error.health.detail == "Vault does not answer within 0.05 s"


async def test_an_answer_without_what_it_should_hold():
    answer = await transport(lambda _: httpx.Response(200, json=["x"])).call("GET", "x")
    with pytest.raises(VaultAwayError, match="is not Vault"):
        answer.section("data")


async def test_certificates_that_cannot_be_read_are_named(tmp_path):
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(
        ConfigurationError, match=r"VAULT_CA_FILE=.*ca\.pem: must be a file of PEM certificates"
    ):
        VaultTransport(VaultConfig(address="https://vault", ca_file=tmp_path / "ca.pem"))


async def test_https_is_verified():
    vault = VaultTransport(VaultConfig(address="https://vault"))
    context = vault._client._transport._pool._ssl_context  # type: ignore[attr-defined]  # how httpx keeps it
    assert context.verify_mode is ssl.CERT_REQUIRED
    await vault.close()
