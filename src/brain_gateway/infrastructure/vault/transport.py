"""One call to Vault's HTTP API: bounded in time, and either an answer or a reason."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import httpx
import orjson

from brain_gateway.application.ports.secrets import SecretsStatus
from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.domain.tenancy import Secret
from brain_gateway.infrastructure.vault.answer import Answer, VaultAwayError
from brain_gateway.infrastructure.vault.config import VaultConfig

MOST_BYTES = 8 << 20  # of an answer; a secret of 64 fields of 64 KiB fits
_CONNECTIONS = 16
_MEANT = (200, 204, 400, 403, 404)  # statuses by which Vault says something of what was asked


class VaultTransport:
    """HTTP to one Vault. Proxies of the environment and redirects are not followed: the token goes to no one else."""

    def __init__(self, config: VaultConfig, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._config = config
        self._client = httpx.AsyncClient(
            base_url=config.address.rstrip("/") + "/v1/",
            timeout=config.timeout,
            limits=httpx.Limits(max_connections=_CONNECTIONS, keepalive_expiry=30),
            verify=_trust(config),
            trust_env=False,
            transport=transport,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def call(
        self,
        method: str,
        path: str,
        token: Secret | None = None,
        body: object = None,
        *,
        in_root: bool = False,
    ) -> Answer:
        """Ask; `in_root`: outside of the namespace, where sys/health is. Raises VaultAwayError, in time."""
        headers = {"X-Vault-Request": "true"}
        if token:
            headers["X-Vault-Token"] = token.reveal()
        if self._config.namespace and not in_root:
            headers["X-Vault-Namespace"] = self._config.namespace
        try:
            async with asyncio.timeout(self._config.timeout):
                return await self._ask(method, path, headers, body)
        except TimeoutError:
            raise VaultAwayError(f"Vault does not answer within {self._config.timeout:g} s") from None
        except (httpx.HTTPError, ssl.SSLError) as error:
            raise VaultAwayError(f"Vault cannot be reached ({_kind(error)})") from None

    async def _ask(self, method: str, path: str, headers: dict[str, str], body: object) -> Answer:
        try:
            answer = await self._once(method, path, headers, body)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            if method not in ("GET", "LIST"):
                raise
            answer = await self._once(method, path, headers, body)  # the connection was an old one
        return _judged(answer, health=path.startswith("sys/health"))

    async def _once(self, method: str, path: str, headers: dict[str, str], body: object) -> Answer:
        async with self._client.stream(method, path, headers=headers, json=body) as response:
            content = bytearray()
            async for piece in response.aiter_bytes():
                content += piece
                if len(content) > MOST_BYTES:
                    raise VaultAwayError("Vault's answer is too long")
        return Answer(response.status_code, _json(bytes(content), response.status_code))


def _judged(answer: Answer, health: bool) -> Answer:
    """The answer, where it is one; what Vault cannot do now becomes VaultAwayError. Its key-value engine says so by 400
    for a while after it was made or opened."""
    if answer.status == 400 and "unavailable for a brief period" in answer.errors:
        raise VaultAwayError("Vault's key-value engine is not ready yet")
    if health or answer.status in _MEANT:
        return answer
    if answer.status == 503 and "sealed" in answer.errors:
        raise VaultAwayError("Vault is sealed: unseal it", SecretsStatus.SEALED)
    if answer.status in (301, 302, 307, 308):
        raise VaultAwayError("Vault sends the gateway to another address: name that one in VAULT_ADDR")
    raise VaultAwayError(f"Vault answers with status {answer.status}")


def _json(content: bytes, status: int) -> dict[str, Any]:
    """The object of an answer; a failure may come from a proxy in between, whose page says nothing."""
    try:
        body = orjson.loads(content) if content else {}
    except orjson.JSONDecodeError:
        if status in _MEANT:
            raise VaultAwayError("what answers at VAULT_ADDR is not Vault: it does not speak JSON") from None
        return {}
    return body if isinstance(body, dict) else {}


def _kind(error: Exception) -> str:
    """The sort of failure in a word; the error's own text names addresses."""
    if "CERTIFICATE" in str(error).upper():
        return "its certificate is not trusted: see VAULT_CA_FILE"
    if "WRONG_VERSION_NUMBER" in str(error):
        return "it does not speak TLS: is VAULT_ADDR an http address?"
    return "no connection" if isinstance(error, httpx.ConnectError) else "the connection broke"


def _trust(config: VaultConfig) -> ssl.SSLContext | bool:
    if not config.address.startswith("https"):
        return False
    try:
        return ssl.create_default_context(cafile=str(config.ca_file) if config.ca_file else None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"VAULT_CA_FILE={config.ca_file}: must be a file of PEM certificates"
        ) from error
