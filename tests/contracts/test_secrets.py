"""What every store of secrets does: one suite over memory, the encrypted file and a real OpenBao."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from brain_gateway.application.ports.secrets import Secrets, SecretsHealth, SecretsStatus
from brain_gateway.domain.errors import PreconditionFailed, SecretNotFound
from brain_gateway.domain.secret_path import MOST_BYTES, SecretPath
from brain_gateway.domain.tenancy import Secret
from brain_gateway.infrastructure.secrets_file.secrets import FileSecrets
from brain_gateway.infrastructure.vault.config import VaultConfig
from brain_gateway.infrastructure.vault.secrets import VaultSecrets
from tests.builders.planted import CREDENTIAL
from tests.fakes.secrets import FakeSecrets
from tests.live.harness.openbao import ROOT_TOKEN, running_openbao

pytestmark = pytest.mark.anyio
TENANT = "0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a"
OTHER = "5f1d3c2b-9a8e-4f70-b6c5-0d9e8f7a6b5c"
STRIPE = SecretPath(TENANT, "stripe")
Open = Callable[[], "contextlib.AbstractAsyncContextManager[Secrets]"]


@pytest.fixture(scope="module")
def openbao(tmp_path_factory):
    with running_openbao(tmp_path_factory.mktemp("openbao")) as server:
        yield server


def _opener(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Each call is another process's view of the same store."""
    if kind == "memory":
        fake = FakeSecrets()
        return lambda: contextlib.nullcontext(fake)
    if kind == "file":
        return lambda: contextlib.nullcontext(FileSecrets(tmp_path / "data", lambda: (b"k" * 32,)))
    template = tmp_path.name.replace("[", "-").replace("]", "") + "/{tenant}/{name}"
    server = request.getfixturevalue("openbao")
    config = VaultConfig(address=server.address, token=Secret(ROOT_TOKEN), template=template, cache=0.0)
    return lambda: VaultSecrets(config)


@pytest.fixture(params=["memory", "file", "openbao"])
def store(request, tmp_path) -> Open:
    return _opener(request.param, request, tmp_path)


@pytest.fixture
async def secrets(store) -> AsyncIterator[Secrets]:
    async with store() as opened:
        yield opened


def fields(**values: str) -> dict[str, Secret]:
    return {name: Secret(value) for name, value in values.items()}


async def test_what_is_written_is_read(secrets, store):
    assert await secrets.write(STRIPE, fields(api_key=CREDENTIAL, account="a-1")) == 1
    found = await secrets.read(STRIPE)
    assert dict(found) == fields(api_key=CREDENTIAL, account="a-1")
    assert found.version == 1
    async with store() as another:
        assert await another.read(STRIPE) == found


async def test_a_read_anew_sees_what_another_process_wrote(secrets, store):
    await secrets.write(STRIPE, fields(a="1"))
    assert (await secrets.read(STRIPE))["a"] == Secret("1")
    async with store() as another:
        await another.write(STRIPE, fields(a="2"))
    assert (await secrets.read(STRIPE, anew=True))["a"] == Secret("2")
    await secrets.delete(STRIPE)
    with pytest.raises(SecretNotFound):
        await secrets.read(STRIPE, anew=True)


async def test_what_is_not_there_is_said_so(secrets):
    with pytest.raises(SecretNotFound):
        await secrets.read(STRIPE)
    await secrets.delete(STRIPE)
    assert await secrets.names(TENANT) == ()


async def test_a_write_replaces_all_fields(secrets):
    await secrets.write(STRIPE, fields(a="1", b="2"))
    assert await secrets.write(STRIPE, fields(b="3")) == 2
    assert dict(await secrets.read(STRIPE)) == fields(b="3")


async def test_tenants_do_not_meet(secrets):
    await secrets.write(STRIPE, fields(a="1"))
    for path in (SecretPath(OTHER, "stripe"), SecretPath(None, "stripe")):
        with pytest.raises(SecretNotFound):
            await secrets.read(path)
    await secrets.write(SecretPath(OTHER, "stripe"), fields(a="2"))
    await secrets.write(SecretPath(None, "stripe"), fields(a="3"))
    await secrets.delete(SecretPath(OTHER, "stripe"))
    assert (await secrets.read(STRIPE))["a"] == Secret("1")
    assert (await secrets.read(SecretPath(None, "stripe")))["a"] == Secret("3")
    assert await secrets.names(OTHER) == ()


async def test_names_are_listed_for_each_tenant_alone(secrets):
    for path in (STRIPE, SecretPath(TENANT, "a.b-c_D"), SecretPath(OTHER, "x"), SecretPath(None, "jwt")):
        await secrets.write(path, fields(a="1"))
    assert await secrets.names(TENANT) == ("a.b-c_D", "stripe")
    assert await secrets.names(OTHER) == ("x",)
    assert await secrets.names(None) == ("jwt",)


async def test_what_is_deleted_is_gone_and_can_be_made_anew(secrets):
    await secrets.write(STRIPE, fields(a="1"))
    await secrets.write(STRIPE, fields(a="2"))
    await secrets.delete(STRIPE)
    with pytest.raises(SecretNotFound):
        await secrets.read(STRIPE)
    assert await secrets.write(STRIPE, fields(a="3"), expected_version=0) == 1


async def test_compare_and_set(secrets):
    assert await secrets.write(STRIPE, fields(a="1"), expected_version=0) == 1
    for wrong in (0, 2):
        with pytest.raises(PreconditionFailed):
            await secrets.write(STRIPE, fields(a="lost"), expected_version=wrong)
    assert await secrets.write(STRIPE, fields(a="2"), expected_version=1) == 2
    assert (await secrets.read(STRIPE))["a"] == Secret("2")


async def test_of_several_that_write_at_once_one_wins(secrets):
    async def attempt(number: int) -> bool:
        try:
            await secrets.write(STRIPE, fields(a=str(number)), expected_version=0)
        except PreconditionFailed:
            return False
        return True

    won = await asyncio.gather(*map(attempt, range(8)))
    assert won.count(True) == 1
    assert (await secrets.read(STRIPE))["a"] == Secret(str(won.index(True)))


async def test_writes_at_once_to_different_places_are_all_kept(secrets):
    paths = [SecretPath(TENANT, f"s{number}") for number in range(12)]
    await asyncio.gather(*(secrets.write(path, fields(a=path.name)) for path in paths))
    assert [(await secrets.read(path))["a"] for path in paths] == [Secret(path.name) for path in paths]


@pytest.mark.parametrize("value", ["", " ", 'ü\u2603\U0001f511\x00\n"\\', "x" * MOST_BYTES], ids=range(4))
async def test_any_text_can_be_a_value(secrets, value):
    await secrets.write(STRIPE, {"a": Secret(value)})
    assert (await secrets.read(STRIPE))["a"] == Secret(value)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"": Secret("x")},
        {"a/b": Secret("x")},
        {"a": Secret("x" * (MOST_BYTES + 1))},
        {"a": Secret("\udc80")},
    ],
    ids=range(5),
)
async def test_what_cannot_be_stored_is_refused_first(secrets, values):
    with pytest.raises(ValueError, match=r"secret|field"):
        await secrets.write(STRIPE, values)
    assert await secrets.names(TENANT) == ()


async def test_nothing_shows_itself(secrets):
    await secrets.write(STRIPE, fields(api_key=CREDENTIAL))
    found = await secrets.read(STRIPE)
    for text in (repr(found), str(found), f"{found}", repr(dict(found)), repr(list(found.values()))):
        assert CREDENTIAL not in text
    with pytest.raises(PreconditionFailed) as caught:
        await secrets.write(STRIPE, fields(api_key=CREDENTIAL), expected_version=7)
    assert CREDENTIAL not in repr(caught.value)


async def test_it_is_well(secrets):
    assert await secrets.health() == SecretsHealth(SecretsStatus.OK)
    await secrets.write(STRIPE, fields(a="1"))
    assert await secrets.health() == SecretsHealth(SecretsStatus.OK)
