"""Tenants: registered, renamed, suspended, deleted."""

from __future__ import annotations

import pytest

from brain_gateway.application.commands.api_keys import IssueApiKeyCommand
from brain_gateway.application.commands.services import RegisterServiceCommand
from brain_gateway.application.commands.tenants import (
    DeleteTenantCommand,
    RegisterTenantCommand,
    UpdateTenantCommand,
)
from brain_gateway.domain.errors import Conflict, InvalidDocument, PreconditionFailed, ResourceNotFound
from brain_gateway.domain.tenants import TenantStatus
from tests.builders.control import Control
from tests.builders.gateway import TENANT, service

pytestmark = pytest.mark.anyio


@pytest.fixture
async def control():
    control = Control()
    await control.do(RegisterTenantCommand(name="Mine", id=TENANT))
    return control


async def test_a_tenant_gets_an_id_or_brings_one(control):
    other = await control.do(RegisterTenantCommand(name="Other"))
    assert other.id != TENANT
    with pytest.raises(Conflict):
        await control.do(RegisterTenantCommand(name="Again", id=TENANT))
    for wrong in ({"name": ""}, {"name": "x" * 201}, {"name": "a\x00"}, {"name": "a", "id": "nope"}):
        with pytest.raises(InvalidDocument):
            await control.do(RegisterTenantCommand(**wrong))


async def test_it_is_renamed_suspended_and_resumed(control):
    item = await control.do(UpdateTenantCommand(id=TENANT, name="New", expected=1))
    assert (item.tenant.name, item.version) == ("New", 2)
    item = await control.do(UpdateTenantCommand(id=TENANT, status=TenantStatus.SUSPENDED))
    assert (item.tenant.name, item.tenant.served) == ("New", False)
    assert await control.do(UpdateTenantCommand(id=TENANT, status=TenantStatus.SUSPENDED)) == item
    item = await control.do(UpdateTenantCommand(id=TENANT, status=TenantStatus.ACTIVE))
    assert item.tenant.served
    with pytest.raises(PreconditionFailed):
        await control.do(UpdateTenantCommand(id=TENANT, name="Late", expected=1))
    with pytest.raises(InvalidDocument):
        await control.do(UpdateTenantCommand(id=TENANT, status=TenantStatus.DELETED))


async def test_a_deleted_tenant_leaves_a_tombstone_and_its_audit_log(control):
    await control.do(RegisterServiceCommand(tenant_id=TENANT, service=service(tenant_id=TENANT)))
    await control.do(IssueApiKeyCommand(tenant_id=TENANT, user_id="u"))
    await control.do(DeleteTenantCommand(id=TENANT, expected=1))
    state = control.store.state
    assert (state.services, state.api_keys) == ({}, {})
    assert state.tenants[TENANT].tenant.status is TenantStatus.DELETED
    assert control.audit(TENANT)[-1][1:] == ("tenants:write", f"tenant/{TENANT}")
    for command in (
        DeleteTenantCommand(id=TENANT),
        UpdateTenantCommand(id=TENANT, status=TenantStatus.ACTIVE),
    ):
        with pytest.raises(ResourceNotFound):
            await control.do(command)
    for command in (
        RegisterTenantCommand(name="Again", id=TENANT),
        IssueApiKeyCommand(tenant_id=TENANT, user_id="u"),
    ):
        with pytest.raises(Conflict):
            await control.do(command)
