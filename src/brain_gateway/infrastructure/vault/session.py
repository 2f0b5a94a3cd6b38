"""The gateway's token at Vault: obtained, renewed before its end, replaced when Vault no longer takes it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from brain_gateway.domain.tenancy import Secret
from brain_gateway.infrastructure.vault.answer import Answer, VaultAwayError
from brain_gateway.infrastructure.vault.config import VaultConfig
from brain_gateway.infrastructure.vault.lease import Lease
from brain_gateway.infrastructure.vault.transport import VaultTransport

logger = logging.getLogger("brain_gateway.vault")

_SHORTEST, _LONGEST = 1.0, 60.0  # seconds between two looks at the token's age
_LOOKUP, _RENEW, _LOGIN = "auth/token/lookup-self", "auth/token/renew-self", "auth/approle/login"
_NOT_TAKEN = (
    "VAULT_TOKEN: Vault does not take it; it is expired or revoked, or lacks Vault's own policy `default`"
)


class VaultSession:
    """Calls as somebody. One login at a time, however many calls wait for it."""

    def __init__(self, transport: VaultTransport, config: VaultConfig, clock: Callable[[], float]) -> None:
        self._transport = transport
        self._config = config
        self._clock = clock
        self._lease: Lease | None = None
        self._changing = asyncio.Lock()
        self._trouble = ""

    @property
    def ending(self) -> str | None:
        """What is to be said while the token still holds and nothing renews it."""
        now, lease = self._clock(), self._lease
        if lease is None or lease.expired(now):
            return None
        if self._config.token is not None and lease.ending(now):
            return f"VAULT_TOKEN: ends in {lease.left(now):.0f} s and cannot be renewed; give the gateway another one"
        return f"the token ends in {lease.left(now):.0f} s: {self._trouble}" if self._trouble else None

    async def call(self, method: str, path: str, body: object = None) -> Answer:
        """Ask with a token that holds. A 403 that is left means a policy. Raises VaultAwayError, in time."""
        try:
            async with asyncio.timeout(self._config.timeout):
                return await self._call(method, path, body)
        except TimeoutError:
            raise VaultAwayError(f"Vault does not answer within {self._config.timeout:g} s") from None

    async def keep(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Renew the token for as long as this runs; a Vault that is away is asked again."""
        while True:
            pause, trouble = _SHORTEST, ""
            try:
                pause = await self.renew_if_due()
            except VaultAwayError as error:
                trouble = str(error)
            if trouble and trouble != self._trouble:
                logger.warning("token not renewed: %s", trouble)
            self._trouble = trouble
            await sleep(pause)

    async def renew_if_due(self) -> float:
        """Renew or replace a token that was obtained, if it is time; seconds until the next look."""
        if self._lease is None:
            return _SHORTEST
        lease = await self._current()
        if lease.due(self._clock()):
            async with self._changing:
                if self._lease is lease:  # nobody was faster
                    self._lease = await self._renewed(lease)
        lease = self._lease or lease
        return min(_LONGEST, max(_SHORTEST, lease.renew_at - self._clock()))

    async def _call(self, method: str, path: str, body: object) -> Answer:
        lease = await self._current()
        answer = await self._transport.call(method, path, lease.token, body)
        if answer.status == 403 and await self._is_refused(lease):
            lease = await self._current()
            answer = await self._transport.call(method, path, lease.token, body)
        return answer

    async def _is_refused(self, lease: Lease) -> bool:
        """Whether it is the token that Vault does not take, and not the path; such a token is forgotten."""
        known = (await self._transport.call("GET", _LOOKUP, lease.token)).status == 200
        if not known and self._lease is lease:
            self._lease = None
        return not known

    async def _current(self) -> Lease:
        lease = self._lease
        if lease is not None and not lease.expired(self._clock()):
            return lease
        async with self._changing:
            if self._lease is None or self._lease.expired(self._clock()):
                self._lease = await self._obtained()
            return self._lease

    async def _obtained(self) -> Lease:
        if self._config.token is None:
            return await self._login()
        answer = await self._transport.call("GET", _LOOKUP, self._config.token)
        if answer.status != 200:
            raise VaultAwayError(
                _refusal(answer, _NOT_TAKEN),
                refused=True,
            )
        about = answer.section("data")  # of a root token it says nothing of renewal
        return Lease.granted(
            self._config.token, self._clock(), about.number("ttl", 0), about.true("renewable")
        )

    async def _login(self) -> Lease:
        assert self._config.role_id is not None  # the settings ask for one or the other
        assert self._config.secret_id is not None
        who = {"role_id": self._config.role_id, "secret_id": self._config.secret_id.reveal()}
        answer = await self._transport.call("POST", _LOGIN, body=who)
        if answer.status != 200:
            what = "VAULT_ROLE_ID, VAULT_SECRET_ID: Vault does not take them; the secret id may be used up or expired"
            raise VaultAwayError(_refusal(answer, what), refused=True)
        return self._granted(answer)

    async def _renewed(self, lease: Lease) -> Lease:
        """The same token with more life, or another one; as it was when it cannot have either."""
        if lease.renewable:
            answer = await self._transport.call("POST", _RENEW, lease.token, {})
            renewed = self._granted(answer) if answer.status == 200 else replace(lease, renewable=False)
            if renewed.renewable and not renewed.shortened(lease):
                return renewed
            lease = renewed
        return await self._login() if self._config.token is None else lease

    def _granted(self, answer: Answer) -> Lease:
        auth = answer.section("auth")
        token, ttl = Secret(auth.text("client_token")), auth.number("lease_duration", 0)
        return Lease.granted(token, self._clock(), ttl, auth.true("renewable"))


def _refusal(answer: Answer, otherwise: str) -> str:
    """Which variable is wrong: before it looks at credentials, Vault looks for the namespace and the login method."""
    if "namespace not found" in answer.errors:
        return "VAULT_NAMESPACE: Vault has no such namespace"
    if "no handler for route" in answer.errors:
        return "VAULT_ROLE_ID: AppRole is not enabled at auth/approle in this namespace"
    return otherwise
