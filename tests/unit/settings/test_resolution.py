"""Settings that refer to secrets are filled in, and are judged by what they are then."""

from __future__ import annotations

import pytest

from brain_gateway.application.ports.secrets import SecretsStatus
from brain_gateway.domain.errors import ConfigurationError, SecretsUnavailable
from brain_gateway.domain.secret_path import SecretPath
from brain_gateway.settings import Settings, has_references, load_settings, resolve_secret_references
from brain_gateway.settings.documentation import describe_settings, shown_value
from tests.builders.planted import DATABASE_PASSWORD, JWT_SECRET, MARKER
from tests.fakes.secrets import FakeSecrets

pytestmark = pytest.mark.anyio
URL = "postgresql://gw:${secret:db#password}@db.example:5432/gw"
PRODUCTION = {"BRAIN_GATEWAY_PROFILE": "production", "JWT_SECRET": "secret:jwt#key"}


def store(**more: dict[str, str]) -> FakeSecrets:
    known = {"jwt": {"key": JWT_SECRET}, "db": {"password": DATABASE_PASSWORD + "@/"}, **more}
    return FakeSecrets({SecretPath(None, name): fields for name, fields in known.items()})


async def resolve(environ: dict[str, str], secrets: FakeSecrets) -> Settings:
    return await resolve_secret_references(load_settings(environ), secrets)


async def faults(environ: dict[str, str], secrets: FakeSecrets) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        await resolve(environ, secrets)
    assert MARKER not in repr(caught.value)
    assert caught.value.__cause__ is None
    return caught.value.faults


async def test_they_are_filled_in():
    environ = {**PRODUCTION, "DATABASE_URL": URL, "REDIS_URL": "secret:cache#url"}
    secrets = store(cache={"url": "rediss://:pw@cache:6380"})
    settings = await resolve(environ, secrets)
    assert settings.jwt_secret is not None
    assert settings.jwt_secret.get_secret_value() == JWT_SECRET
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == (
        f"postgresql://gw:{DATABASE_PASSWORD}%40%2F@db.example:5432/gw"
    )
    assert settings.redis_url is not None
    assert settings.redis_url.get_secret_value() == "rediss://:pw@cache:6380"
    assert not has_references(settings)
    assert settings.port == 8001


async def test_each_secret_is_read_once():
    secrets = store(db={"password": "p", "user": "u"})
    await resolve({"DATABASE_URL": "postgresql://${secret:db#user}:${secret:db#password}@h/n"}, secrets)
    assert secrets.reads == [SecretPath(None, "db")]


async def test_without_references_nothing_is_asked():
    secrets = store()
    secrets.status = SecretsStatus.SEALED
    settings = load_settings({"JWT_SECRET": "x", "DATABASE_URL": "postgresql://u:p@h/n"})
    assert not has_references(settings)
    assert await resolve_secret_references(settings, secrets) is settings


async def test_what_opens_the_store_cannot_come_from_it():
    assert not has_references(load_settings({"VAULT_TOKEN": "secret:a#b", "VAULT_ADDR": "https://v"}))


async def test_what_is_not_there_names_variable_and_reference():
    environ = {"JWT_SECRET": "secret:no#key", "DATABASE_URL": "postgresql://u:${secret:db#no}@h/n"}
    assert set(await faults(environ, store())) == {
        "JWT_SECRET: refers to secret:no#key, which is not stored; `brain-gateway secrets set NAME FIELD` stores it",
        "DATABASE_URL: refers to secret:db#no, which has no such field",
    }


async def test_a_store_that_is_away_is_told_apart_from_one_that_will_not():
    secrets = store()
    secrets.status, secrets.detail = SecretsStatus.SEALED, "Vault is sealed: unseal it"
    with pytest.raises(SecretsUnavailable, match="Vault is sealed"):
        await resolve({"JWT_SECRET": "secret:jwt#key"}, secrets)
    secrets.refused = True
    assert await faults({"JWT_SECRET": "secret:jwt#key"}, secrets) == (
        "JWT_SECRET: refers to secret:jwt#key, which cannot be read: Vault is sealed: unseal it",
    )


@pytest.mark.parametrize(
    ("environ", "fields", "said"),
    [
        (PRODUCTION, {"key": MARKER}, "JWT_SECRET: must be at least 32 bytes in production"),
        (PRODUCTION, {"key": "a" * 64}, "JWT_SECRET: must be random"),
        ({"METRICS_TOKEN": "secret:jwt#key"}, {"key": "short"}, "METRICS_TOKEN: must be a random text"),
        ({"REDIS_URL": "secret:jwt#key"}, {"key": f"ftp://{MARKER}"}, "REDIS_URL: must be a URL"),
        ({"DATABASE_URL": "secret:jwt#key"}, {"key": MARKER}, "DATABASE_URL: must be a URL"),
    ],
)
async def test_what_was_found_is_judged_like_what_is_given(environ, fields, said):
    (fault,) = await faults(environ, store(jwt=fields))
    assert said in fault


def test_a_reference_is_shown_and_a_secret_is_not():
    settings = load_settings(
        {**PRODUCTION, "DATABASE_URL": URL, "REDIS_URL": f"redis://:{MARKER}${{secret:a#b}}@h"}
    )
    shown = {about.variable: shown_value(about, settings) for about in describe_settings()}
    assert shown["JWT_SECRET"] == "secret:jwt#key"
    assert shown["DATABASE_URL"] == "postgresql://gw:****@db.example:5432/gw"
    assert shown["REDIS_URL"] == "redis://:****@h"


@pytest.mark.parametrize("variable", ["DATABASE_URL", "REDIS_URL"])
def test_a_url_around_a_reference_is_checked_at_once(variable):
    with pytest.raises(ConfigurationError, match=variable):
        load_settings({variable: "ftp://u:${secret:a#b}@h"})
