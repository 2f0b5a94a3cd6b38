"""The secrets port over Vault or OpenBao: key-value engine of version 2, a path for each tenant."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

import httpx

from brain_gateway.application.ports.secrets import SecretsHealth, SecretsStatus, StoredSecret
from brain_gateway.domain.errors import PreconditionFailed, SecretNotFound, SecretsUnavailable
from brain_gateway.domain.secret_path import SecretPath, checked_values
from brain_gateway.domain.tenancy import Secret
from brain_gateway.infrastructure.vault.answer import Answer, VaultAwayError
from brain_gateway.infrastructure.vault.cache import SecretCache
from brain_gateway.infrastructure.vault.config import VaultConfig
from brain_gateway.infrastructure.vault.session import VaultSession
from brain_gateway.infrastructure.vault.transport import VaultTransport

_AGAIN = 1.0  # seconds in which reads do not ask a Vault that has just been away
_HEALTH = "sys/health?standbyok=true&perfstandbyok=true"
_NOT_KV_2 = "VAULT_KV_MOUNT: must be a key-value engine of version 2"


class VaultSecrets:
    """A context manager: while it is open, the token is renewed."""

    def __init__(
        self,
        config: VaultConfig,
        clock: Callable[[], float] = time.monotonic,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._config = config
        self._clock = clock
        self._transport = VaultTransport(config, transport)
        self._session = VaultSession(self._transport, config, clock)
        self._cache = SecretCache(config.cache, config.stale)
        self._keeper: asyncio.Task[None] | None = None
        self._changes = 0
        self._away: tuple[float, VaultAwayError] | None = None

    async def __aenter__(self) -> Self:
        self._keeper = asyncio.create_task(self._session.keep(), name="vault-token")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
        await self._transport.close()

    async def read(self, path: SecretPath, *, anew: bool = False) -> StoredSecret:
        """See the port. Answers are kept for `cache` seconds, and for `stale` seconds against Vault's absence."""
        known = None if anew else self._cache.fresh(path, self._clock())
        if known is not None:
            return known
        changes = self._changes
        try:
            answer = await self._ask("GET", self._config.data(path), at_once=anew)
        except VaultAwayError as error:
            known = None if anew else self._cache.stale(path, self._clock())
            if known is not None:
                return known
            raise error.unavailable from None
        if answer.status != 200:
            self._cache.drop(path)
            raise self._refusal(answer, "read", "data")
        secret = _secret(answer)
        if changes == self._changes:  # else a write came between: its value is newer
            self._cache.put(path, secret, self._clock())
        return secret

    async def write(
        self, path: SecretPath, values: Mapping[str, Secret], expected_version: int | None = None
    ) -> int:
        """See the port."""
        data = {name: value.reveal() for name, value in checked_values(values).items()}
        options = {} if expected_version is None else {"cas": expected_version}
        answer = await self._change("POST", self._config.data(path), path, {"data": data, "options": options})
        if answer.status == 400 and "check-and-set" in answer.errors:
            raise PreconditionFailed("another version is stored than the one that was expected")
        if answer.status not in (200, 204):
            raise self._refusal(answer, "create, update", "data")
        try:
            return int(answer.section("data").number("version"))
        except VaultAwayError:
            raise SecretsUnavailable(_NOT_KV_2, refused=True) from None

    async def delete(self, path: SecretPath) -> None:
        """See the port."""
        answer = await self._change("DELETE", self._config.metadata(path), path)
        if answer.status not in (200, 204):
            raise self._refusal(answer, "delete", "metadata")

    async def names(self, tenant_id: str | None) -> tuple[str, ...]:
        """See the port."""
        try:
            answer = await self._session.call("LIST", self._config.folder(tenant_id))
            if answer.status == 200:
                names = answer.section("data").texts("keys")
                return tuple(sorted(name for name in names if not name.endswith("/")))
        except VaultAwayError as error:
            raise error.unavailable from None
        refusal = self._refusal(answer, "list", "metadata")
        if isinstance(refusal, SecretNotFound):
            return ()
        raise refusal

    async def health(self) -> SecretsHealth:
        """See the port: whether Vault is open, and takes the gateway's token."""
        try:
            answer = await self._transport.call("GET", _HEALTH, in_root=True)
            if answer.body.get("initialized") is False:
                return SecretsHealth(
                    SecretsStatus.UNREACHABLE, "Vault is not initialised: run its operator init"
                )
            if answer.body.get("sealed"):
                return self._bridged(SecretsHealth(SecretsStatus.SEALED, "Vault is sealed: unseal it"))
            await self._session.call("GET", "auth/token/lookup-self")
        except VaultAwayError as error:
            return self._bridged(error.health)
        ending = self._session.ending
        return SecretsHealth(SecretsStatus.DEGRADED, ending) if ending else SecretsHealth(SecretsStatus.OK)

    def _bridged(self, health: SecretsHealth) -> SecretsHealth:
        """What is said beside, while old copies serve."""
        if not len(self._cache):
            return health
        copies = f"; copies serve until they are {self._config.stale:g} s old"
        return SecretsHealth(health.status, health.detail + copies)

    async def _ask(self, method: str, path: str, *, at_once: bool) -> Answer:
        """Reads in a row do not each wait for a Vault that is away, but those that must know (`at_once`)."""
        if not at_once and self._away is not None and self._clock() < self._away[0]:
            known = self._away[1]
            raise VaultAwayError(known.health.detail, known.health.status, refused=known.refused)
        try:
            answer = await self._session.call(method, path)
        except VaultAwayError as error:
            self._away = (self._clock() + _AGAIN, error)
            raise
        self._away = None
        return answer

    async def _change(self, method: str, api_path: str, path: SecretPath, body: object = None) -> Answer:
        """Whatever comes of it, what was known is not sure any more."""
        try:
            return await self._session.call(method, api_path, body)
        except VaultAwayError as error:
            raise error.unavailable from None
        finally:
            self._changes += 1
            self._cache.drop(path)

    def _refusal(self, answer: Answer, capability: str, kind: str) -> SecretsUnavailable | SecretNotFound:
        """What an answer means that is not what was asked for."""
        if answer.status == 403:
            needed = self._config.needed(capability.replace(", ", '", "'), kind)
            return SecretsUnavailable(f"Vault refuses: the gateway's token needs {needed}", refused=True)
        if "namespace not found" in answer.errors:
            return SecretsUnavailable("VAULT_NAMESPACE: Vault has no such namespace", refused=True)
        if "no handler for route" in answer.errors:
            return SecretsUnavailable(
                f"VAULT_KV_MOUNT: Vault has no engine at {self._config.mount}/", refused=True
            )
        if answer.status == 404:
            return SecretNotFound()
        return SecretsUnavailable(f"Vault refuses the request (status {answer.status})", refused=True)


def _secret(answer: Answer) -> StoredSecret:
    """Values that others stored may be numbers or lists: such become JSON text."""
    try:
        data = answer.section("data")
        fields, version = data.values("data"), int(data.section("metadata").number("version"))
    except VaultAwayError:
        raise SecretsUnavailable(_NOT_KV_2, refused=True) from None
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in fields.items()}
    return StoredSecret({name: Secret(text) for name, text in texts.items()}, version)
