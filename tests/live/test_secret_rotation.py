"""Secrets that are replaced in Vault while the gateway runs: passwords of PostgreSQL and Valkey, the JWT secret."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from redis.exceptions import ConnectionError as NotConnected

from brain_gateway.application.scope import PLATFORM
from brain_gateway.domain.errors import StoreUnavailable
from brain_gateway.infrastructure.sql.addresses import database_url
from brain_gateway.infrastructure.sql.store import open_store
from brain_gateway.infrastructure.valkey.connection import make_client, move
from tests.builders.planted import DATABASE_PASSWORD, JWT_SECRET, MARKER
from tests.live.harness.credentials import bearer
from tests.live.harness.gateway import Gateway, eventually, request, running_gateway
from tests.live.harness.openbao import OpenBao, running_openbao
from tests.live.harness.postgres import APP, PostgresServer
from tests.live.harness.rig import configuration, service
from tests.live.harness.upstream import scripted_upstream
from tests.live.harness.valkey import running_valkey

pytestmark = pytest.mark.anyio
ROLE = "rotated"
SECOND = DATABASE_PASSWORD[::-1] + MARKER
OTHER_JWT_SECRET = JWT_SECRET[::-1] + MARKER


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
def bao(tmp_path_factory) -> Iterator[OpenBao]:
    with running_openbao(tmp_path_factory.mktemp("openbao")) as server:
        yield server


def ask_for_passwords(server: PostgresServer) -> None:
    access = Path(server.execute("SHOW hba_file"))
    access.write_text(f"host all {ROLE} 127.0.0.1/32 scram-sha-256\n{access.read_text()}")
    server.execute("SELECT pg_reload_conf()")


@pytest.fixture(scope="module")
async def server(postgres) -> PostgresServer:
    """It asks ROLE, who is the gateway, for a password."""
    found = postgres.server
    found.execute(f"CREATE ROLE {ROLE} LOGIN IN ROLE {APP}")
    ask_for_passwords(found)
    await eventually(lambda: _asks_for_a_password(found), "it asks for passwords")
    return found


async def _asks_for_a_password(server: PostgresServer) -> bool:
    try:
        await (await asyncpg.connect(server.url("postgres", ROLE), password="wrong")).close()
    except asyncpg.InvalidPasswordError:
        return True
    return False


def give(server: PostgresServer, password: str) -> None:
    """ROLE gets another password, and is thrown out."""
    server.execute(f"ALTER ROLE {ROLE} PASSWORD '{password}'")
    server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{ROLE}'")


class Vault:
    """What the store is told: an address with the password of the moment, and how often it was looked up again."""

    def __init__(self, server: PostgresServer, name: str) -> None:
        self.password = self.stored = DATABASE_PASSWORD
        self.renewed = 0
        self._server, self._name = server, name

    def url(self):
        text = self._server.url(self._name, ROLE).replace(f"{ROLE}@", f"{ROLE}:{self.password}@")
        return database_url(text, None)

    async def renew(self) -> None:
        await asyncio.sleep(0)  # it does I/O
        self.renewed += 1
        self.password = self.stored


async def names(store) -> int:
    async with store(PLATFORM, read_only=True) as unit:
        return len(await unit.services.all())


async def test_a_password_that_is_refused_is_looked_up_again_within_the_same_connect(server, postgres):
    vault = Vault(server, postgres.database())
    give(server, DATABASE_PASSWORD)
    async with open_store(vault.url, renew=vault.renew) as store:
        assert await names(store) == 0
        assert vault.renewed == 0
        give(server, SECOND)
        vault.stored = SECOND
        assert await names(store) == 0, "nobody notices"
        assert vault.renewed == 1


async def test_a_password_that_is_wrong_in_the_store_too_is_an_absence(server, postgres):
    vault = Vault(server, postgres.database())
    give(server, DATABASE_PASSWORD)
    async with open_store(vault.url, renew=vault.renew) as store:
        assert await names(store) == 0
        give(server, SECOND)
        with pytest.raises(StoreUnavailable, match="refuses the user, or its password"):
            await names(store)
        vault.stored = SECOND
        assert await names(store) == 0


async def test_a_database_of_another_kind_needs_a_restart(server, postgres, tmp_path):
    vault = Vault(server, postgres.database())
    give(server, DATABASE_PASSWORD)
    async with open_store(vault.url, renew=vault.renew) as store:
        assert await names(store) == 0
        give(server, DATABASE_PASSWORD)
        store._addressing.url = lambda: database_url(f"sqlite:///{tmp_path}/x.db", tmp_path)
        with pytest.raises(StoreUnavailable, match="restart the gateway"):
            await names(store)


def keep(bao: OpenBao, password: str, jwt: str) -> None:
    """Both secrets as Vault has them."""
    bao.ask("POST", "secret/data/brain-gateway/platform/own", {"data": {"password": password, "jwt": jwt}})


async def writes(gateway: Gateway, **claims: str) -> bool:
    """Whether a change gets into the database."""
    body = json.dumps({"prefix": "/x"}).encode()
    line = bearer(roles=("super_admin",), **claims)
    kind, length = "Content-Type: application/merge-patch+json", f"Content-Length: {len(body)}"
    text = request("PATCH", "/api/v1/services/name:crm", line, kind, length)
    return (await gateway.ask(text, body)).status == 200


async def test_a_gateway_goes_on_with_what_was_replaced(server, postgres, bao, tmp_path):
    give(server, DATABASE_PASSWORD)
    keep(bao, DATABASE_PASSWORD, JWT_SECRET)
    name = postgres.database()
    environ = {
        "VAULT_ADDR": bao.address,
        "VAULT_TOKEN": bao.token,
        "VAULT_CACHE_TIME": "1h",  # which does not matter here
        "JWT_SECRET": "secret:own#jwt",
        "DATABASE_URL": server.url(name, ROLE).replace(f"{ROLE}@", ROLE + ":${secret:own#password}@"),
    }
    async with scripted_upstream() as upstream:
        config = configuration({"crm": service(upstream.url)})
        async with running_gateway(tmp_path, config, **environ) as gateway:
            kept_open = await gateway.connect()
            assert (await gateway.get("/crm/x")).status == 200
            assert await writes(gateway)
            keep(bao, SECOND, OTHER_JWT_SECRET)
            give(server, SECOND)

            async def goes_on() -> bool:
                return await writes(gateway, secret=OTHER_JWT_SECRET)

            await eventually(goes_on, "it connects with the new password and takes the new tokens")
            assert (await gateway.get("/crm/x", bearer(secret=OTHER_JWT_SECRET))).status == 200
            assert (await gateway.get("/crm/x")).status == 401, (
                "it was taken before, and is remembered no more"
            )
            kept_open.close()
            bao.stop()
            give(server, SECOND)

            async def goes_on_alone() -> bool:
                return await writes(gateway, secret=OTHER_JWT_SECRET)

            await eventually(goes_on_alone, "what was read goes on without Vault")
        assert "JWT_SECRET, DATABASE_URL: another value was stored, and is in use now" in gateway.log
        assert MARKER not in gateway.log


async def test_a_valkey_that_asks_for_another_password(tmp_path):
    with running_valkey(tmp_path) as valkey:
        operator, client = make_client(valkey.url, 5.0), make_client(None, 5.0)
        with pytest.raises(NotConnected):
            await client.ping()
        await move(client, valkey.url, 5.0)
        assert await client.set("a", "1")
        await operator.config_set("requirepass", "two")
        other = valkey.url.replace("//", "//:two@")
        reading = asyncio.create_task(client.blpop(["nothing"], timeout=0))
        await eventually(lambda: _blocked(operator), "it waits for an answer")
        await move(client, other, 5.0)
        with pytest.raises((NotConnected, OSError)):
            await reading
        assert await client.get("a") == b"1"
        for one in (operator, client):
            await one.aclose()


async def _blocked(operator) -> bool:
    return any("b" in one["flags"] for one in await operator.client_list())
