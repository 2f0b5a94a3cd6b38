"""Whatever answers, the adapter says what the port has (a real OpenBao: tests/live/test_vault.py)."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.application.ports.secrets import SecretsStatus, StoredSecret
from brain_gateway.domain.errors import PreconditionFailed, SecretNotFound, SecretsUnavailable
from brain_gateway.domain.secret_path import SecretPath
from brain_gateway.domain.tenancy import Secret
from brain_gateway.infrastructure.vault.config import VaultConfig
from brain_gateway.infrastructure.vault.secrets import VaultSecrets
from tests.fakes.manual_clock import ManualClock

pytestmark = pytest.mark.anyio
PATH, VALUES = SecretPath(None, "x"), {"a": Secret("1")}
STATUSES = (200, 204, 301, 307, 400, 401, 403, 404, 405, 412, 429, 472, 473, 500, 501, 502, 503)
WORDS = st.sampled_from(
    (
        "data",
        "metadata",
        "version",
        "keys",
        "auth",
        "client_token",
        "lease_duration",
        "ttl",
        "errors",
        "sealed",
    )
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)
BODIES = st.dictionaries(WORDS, JSON, max_size=4) | JSON | st.just("<html>")


def secrets(handler: Any, clock: ManualClock | None = None, **options: Any) -> VaultSecrets:
    known = {"role_id": "r", "secret_id": Secret("s"), **options}
    config = VaultConfig(address="http://vault", **known)
    return VaultSecrets(config, clock or ManualClock(), httpx.MockTransport(handler))


def answering(status: int, body: object) -> Any:
    page = body == "<html>"
    return lambda _: httpx.Response(status, text=body) if page else httpx.Response(status, json=body)


async def outcome(work: Any) -> object:
    try:
        return await work
    except (SecretsUnavailable, SecretNotFound, PreconditionFailed) as error:
        return error


@given(login=BODIES, status=st.sampled_from(STATUSES), body=BODIES)
def test_whatever_answers_nothing_but_the_ports_errors_comes_out(login, status, body):
    good = {"auth": {"client_token": "t", "lease_duration": 60, "renewable": True}}

    def handler(request: httpx.Request) -> httpx.Response:
        logs_in = request.url.path.endswith("auth/approle/login")
        return (
            answering(200, good if login is None else login)(request)
            if logs_in
            else answering(status, body)(request)
        )

    async def use() -> None:
        store = secrets(handler, cache=0.0)
        assert isinstance(await outcome(store.read(PATH)), StoredSecret | Exception)
        assert isinstance(await outcome(store.write(PATH, VALUES, 0)), int | Exception)
        assert isinstance(await outcome(store.names(None)), tuple | Exception)
        assert isinstance(await outcome(store.delete(PATH)), Exception | None)
        assert (await store.health()).status in SecretsStatus

    asyncio.run(use())


@pytest.mark.parametrize("status", [412, 429, 472, 473, 500, 502, 503])
@pytest.mark.parametrize("body", ["<html>", {"errors": ["x"]}], ids=["page", "errors"])
async def test_what_says_nothing_of_the_request_may_be_waited_for(status, body):
    """A standby, a proxy in between, a limit on requests."""
    store = secrets(answering(status, body))
    error = await outcome(store.read(PATH))
    assert isinstance(error, SecretsUnavailable)
    assert (error.detail, error.refused) == (f"Vault answers with status {status}", False)
    assert (await store.health()).status is SecretsStatus.UNREACHABLE


async def test_a_read_anew_gives_no_copy():
    answers, clock = [7, 8], ManualClock()

    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("login"):
            return httpx.Response(200, json={"auth": {"client_token": "t", "lease_duration": 0}})
        if not answers:
            return httpx.Response(503, json={"errors": ["Vault is sealed"]})
        return httpx.Response(
            200, json={"data": {"data": {"a": "1"}, "metadata": {"version": answers.pop(0)}}}
        )

    store = secrets(handler, clock, cache=60.0, stale=600.0)
    assert [(await store.read(PATH)).version for _ in range(2)] == [7, 7]
    assert (await store.read(PATH, anew=True)).version == 8
    assert (await store.read(PATH)).version == 8, "others profit"
    for _ in range(2):
        with pytest.raises(SecretsUnavailable, match="sealed"):
            await store.read(PATH, anew=True)
    clock.tick(61.0)
    assert (await store.read(PATH)).version == 8, "and lose nothing"


async def test_a_read_anew_asks_a_vault_that_has_just_been_away():
    away = [True]

    def handler(request: httpx.Request) -> httpx.Response:
        if away[0]:
            raise httpx.ConnectError("away")
        if request.url.path.endswith("login"):
            return httpx.Response(200, json={"auth": {"client_token": "t", "lease_duration": 0}})
        return httpx.Response(200, json={"data": {"data": {"a": "1"}, "metadata": {"version": 1}}})

    store = secrets(handler)
    with pytest.raises(SecretsUnavailable):
        await store.read(PATH)
    away[0] = False
    with pytest.raises(SecretsUnavailable, match="no connection"):
        await store.read(PATH)
    assert (await store.read(PATH, anew=True)).version == 1
