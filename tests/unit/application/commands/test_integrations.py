"""Integrations of tenants: credentials in the secrets store, what is in force in the database, whatever fails."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import Any

import pytest

from brain_gateway.application.bus import Answer, Once
from brain_gateway.application.commands.integrations import (
    ActivateIntegrationCommand,
    ConfigureIntegrationCommand,
    DeactivateIntegrationCommand,
    RemoveIntegrationCommand,
)
from brain_gateway.application.commands.tenants import DeleteTenantCommand, RegisterTenantCommand
from brain_gateway.application.integration_credentials import GRACE
from brain_gateway.application.ports.secrets import SecretsStatus
from brain_gateway.domain.errors import (
    Conflict,
    InvalidDocument,
    PreconditionFailed,
    ResourceNotFound,
    RoleRequired,
    SecretsUnavailable,
    StoreUnavailable,
)
from brain_gateway.domain.resilience.rate_limit import RateLimit
from brain_gateway.domain.secret_path import SecretPath
from brain_gateway.domain.tenancy import Secret
from tests.builders.admin import AdminApi
from tests.builders.gateway import OTHER_TENANT, TENANT
from tests.builders.integrations import secrets

pytestmark = pytest.mark.anyio
FIRST, SECOND = {"secret_key": "sk_test_first"}, {"secret_key": "sk_test_second"}


class House(AdminApi):
    """The use cases, and what they leave behind."""

    async def do(self, command: Any, role: str = "super_admin") -> Any:
        return await self.commands.execute(self.actor(role), command)

    async def activate(self, values: dict[str, str] | None = None, **more: Any) -> Any:
        given = None if values is None else secrets(values)
        return await self.do(
            ActivateIntegrationCommand(**{"tenant_id": TENANT, "name": "pay", "credentials": given, **more})
        )

    @property
    def kept(self) -> Any:
        (config,) = (one for one in self.store.state.integrations.values() if one.tenant_id == TENANT)
        return config

    def in_force(self) -> dict[str, str]:
        """The credentials that the database names."""
        return {name: value.reveal() for name, value in self.secrets.stored[self.kept.secret_path].items()}

    def events(self) -> list[str]:
        return [event.type for event in self.store.state.outbox.values()]


@pytest.fixture
def house():
    return House()


async def test_activation(house):
    config = await house.activate(FIRST)
    assert (config.is_active, config.version) == (True, 1)
    assert house.in_force() == FIRST
    assert house.kept.secret_path.tenant_id == TENANT
    assert house.kept.secret_path.name.startswith("integration.pay.")
    assert house.events() == ["IntegrationCredentialsChanged", "IntegrationActivated"]
    (entry,) = house.store.state.audit[TENANT]
    assert (entry.action, entry.subject, entry.before) == ("integrations:write", "integration/pay", None)
    assert entry.after["credentials"]["fields"] == ["secret_key"]


async def test_nothing_secret_is_left_in_the_database(house):
    for values in (FIRST, SECOND):
        await house.activate(values)
    await house.do(DeactivateIntegrationCommand(tenant_id=TENANT, name="pay", forget=True))
    assert not [value for value in ("sk_test_first", "sk_test_second") if value in repr(house.store.state)]


async def test_new_credentials_take_the_place_of_old_ones(house):
    await house.activate(FIRST)
    old = house.kept.secret_path
    await house.activate(SECOND)
    assert house.in_force() == SECOND
    assert set(house.secrets.stored) == {house.kept.secret_path}
    assert house.kept.secret_path != old


async def test_faults_are_told_before_anything_is_stored(house):
    for wrong in ({}, {"secret_key": "no"}, {**FIRST, "sk_test_misplaced": "x"}):
        with pytest.raises(InvalidDocument) as told:
            await house.activate(wrong)
        assert all(fault.startswith("credentials: ") for fault in told.value.faults)
        assert "misplaced" not in told.value.detail
    with pytest.raises(InvalidDocument, match="variant: must be one of default"):
        await house.activate(FIRST, variant="other")
    with pytest.raises(ResourceNotFound):
        await house.activate(FIRST, name="unheard-of")
    with pytest.raises(InvalidDocument, match="tenant: must be named"):
        await house.activate(FIRST, tenant_id=None)
    assert (house.secrets.stored, house.store.state.integrations, house.store.state.audit) == ({}, {}, {})


async def test_again_with_what_is_on_file(house):
    with pytest.raises(InvalidDocument, match="secret_key: is missing"):
        await house.activate()
    await house.activate(FIRST)
    path = house.kept.secret_path
    await house.do(DeactivateIntegrationCommand(tenant_id=TENANT, name="pay"))
    assert (house.kept.is_active, house.kept.secret_path, house.in_force()) == (False, path, FIRST)
    await house.activate()
    assert (house.kept.is_active, house.kept.secret_path, house.in_force()) == (True, path, FIRST)
    version, audit = house.kept.version, house.store.state.audit
    await house.activate()
    assert (house.kept.version, house.store.state.audit) == (version, audit)


async def test_forgetting_and_removing(house):
    await house.activate(FIRST)
    await house.do(DeactivateIntegrationCommand(tenant_id=TENANT, name="pay", forget=True))
    assert (house.secrets.stored, house.kept.credentials) == ({}, None)
    await house.activate(SECOND)
    await house.do(RemoveIntegrationCommand(tenant_id=TENANT, name="pay"))
    assert (house.secrets.stored, house.store.state.integrations) == ({}, {})
    assert house.events()[-3:] == [
        "IntegrationDeactivated", "IntegrationCredentialsChanged", "IntegrationRemoved"
    ]  # fmt: skip
    assert house.store.state.audit[TENANT][-1].after is None
    for gone in (RemoveIntegrationCommand, DeactivateIntegrationCommand):
        with pytest.raises(ResourceNotFound):
            await house.do(gone(tenant_id=TENANT, name="pay"))


async def test_limits_and_retries(house):
    configure = ConfigureIntegrationCommand(
        tenant_id=TENANT, name="pay", rate_limit=RateLimit(5, 1.0), retries=0
    )
    config = await house.do(configure)
    assert (config.rate_limit, config.retry_count, config.is_active) == (RateLimit(5, 1.0), 0, False)
    assert (await house.do(configure)).version == 1
    await house.activate(FIRST)
    config = await house.do(ConfigureIntegrationCommand(tenant_id=TENANT, name="pay", expected=2))
    assert (config.rate_limit, config.retry_count, config.is_active) == (RateLimit(60, 60.0), 3, True)
    with pytest.raises(PreconditionFailed):
        await house.do(ConfigureIntegrationCommand(tenant_id=TENANT, name="pay", expected=2))
    with pytest.raises(ResourceNotFound):
        await house.do(ConfigureIntegrationCommand(tenant_id=TENANT, name="unheard-of"))


async def test_of_two_at_once_one_wins_and_its_credentials_are_in_force(house):
    many = [{"secret_key": f"sk_test_no{index}x"} for index in range(5)]
    together(house, 5)
    for _ in range(2):
        done = await asyncio.gather(*map(house.activate, many), return_exceptions=True)
        won = [index for index, one in enumerate(done) if not isinstance(one, Exception)]
        assert len(won) == 1
        assert {type(one) for one in done if isinstance(one, Exception)} == {Conflict}
        assert house.in_force() == many[won[0]]
        assert set(house.secrets.stored) == {house.kept.secret_path}


def together(house, count):
    """Nobody goes on before so many have credentials to store."""
    write, waiting = house.secrets.write, asyncio.Condition()
    arrived = 0

    async def met(*what, **how):
        nonlocal arrived
        async with waiting:
            arrived += 1
            waiting.notify_all()
            turn = -(-arrived // count) * count
            await waiting.wait_for(lambda: arrived >= turn)
        return await write(*what, **how)

    house.secrets.write = met


async def test_a_version_that_is_expected(house):
    with pytest.raises(PreconditionFailed):
        await house.activate(FIRST, expected=3)
    await house.activate(FIRST, expected=0)
    with pytest.raises(PreconditionFailed):
        await house.activate(SECOND, expected=0)
    together(house, 2)
    done = await asyncio.gather(*(house.activate(SECOND, expected=1) for _ in "ab"), return_exceptions=True)
    assert [type(one) for one in done if isinstance(one, Exception)] == [PreconditionFailed]


async def test_the_store_of_secrets_is_away(house):
    await house.activate(FIRST)
    house.secrets.status, house.secrets.detail = SecretsStatus.SEALED, "Vault is sealed"
    with pytest.raises(SecretsUnavailable):
        await house.activate(SECOND)
    house.secrets.status = SecretsStatus.OK
    assert house.in_force() == FIRST
    assert house.kept.version == 1
    assert house.warned == [("credentials cannot be stored: %s", "Vault is sealed")]


async def test_nothing_waits_for_the_store_of_secrets(house):
    """While credentials are on their way, others write."""
    written, went_on = asyncio.Event(), asyncio.Event()
    write = house.secrets.write

    async def slow(*what, **how):
        written.set()
        await went_on.wait()
        return await write(*what, **how)

    house.secrets.write = slow
    activation = asyncio.create_task(house.activate(FIRST))
    await written.wait()
    await asyncio.wait_for(house.do(RegisterTenantCommand(name="Mine", id=TENANT)), 5)
    went_on.set()
    await activation
    assert house.in_force() == FIRST


@asynccontextmanager
async def failing_commit(house, after: bool):
    """The database goes away at the commit: before it is done, or right after."""
    units = house.commands._units

    @asynccontextmanager
    async def opened(scope, *, read_only=False):
        async with units(scope, read_only=read_only) as unit:
            commit = unit.commit

            async def fails():
                if after:
                    await commit()
                raise StoreUnavailable

            unit.commit = fails
            yield unit

    house.commands._units = opened
    yield
    house.commands._units = units


@pytest.mark.parametrize("after", [False, True])
async def test_a_commit_of_which_nobody_knows_loses_nothing(house, after):
    await house.activate(FIRST)
    async with failing_commit(house, after):
        with pytest.raises(StoreUnavailable):
            await house.activate(SECOND)
    assert house.in_force() == (SECOND if after else FIRST)
    assert len(house.secrets.stored) == 2
    await house.credentials.tidy()  # too soon to tell
    assert len(house.secrets.stored) == 2
    house.clock.tick(GRACE + 2)
    await house.credentials.tidy()
    assert set(house.secrets.stored) == {house.kept.secret_path}
    assert house.in_force() == (SECOND if after else FIRST)


async def test_what_cannot_be_deleted_now_is_deleted_later(house):
    await house.activate(FIRST)
    delete = house.secrets.delete

    async def away(path):
        raise SecretsUnavailable("sealed")

    house.secrets.delete = away
    await house.activate(SECOND)
    house.secrets.delete = delete
    assert house.in_force() == SECOND
    assert len(house.secrets.stored) == 2
    house.clock.tick(GRACE + 2)
    await house.credentials.tidy()
    assert set(house.secrets.stored) == {house.kept.secret_path}


async def test_under_a_key_it_is_done_once(house):
    command = ActivateIntegrationCommand(tenant_id=TENANT, name="pay", credentials=secrets(FIRST))
    once = Once("u", "key", "f", lambda item, _: Answer(200, "{}", item.id))

    async def ask():
        return await house.commands.execute_once(house.actor(), command, once)

    first, second = await asyncio.gather(ask(), ask())
    assert sorted((first.again is None, second.again is None)) == [False, True]
    path = house.kept.secret_path
    assert set(house.secrets.stored) == {path}
    house.secrets.status = SecretsStatus.SEALED
    assert (await ask()).again is not None
    with pytest.raises(InvalidDocument):
        await house.commands.execute_once(house.actor(), command, Once("u", "key", "other", once.render))


async def test_a_deleted_tenants_secrets_go_with_it(house):
    await house.do(RegisterTenantCommand(name="Mine", id=TENANT))
    await house.activate(FIRST)
    others = SecretPath(OTHER_TENANT, "integration.pay.1-0123456789abcdef")
    for path in (SecretPath(TENANT, "by-hand"), others, SecretPath(None, "gateway")):
        await house.secrets.write(path, {"a": Secret("b")})
    await house.do(DeleteTenantCommand(id=TENANT))
    assert set(house.secrets.stored) == {others, SecretPath(None, "gateway")}
    with pytest.raises(Conflict, match="has been deleted"):
        await house.activate(FIRST)
    with pytest.raises(Conflict, match="has been deleted"):
        await house.do(ConfigureIntegrationCommand(tenant_id=TENANT, name="pay"))
    assert set(house.secrets.stored) == {others, SecretPath(None, "gateway")}


async def test_a_tenant_is_deleted_also_while_the_store_of_secrets_is_away(house):
    await house.do(RegisterTenantCommand(name="Mine", id=TENANT))
    await house.activate(FIRST)
    house.secrets.status = SecretsStatus.UNREACHABLE
    await house.do(DeleteTenantCommand(id=TENANT))
    house.secrets.status = SecretsStatus.OK
    await house.credentials.tidy()
    assert house.secrets.stored == {}


async def test_a_tenant_is_deleted_while_it_activates(house):
    await house.do(RegisterTenantCommand(name="Mine", id=TENANT))
    write = house.secrets.write

    async def deleted_meanwhile(*what, **how):
        await house.do(DeleteTenantCommand(id=TENANT))
        return await write(*what, **how)

    house.secrets.write = deleted_meanwhile
    with pytest.raises(Conflict):
        await house.activate(FIRST)
    assert house.secrets.stored == {}


@pytest.mark.parametrize("role", ["manager", "client"])
async def test_who_may_not(house, role):
    with pytest.raises(RoleRequired):
        await house.do(ActivateIntegrationCommand(tenant_id=TENANT, name="pay"), role)
    with pytest.raises(ResourceNotFound):
        await house.do(ActivateIntegrationCommand(tenant_id=OTHER_TENANT, name="pay"), "tenant_admin")
    assert house.secrets.stored == {}
