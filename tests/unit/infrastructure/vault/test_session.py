"""Tokens are obtained once, renewed in time and replaced when they are not taken any more."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from brain_gateway.domain.tenancy import Secret
from brain_gateway.infrastructure.vault.config import VaultConfig
from brain_gateway.infrastructure.vault.session import VaultSession
from brain_gateway.infrastructure.vault.transport import VaultAwayError, VaultTransport
from tests.fakes.manual_clock import ManualClock

pytestmark = pytest.mark.anyio


class FakeVault:
    """Gives out token-1, token-2, ... to AppRole, and knows which it takes."""

    def __init__(self, ttl: float = 90, renewable: bool = True) -> None:
        self.ttl = self.renewed_ttl = ttl
        self.renewable = renewable
        self.taken = {"static"}
        self.calls: list[str] = []
        self.away = False

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        path = request.url.path.removeprefix("/v1/")
        self.calls.append(path)
        if self.away:
            raise httpx.ConnectError("away")
        if path == "auth/approle/login":
            return self._login(json.loads(request.content))
        token = request.headers["X-Vault-Token"]
        if token not in self.taken:
            return httpx.Response(403, json={"errors": ["permission denied"]})
        if path.endswith("renew-self"):
            return httpx.Response(200, json={"auth": self._auth(token, self.renewed_ttl)})
        return httpx.Response(
            200, json={"data": {"ttl": self.ttl, "renewable": self.renewable, "token": token}}
        )

    def _login(self, body: dict[str, str]) -> httpx.Response:
        if body != {"role_id": "r", "secret_id": "s"}:
            return httpx.Response(400, json={"errors": ["invalid role or secret ID"]})
        token = f"token-{self.calls.count('auth/approle/login')}"
        self.taken.add(token)
        return httpx.Response(200, json={"auth": self._auth(token, self.ttl)})

    def _auth(self, token: str, ttl: float) -> dict[str, object]:
        return {"client_token": token, "lease_duration": ttl, "renewable": self.renewable}


def session(vault: FakeVault, clock: ManualClock, **options: object) -> VaultSession:
    known = options or {"role_id": "r", "secret_id": Secret("s")}
    config = VaultConfig(address="http://vault", **known)  # type: ignore[arg-type]  # the test's own
    return VaultSession(VaultTransport(config, httpx.MockTransport(vault)), config, clock)


async def token_of(one: VaultSession) -> str:
    return str((await one.call("GET", "x")).section("data").text("token"))


async def test_many_calls_log_in_once():
    vault, clock = FakeVault(), ManualClock()
    one = session(vault, clock)
    assert set(await asyncio.gather(*(token_of(one) for _ in range(10)))) == {"token-1"}
    assert vault.calls.count("auth/approle/login") == 1


async def test_nothing_is_renewed_before_its_time():
    vault, clock = FakeVault(), ManualClock()
    one = session(vault, clock)
    assert await one.renew_if_due() == 1.0
    assert vault.calls == []
    await token_of(one)
    clock.tick(50)
    assert await one.renew_if_due() == pytest.approx(10)
    clock.tick(10)
    assert await one.renew_if_due() == pytest.approx(60)
    assert vault.calls.count("auth/token/renew-self") == 1
    assert await token_of(one) == "token-1"


async def test_a_renewal_that_gives_little_leads_to_a_login():
    vault, clock = FakeVault(), ManualClock()
    one = session(vault, clock)
    await token_of(one)
    vault.renewed_ttl = 20
    clock.tick(61)
    await one.renew_if_due()
    assert await token_of(one) == "token-2"


async def test_a_token_that_is_not_renewable_is_replaced():
    vault, clock = FakeVault(renewable=False), ManualClock()
    one = session(vault, clock)
    await token_of(one)
    clock.tick(61)
    await one.renew_if_due()
    assert await token_of(one) == "token-2"
    assert "auth/token/renew-self" not in vault.calls


async def test_a_revoked_token_is_replaced_in_the_call_that_finds_out():
    vault, clock = FakeVault(), ManualClock()
    one = session(vault, clock)
    await token_of(one)
    vault.taken.clear()
    assert set(await asyncio.gather(*(token_of(one) for _ in range(5)))) == {"token-2"}


async def test_a_given_token_that_ends_says_so():
    vault, clock = FakeVault(ttl=90, renewable=False), ManualClock()
    one = session(vault, clock, token=Secret("static"))
    assert one.ending is None
    await token_of(one)
    assert one.ending is None
    clock.tick(40)
    assert one.ending == "VAULT_TOKEN: ends in 50 s and cannot be renewed; give the gateway another one"
    await one.renew_if_due()
    vault.taken.clear()
    with pytest.raises(VaultAwayError, match="VAULT_TOKEN: Vault does not take it"):
        await one.call("GET", "x")


async def test_a_wrong_secret_id_is_said():
    one = session(FakeVault(), ManualClock(), role_id="r", secret_id=Secret("wrong"))
    with pytest.raises(VaultAwayError, match="VAULT_ROLE_ID, VAULT_SECRET_ID"):
        await one.call("GET", "x")


async def test_keeping_goes_on_while_vault_is_away():
    vault, clock, pauses = FakeVault(), ManualClock(), []
    one = session(vault, clock)
    await token_of(one)
    clock.tick(61)
    vault.away = True

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        vault.away = len(pauses) < 3
        if len(pauses) == 4:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await one.keep(sleep)
    assert pauses == [1.0, 1.0, 1.0, pytest.approx(60)]
    assert await token_of(one) == "token-1"


async def test_a_renewal_that_fails_is_told_once_and_shown_while_the_token_holds(caplog):
    vault, clock, pauses = FakeVault(), ManualClock(), []
    one = session(vault, clock)
    await token_of(one)
    assert one.ending is None
    clock.tick(61)
    vault.away = True

    async def sleep(seconds: float) -> None:
        pauses.append(one.ending)
        if len(pauses) == 3:
            vault.away = False
        if len(pauses) == 4:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await one.keep(sleep)
    assert pauses == ["the token ends in 29 s: Vault cannot be reached (no connection)"] * 3 + [None]
    assert [record.message for record in caplog.records] == [
        "token not renewed: Vault cannot be reached (no connection)"
    ]
    clock.tick(91)
    assert one.ending is None, "it has ended"
