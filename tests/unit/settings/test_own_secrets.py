"""A process's own secrets: waited for, read again, and kept when what is stored now cannot be used."""

from __future__ import annotations

import asyncio

import pytest

from brain_gateway.application.ports.secrets import SecretsStatus, StoredSecret
from brain_gateway.domain.errors import ConfigurationError, SecretsUnavailable
from brain_gateway.domain.secret_path import SecretPath
from brain_gateway.domain.tenancy import Secret
from brain_gateway.settings import Look, OwnSecrets, Settings, load_settings
from brain_gateway.settings.documentation import describe_settings
from brain_gateway.settings.own_secrets import EVERY
from tests.builders.planted import DATABASE_PASSWORD, JWT_SECRET, MARKER, METRICS_TOKEN
from tests.fakes.secrets import FakeSecrets

pytestmark = pytest.mark.anyio
JWT, DATABASE = SecretPath(None, "jwt"), SecretPath(None, "db")
REFERRING = {"JWT_SECRET": "secret:jwt#key", "DATABASE_URL": "postgresql://gw:${secret:db#password}@h/gw"}
OTHER_SECRET = JWT_SECRET[::-1]


@pytest.fixture
def anyio_backend():
    return "asyncio"


class World:
    """`told`: the JWT secrets that somebody was told; `fault`: what he raises then; `pauses`: turns of `follow`."""

    def __init__(self, found: Look | None = None, **environ: str) -> None:
        self.store = FakeSecrets({JWT: {"key": JWT_SECRET}, DATABASE: {"password": DATABASE_PASSWORD}})
        self.said: list[str] = []
        self.told: list[str] = []
        self.heard = asyncio.Event()
        self.fault: Exception | None = None
        self.pauses: asyncio.Queue[None] = asyncio.Queue()
        settings = load_settings({**REFERRING, **environ})
        self.own = OwnSecrets(
            settings, self.store, found or Look(None, "sealed"), self.said.append, self._pause
        )
        self.own.heed(self._heed)

    async def store_other(self, path: SecretPath = JWT, **fields: str) -> None:
        await self.store.write(path, {name: Secret(value) for name, value in fields.items()})

    def seal(self) -> None:
        self.store.status, self.store.detail = SecretsStatus.SEALED, "Vault is sealed"

    def unseal(self) -> None:
        self.store.status = SecretsStatus.OK

    async def _heed(self, settings: Settings) -> None:
        if self.fault is not None:
            raise self.fault
        self.told.append(jwt_secret(settings))
        self.heard.set()

    async def _pause(self, seconds: float) -> None:
        assert seconds == EVERY
        await self.pauses.get()


def jwt_secret(settings: Settings) -> str:
    assert settings.jwt_secret is not None
    return settings.jwt_secret.get_secret_value()


def current(world: World) -> str | None:
    return world.own.text(lambda settings: settings.jwt_secret)


async def obtained() -> World:
    world = World()
    await world.own.obtain()
    world.told.clear()
    world.heard.clear()
    return world


async def test_before_they_are_read_nobody_sees_a_reference_in_place_of_a_secret():
    own = World().own
    assert not own.known
    for choose in (lambda settings: settings.jwt_secret, lambda settings: settings.database_url):
        with pytest.raises(SecretsUnavailable):
            own.text(choose)


async def test_what_is_no_reference_is_known_from_the_beginning():
    own = World(METRICS_TOKEN=METRICS_TOKEN).own
    assert own.text(lambda settings: settings.metrics_token) == METRICS_TOKEN
    assert own.text(lambda settings: settings.redis_url) is None


async def test_they_are_obtained_once_they_can_be():
    world = World()
    world.seal()
    with pytest.raises(SecretsUnavailable, match="Vault is sealed"):
        await world.own.obtain()
    assert not world.own.known
    world.unseal()
    await world.own.obtain()
    assert current(world) == JWT_SECRET
    assert world.told == [JWT_SECRET]
    assert world.said == []
    await world.own.obtain()
    assert len(world.store.reads) == 2, "they are known"


async def test_while_a_start_waits_even_a_mistake_may_be_mended():
    world = World()
    await world.store.delete(JWT)
    with pytest.raises(SecretsUnavailable, match=r"secret:jwt#key, which is not stored"):
        await world.own.obtain()
    await world.store_other(key=JWT_SECRET)
    await world.own.obtain()
    assert world.own.known


async def test_what_was_found_before_the_process_began_is_known():
    known = load_settings({"JWT_SECRET": JWT_SECRET})
    world = World(Look(known))
    assert world.own.known
    await world.own.obtain()
    assert world.store.reads == []


async def test_another_value_is_in_use_once_it_is_read_and_its_variable_is_told():
    world = await obtained()
    await world.own.renew()
    assert (world.told, world.said) == ([], [])
    await world.store_other(key=OTHER_SECRET)
    await world.own.renew()
    assert current(world) == OTHER_SECRET
    assert world.told == [OTHER_SECRET]
    assert world.said == ["JWT_SECRET: another value was stored, and is in use now"]
    await world.store_other(DATABASE, password="other")
    await world.own.renew()
    assert world.said[1:] == ["DATABASE_URL: another value was stored, and is in use now"]
    assert MARKER not in "".join(world.said)


async def test_a_store_that_is_away_leaves_what_was_read():
    world = await obtained()
    world.seal()
    await world.own.renew()
    assert current(world) == JWT_SECRET
    assert world.said == []


@pytest.mark.parametrize(
    ("key", "fault", "said"),
    [
        ("short", None, "JWT_SECRET: must be at least 32 bytes in production, not 5"),
        (OTHER_SECRET, ConfigurationError("JWT_SECRET is a public key"), "JWT_SECRET is a public key"),
    ],
)
async def test_what_cannot_be_used_leaves_what_was_read_and_is_told_once(key, fault, said):
    world = World(BRAIN_GATEWAY_PROFILE="production")
    await world.own.obtain()
    await world.store_other(key=key)
    world.fault = fault
    for _ in range(3):
        await world.own.renew()
    assert current(world) == JWT_SECRET
    assert len(world.said) == 1
    assert world.said[0].startswith(f"secrets that were read before stay in use: {said}")
    world.fault = None
    await world.store_other(key=OTHER_SECRET[::-1] + "x")
    await world.own.renew()
    assert current(world) == JWT_SECRET + "x"


async def test_those_who_ask_at_the_same_time_ask_the_store_once():
    world = await obtained()
    world.store.reads.clear()
    read = world.store.read

    async def slowly(path: SecretPath, *, anew: bool = False) -> StoredSecret:
        await asyncio.sleep(0)
        return await read(path, anew=anew)

    world.store.read = slowly
    await asyncio.gather(*(world.own.renew() for _ in range(5)))
    assert sorted(path.name for path in world.store.reads) == ["db", "jwt"]


async def test_they_are_read_again_at_once_and_again():
    """At once: a process that replaces another begins with what its parent read long ago."""
    world = await obtained()
    await world.store_other(key=OTHER_SECRET)
    following = asyncio.create_task(world.own.follow())
    await world.heard.wait()
    assert current(world) == OTHER_SECRET
    world.heard.clear()
    await world.store_other(key=JWT_SECRET)
    world.pauses.put_nowait(None)
    await world.heard.wait()
    assert current(world) == JWT_SECRET
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


async def test_without_references_there_is_nothing_to_follow():
    settings = load_settings({"JWT_SECRET": JWT_SECRET})
    await OwnSecrets(settings, FakeSecrets(), Look(settings), print).follow()


def test_each_secret_among_the_settings_is_one_that_somebody_follows():
    """Whoever adds one: have it asked of OwnSecrets where it is used, and name it here."""
    followed = {"JWT_SECRET", "METRICS_TOKEN", "DATABASE_URL", "REDIS_URL"}
    of_commands = {"MIGRATION_DATABASE_URL"}
    of_the_store_itself = {"SECRETS_KEY", "VAULT_TOKEN", "VAULT_SECRET_ID"}
    secret = {about.variable for about in describe_settings() if about.secret or about.masks_password_only}
    assert secret == followed | of_commands | of_the_store_itself
