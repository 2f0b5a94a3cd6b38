"""Sets of credentials that nothing names: swept, and nothing else."""

from __future__ import annotations

import asyncio

import pytest

from brain_gateway.application import integration_credentials
from brain_gateway.application.commands.integrations import ActivateIntegrationCommand
from brain_gateway.application.commands.tenants import DeleteTenantCommand, RegisterTenantCommand
from brain_gateway.application.integration_credentials import GRACE
from brain_gateway.application.ports.secrets import SecretsStatus
from brain_gateway.domain.errors import SecretsUnavailable
from brain_gateway.domain.integrations.credential_secret import credential_secret
from brain_gateway.domain.secret_path import SecretPath
from brain_gateway.domain.tenancy import Secret
from tests.builders.admin import AdminApi
from tests.builders.gateway import OTHER_TENANT, TENANT
from tests.builders.integrations import GOOD, secrets

pytestmark = pytest.mark.anyio
VALUES = {"a": Secret("b")}


@pytest.fixture
def house():
    return AdminApi()


async def left(house, age: float, tenant: str = TENANT) -> SecretPath:
    """A set that nothing names, made `age` seconds ago."""
    path = SecretPath(tenant, credential_secret("pay", house.clock.unix() - age, bytes([int(age) % 251] * 8)))
    await house.secrets.write(path, VALUES)
    return path


async def activated(house, tenant: str = TENANT) -> SecretPath:
    command = ActivateIntegrationCommand(tenant_id=tenant, name="pay", credentials=secrets(GOOD))
    return (await house.commands.execute(house.actor(), command)).secret_path


async def test_a_sweep_takes_what_is_old_and_named_by_nothing(house):
    kept = [await activated(house), SecretPath(TENANT, "by-hand"), SecretPath(TENANT, "integration.pay")]
    for path in kept[1:]:
        await house.secrets.write(path, VALUES)
    kept += [await left(house, 10), await left(house, 2 * GRACE, OTHER_TENANT)]
    await left(house, GRACE + 5)
    await left(house, 100 * GRACE)
    await house.credentials.sweep(TENANT)
    assert set(house.secrets.stored) == set(kept)
    assert house.credentials.due[TENANT] == house.clock.unix() - 10 + GRACE  # the young one's time


async def test_of_many_integrations_all_pages_are_read(house, monkeypatch):
    monkeypatch.setattr(integration_credentials, "_PAGE", 1)
    path = await activated(house)
    house.clock.tick(2 * GRACE)
    await house.credentials.sweep(TENANT)
    assert set(house.secrets.stored) == {path}
    await house.credentials.remember()
    assert TENANT in house.credentials.due


async def test_a_process_that_begins_does_what_another_left(house):
    path = await activated(house)
    old = await left(house, 2 * GRACE)
    await activated(house)  # in place of the first
    await house.secrets.write(path, VALUES)  # as if it could not be deleted
    beginning = integration_credentials.IntegrationCredentials(
        house.store, house.secrets, house.clock.unix, house._entropy, print
    )
    assert beginning.due == {}
    await beginning.remember()
    house.clock.tick(GRACE + 2)
    await beginning.tidy()
    (config,) = house.store.state.integrations.values()
    assert old not in house.secrets.stored
    assert set(house.secrets.stored) == {config.secret_path}


async def test_what_fails_stays_due(house):
    path = await left(house, 2 * GRACE)
    house.secrets.status = SecretsStatus.SEALED
    await house.credentials.sweep_soon(TENANT)
    assert house.credentials.due == {TENANT: house.clock.unix()}
    with pytest.raises(SecretsUnavailable):
        await house.credentials.tidy()
    assert house.credentials.due == {TENANT: house.clock.unix()}
    house.secrets.status = SecretsStatus.OK
    await house.credentials.tidy()
    assert (house.credentials.due, path in house.secrets.stored) == ({}, False)


async def test_it_goes_on_until_both_stores_answer(house, monkeypatch):
    monkeypatch.setattr(integration_credentials, "EVERY", 0.0)
    await activated(house)
    await left(house, 2 * GRACE)
    house.store.away = True
    task = asyncio.create_task(house.credentials.follow())
    try:
        for _ in range(5):
            await asyncio.sleep(0)
        house.store.away, house.secrets.status = False, SecretsStatus.UNREACHABLE
        for _ in range(5):
            await asyncio.sleep(0)
        house.secrets.status = SecretsStatus.OK
        for _ in range(50):
            await asyncio.sleep(0)
        assert len(house.secrets.stored) == 1
    finally:
        task.cancel()


async def test_reading_what_is_not_there(house):
    assert await house.credentials.read(None) == {}
    assert await house.credentials.read(SecretPath(TENANT, "nothing")) == {}


async def test_names_that_only_others_give_are_left_alone(house):
    command = RegisterTenantCommand(name="Mine", id=TENANT)
    await house.commands.execute(house.actor(), command)
    await left(house, 10)

    async def names(tenant_id):
        return (".hidden", *(path.name for path in house.secrets.stored))

    house.secrets.names = names
    await house.commands.execute(house.actor(), DeleteTenantCommand(id=TENANT))
    assert (house.secrets.stored, len(house.warned)) == ({}, 1)
