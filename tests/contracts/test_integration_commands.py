"""Activations over every store: who comes second loses, what is in force is whole, and nobody waits for the secrets."""

from __future__ import annotations

import asyncio
import os
import time
import uuid

import pytest

from brain_gateway.application import commands
from brain_gateway.application.authorization import SYSTEM
from brain_gateway.application.bus import CommandBus
from brain_gateway.application.commands.integrations import (
    ActivateIntegrationCommand,
    ConfigureIntegrationCommand,
    IntegrationCommands,
    RemoveIntegrationCommand,
)
from brain_gateway.application.commands.tenants import DeleteTenantCommand, RegisterTenantCommand
from brain_gateway.application.integration_credentials import IntegrationCredentials
from brain_gateway.application.scope import Scope
from brain_gateway.domain.errors import Conflict
from brain_gateway.domain.routing.target_rule import TargetRule
from brain_gateway.schemas.rendering import document_of
from tests.builders.integrations import integration, secrets
from tests.builders.registry import new_id
from tests.fakes.integration_catalogue import FakeIntegrationCatalogue
from tests.fakes.secrets import FakeSecrets

pytestmark = pytest.mark.anyio
TENANT, OTHER = new_id(), new_id()
KEYS = [{"secret_key": f"sk_test_no{index}x"} for index in range(4)]


class Meeting(FakeSecrets):
    """`count` writers go on together, once all of them have something to store."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._barrier = asyncio.Barrier(count)

    async def write(self, path, values, expected_version=None):
        await self._barrier.wait()
        return await super().write(path, values, expected_version)


class Control:
    """The commands of integrations over a store."""

    def __init__(self, store, kept: FakeSecrets) -> None:
        self.store, self.kept = store, kept
        self.credentials = IntegrationCredentials(store, kept, time.time, os.urandom, print)
        own = IntegrationCommands(store, FakeIntegrationCatalogue(integration()), self.credentials)
        self._bus = CommandBus(
            store, {**commands.HANDLERS, **own.handlers}, document_of, self._committed, time.time,
            lambda: str(uuid.uuid4()), os.urandom, TargetRule(), own.preparations,
        )  # fmt: skip

    async def _committed(self, version: int) -> None:
        pass

    async def do(self, command):
        return await self._bus.execute(SYSTEM, command)

    async def activate(self, values, tenant=TENANT):
        return await self.do(
            ActivateIntegrationCommand(tenant_id=tenant, name="pay", credentials=secrets(values))
        )

    async def in_force(self, tenant=TENANT):
        async with self.store(Scope(tenant), read_only=True) as unit:
            config = await unit.integrations.find(tenant, "pay")
        return {name: value.reveal() for name, value in self.kept.stored[config.secret_path].items()}


async def test_of_several_at_once_one_wins(store):
    control = Control(store, Meeting(len(KEYS)))
    for _ in range(2):
        done = await asyncio.gather(*map(control.activate, KEYS), return_exceptions=True)
        won = [index for index, one in enumerate(done) if not isinstance(one, Exception)]
        assert len(won) == 1
        assert {type(one) for one in done if isinstance(one, Exception)} == {Conflict}
        assert await control.in_force() == KEYS[won[0]]
        assert len(control.kept.stored) == 1


async def test_writers_do_not_wait_for_the_store_of_secrets(store):
    control = Control(store, Meeting(2))
    first = asyncio.create_task(control.activate(KEYS[0]))
    await asyncio.wait_for(control.do(ConfigureIntegrationCommand(tenant_id=OTHER, name="pay")), 5)
    assert not first.done()
    await control.activate(KEYS[1], OTHER)
    await first
    assert (await control.in_force(), await control.in_force(OTHER)) == (KEYS[0], KEYS[1])


async def test_what_is_removed_leaves_nothing(store):
    control = Control(store, FakeSecrets())
    await control.do(RegisterTenantCommand(name="Mine", id=TENANT))
    for tenant in (TENANT, OTHER):
        await control.activate(KEYS[0], tenant)
    await control.do(RemoveIntegrationCommand(tenant_id=OTHER, name="pay"))
    assert [path.tenant_id for path in control.kept.stored] == [TENANT]
    await control.credentials.sweep(TENANT)
    assert await control.in_force() == KEYS[0]
    await control.do(DeleteTenantCommand(id=TENANT))
    assert control.kept.stored == {}
    with pytest.raises(Conflict):
        await control.activate(KEYS[0])
    assert control.kept.stored == {}
    await control.credentials.remember()
    assert set(control.credentials.due) == {TENANT, OTHER}
    await control.credentials.tidy()
