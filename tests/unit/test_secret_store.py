"""Which store the settings choose (with Vault: tests/live/test_vault.py, tests/live/test_secret_references.py)."""

from __future__ import annotations

import contextlib

import pytest

from brain_gateway import secret_store
from brain_gateway.application.ports.secrets import SecretsStatus
from brain_gateway.domain.errors import ConfigurationError, SecretNotFound, SecretsUnavailable
from brain_gateway.domain.secret_path import SecretPath
from brain_gateway.domain.tenancy import Secret
from brain_gateway.infrastructure.vault.secrets import VaultSecrets
from brain_gateway.secret_store import look, open_secrets, resolved
from brain_gateway.settings import Settings, load_settings
from tests.builders.planted import JWT_SECRET, OTHER_SECRETS_KEY, SECRETS_KEY, VAULT_TOKEN
from tests.fakes.secrets import FakeSecrets

pytestmark = pytest.mark.anyio
JWT = SecretPath(None, "jwt")
PRODUCTION = {"BRAIN_GATEWAY_PROFILE": "production", "JWT_SECRET": JWT_SECRET}


def settings(tmp_path, **environ: str) -> Settings:
    return load_settings({"BRAIN_GATEWAY_DATA_DIR": str(tmp_path / "data"), **environ})


async def put(chosen: Settings, text: str) -> None:
    async with open_secrets(chosen) as secrets:
        await secrets.write(JWT, {"key": Secret(text)})


async def got(chosen: Settings) -> str:
    async with open_secrets(chosen) as secrets:
        return (await secrets.read(JWT))["key"].reveal()


async def test_development_makes_a_key_when_it_stores_something(tmp_path):
    chosen = settings(tmp_path)
    with pytest.raises(SecretNotFound):
        await got(chosen)
    assert not (tmp_path / "data").exists()
    await put(chosen, "x")
    assert await got(chosen) == "x"
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == [
        "secrets-key", "secrets.json", "secrets.lock",
    ]  # fmt: skip


async def test_the_key_that_development_made_can_be_moved_to_the_variable(tmp_path):
    await put(settings(tmp_path), "x")
    key = (tmp_path / "data" / "secrets-key").read_text()
    assert await got(settings(tmp_path, SECRETS_KEY=key, **PRODUCTION)) == "x"


async def test_production_stores_nothing_without_a_key(tmp_path):
    with pytest.raises(SecretsUnavailable, match="SECRETS_KEY: must be set"):
        await put(settings(tmp_path, **PRODUCTION), "x")
    assert not (tmp_path / "data").exists()


async def test_keys_can_be_replaced(tmp_path):
    await put(settings(tmp_path, SECRETS_KEY=SECRETS_KEY), "x")
    assert await got(settings(tmp_path, SECRETS_KEY=f"{OTHER_SECRETS_KEY},{SECRETS_KEY}")) == "x"
    with pytest.raises(SecretsUnavailable, match="SECRETS_KEY: none of its keys"):
        await got(settings(tmp_path, SECRETS_KEY=OTHER_SECRETS_KEY))


@pytest.mark.parametrize(
    "way",
    [
        {"VAULT_TOKEN": VAULT_TOKEN},
        {"VAULT_TOKEN": VAULT_TOKEN, "VAULT_ROLE_ID": "r", "VAULT_SECRET_ID": "s"},
    ],
)
async def test_vault_is_chosen_by_its_address_and_a_role_goes_first(tmp_path, way):
    async with open_secrets(
        settings(tmp_path, VAULT_ADDR="https://vault", VAULT_KV_MOUNT="kv", **way)
    ) as secrets:
        assert isinstance(secrets, VaultSecrets)
        config = secrets._config
        assert (config.address, config.mount, config.role_id) == (
            "https://vault",
            "kv",
            way.get("VAULT_ROLE_ID"),
        )
        assert (config.token is None) == ("VAULT_ROLE_ID" in way)


async def test_settings_are_filled_in(tmp_path):
    await put(settings(tmp_path), JWT_SECRET)
    filled = (await look(settings(tmp_path, JWT_SECRET="secret:jwt#key"))).present
    assert filled is not None
    assert filled.jwt_secret is not None
    assert filled.jwt_secret.get_secret_value() == JWT_SECRET


async def test_a_file_that_cannot_be_used_is_not_waited_for(tmp_path):
    await put(settings(tmp_path, SECRETS_KEY=SECRETS_KEY), JWT_SECRET)
    with pytest.raises(
        ConfigurationError, match="secret:jwt#key, which cannot be read: SECRETS_KEY: none of its"
    ):
        await look(settings(tmp_path, SECRETS_KEY=OTHER_SECRETS_KEY, JWT_SECRET="secret:jwt#key"))


async def test_without_references_no_store_is_opened(tmp_path):
    plain = settings(
        tmp_path, JWT_SECRET="given", VAULT_ADDR="https://v", VAULT_TOKEN=VAULT_TOKEN, VAULT_CA_FILE=""
    )
    assert (await look(plain)).present is plain


@pytest.fixture
def sealed(monkeypatch):
    """Whatever store is opened is a sealed one."""
    store = FakeSecrets()
    store.status, store.detail = SecretsStatus.SEALED, "Vault is sealed: unseal it"
    monkeypatch.setattr(secret_store, "open_secrets", lambda settings: contextlib.nullcontext(store))


async def test_a_store_that_is_away_may_be_waited_for(tmp_path, sealed):
    found = await look(settings(tmp_path, JWT_SECRET="secret:jwt#key"))
    assert (found.present, found.missing) == (None, "Vault is sealed: unseal it")


def test_a_command_waits_for_nothing(tmp_path, sealed):
    plain = settings(tmp_path, JWT_SECRET="given")
    assert resolved(plain) is plain
    with pytest.raises(ConfigurationError) as caught:
        resolved(settings(tmp_path, JWT_SECRET="secret:jwt#key", METRICS_TOKEN="secret:m#token"))
    assert caught.value.faults == (
        "JWT_SECRET: refers to secret:jwt#key, which cannot be read: Vault is sealed: unseal it",
        "METRICS_TOKEN: refers to secret:m#token, which cannot be read: Vault is sealed: unseal it",
    )
