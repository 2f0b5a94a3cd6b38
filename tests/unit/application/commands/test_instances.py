"""Instances: leases are taken, renewed, given back, and end."""

from __future__ import annotations

import pytest

from brain_gateway.application.authorization import REGISTRAR
from brain_gateway.application.commands.instances import (
    ExpireInstancesCommand,
    RegisterInstanceCommand,
    RemoveInstanceCommand,
    RenewInstanceCommand,
)
from brain_gateway.application.commands.services import RegisterServiceCommand
from brain_gateway.domain.errors import Conflict, InvalidDocument, ResourceNotFound, RoleRequired
from tests.builders.control import Control, actor
from tests.builders.gateway import OTHER_TENANT, TENANT, service

pytestmark = pytest.mark.anyio
ONE, TWO = "http://one.example:80", "http://two.example:80"


@pytest.fixture
def control():
    return Control()


def register(origin=ONE, ttl=10.0, tenant_id=None, **changes):
    own = service("shop", origin, tenant_id=tenant_id, **changes)
    return RegisterInstanceCommand(tenant_id=tenant_id, service=own, ttl=ttl)


def targets(control):
    (item,) = control.store.state.services.values()
    return [target.origin for target in item.service.targets]


async def test_the_first_instance_registers_the_service_too(control):
    made = await control.do(register())
    await control.do(register(TWO))
    (item,) = control.store.state.services.values()
    assert (item.owner, targets(control)) == ("registry", [ONE, TWO])
    assert (made.service, made.expires_at) == ("shop", control.clock.unix() + 10)
    assert set(item.leases) == {ONE, TWO}


async def test_a_service_that_is_there_keeps_its_settings(control):
    await control.do(RegisterServiceCommand(service=service("shop", TWO, max_body=5)))
    await control.do(register(max_body=9))
    (item,) = control.store.state.services.values()
    assert (item.owner, item.service.max_body, targets(control)) == ("api", 5, [TWO, ONE])
    with pytest.raises(Conflict):
        await control.do(register(TWO))


async def test_an_instance_that_comes_again_takes_a_new_lease(control):
    first = await control.do(register())
    second = await control.do(register())
    assert targets(control) == [ONE]
    with pytest.raises(ResourceNotFound):
        await control.do(RenewInstanceCommand(lease_id=first.lease_id, ttl=10.0))
    await control.do(RenewInstanceCommand(lease_id=second.lease_id, ttl=10.0))


async def test_heartbeats_move_the_end_and_make_no_version(control):
    made = await control.do(register())
    version = control.store.state.version
    control.clock.tick(9)
    renewed = await control.do(RenewInstanceCommand(lease_id=made.lease_id, ttl=10.0))
    assert renewed.expires_at == made.expires_at + 9
    assert control.store.state.version == version
    control.clock.tick(9)
    assert await control.do(ExpireInstancesCommand()) == 0
    control.clock.tick(20)
    await control.do(RenewInstanceCommand(lease_id=made.lease_id, ttl=10.0))
    assert await control.do(ExpireInstancesCommand()) == 0, "it is late, and lives"
    control.clock.tick(10)
    assert await control.do(ExpireInstancesCommand()) == 1
    with pytest.raises(ResourceNotFound):
        await control.do(RenewInstanceCommand(lease_id=made.lease_id, ttl=10.0))
    assert (targets(control), await control.do(ExpireInstancesCommand())) == ([], 0)
    assert (await control.events())[-1] == (
        "TargetRemoved",
        {"service": "shop", "target": ONE, "expired": True},
    )


async def test_a_good_bye(control):
    made = await control.do(register())
    await control.do(RemoveInstanceCommand(lease_id=made.lease_id))
    assert targets(control) == []
    with pytest.raises(ResourceNotFound):
        await control.do(RemoveInstanceCommand(lease_id=made.lease_id))


@pytest.mark.parametrize("ttl", [0.0, 0.5, 3601.0, float("nan"), float("inf")])
async def test_leases_have_bounds(control, ttl):
    made = await control.do(register())
    for command in (register(TWO, ttl), RenewInstanceCommand(lease_id=made.lease_id, ttl=ttl)):
        with pytest.raises(InvalidDocument):
            await control.do(command)


async def test_who_may_register(control):
    await control.do(register(tenant_id=TENANT), actor("tenant_admin"))
    with pytest.raises(ResourceNotFound):
        await control.do(register(tenant_id=OTHER_TENANT), actor("tenant_admin"))
    with pytest.raises(RoleRequired):
        await control.do(register(), actor("tenant_admin"))
    for role in ("manager", "client"):
        with pytest.raises(RoleRequired):
            await control.do(register(tenant_id=TENANT), actor(role))
    await control.do(register(tenant_id=OTHER_TENANT), actor(REGISTRAR))
    await control.do(register(), actor(REGISTRAR))


async def test_a_lease_of_another_tenant_is_not_there(control):
    made = await control.do(register(tenant_id=OTHER_TENANT))
    for command in (
        RenewInstanceCommand(tenant_id=TENANT, lease_id=made.lease_id, ttl=9.0),
        RemoveInstanceCommand(tenant_id=TENANT, lease_id=made.lease_id),
    ):
        with pytest.raises(ResourceNotFound):
            await control.do(command, actor("tenant_admin"))
