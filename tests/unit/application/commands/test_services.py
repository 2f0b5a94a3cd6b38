"""Services: registered, changed, deregistered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from brain_gateway.application.commands import services
from brain_gateway.application.commands.instances import RegisterInstanceCommand
from brain_gateway.application.commands.services import (
    DeregisterServiceCommand,
    RegisterServiceCommand,
    UpdateServiceCommand,
)
from brain_gateway.application.commands.tenants import DeleteTenantCommand, RegisterTenantCommand
from brain_gateway.domain.errors import (
    ConfigurationError,
    Conflict,
    InvalidDocument,
    PreconditionFailed,
    ResourceNotFound,
    RoleRequired,
)
from brain_gateway.domain.routing.target_rule import TargetRule
from tests.builders.control import Control, actor
from tests.builders.gateway import OTHER_TENANT, TENANT, service

pytestmark = pytest.mark.anyio


@pytest.fixture
def control():
    return Control()


def sized(size):
    return lambda one: replace(one, max_body=size)


async def test_a_change_makes_the_next_version(control):
    item = await control.do(RegisterServiceCommand(service=service()))
    control.clock.tick(5)
    changed = await control.do(UpdateServiceCommand(service_id=item.id, change=sized(9), expected=1))
    assert (changed.version, changed.service.max_body) == (2, 9)
    assert changed.updated_at - item.updated_at == 5
    assert changed.created_at == item.created_at
    with pytest.raises(PreconditionFailed):
        await control.do(UpdateServiceCommand(service_id=item.id, change=sized(8), expected=1))
    assert (await control.events())[-1] == ("ServiceUpdated", {"service": "shop", "settings": ["max_body"]})


async def test_what_stays_as_it_was_makes_none(control):
    item = await control.do(RegisterServiceCommand(service=service()))
    assert await control.do(UpdateServiceCommand(service_id=item.id, change=lambda one: one)) == item
    assert control.committed == [1]


async def test_a_change_that_cannot_be_is_told(control):
    def impossible(one):
        raise ConfigurationError(faults=("a: is wrong", "b: too"))

    item = await control.do(RegisterServiceCommand(service=service()))
    with pytest.raises(InvalidDocument) as told:
        await control.do(UpdateServiceCommand(service_id=item.id, change=impossible))
    assert told.value.faults == ("a: is wrong", "b: too")


async def test_a_global_service_is_not_a_tenants_to_change(control):
    seen = await control.do(RegisterServiceCommand(service=service()))
    hidden = await control.do(RegisterServiceCommand(service=service("vault", exposed=False)))
    for command in (
        lambda id_: UpdateServiceCommand(tenant_id=TENANT, service_id=id_, change=sized(9)),
        lambda id_: DeregisterServiceCommand(tenant_id=TENANT, service_id=id_),
    ):
        with pytest.raises(RoleRequired):
            await control.do(command(seen.id), actor())
        with pytest.raises(ResourceNotFound):
            await control.do(command(hidden.id), actor())


async def test_targets_are_where_a_tenant_may_send_the_gateway():
    control = Control(TargetRule())
    own = service("own", "http://198.51.100.1:80", tenant_id=TENANT)
    inner = service("own", "http://10.0.0.1:80", tenant_id=TENANT)
    with pytest.raises(RoleRequired):
        await control.do(RegisterServiceCommand(tenant_id=TENANT, service=inner), actor())
    item = await control.do(
        RegisterServiceCommand(tenant_id=TENANT, service=replace(own, targets=())), actor()
    )
    with pytest.raises(RoleRequired):
        await control.do(
            UpdateServiceCommand(tenant_id=TENANT, service_id=item.id, change=lambda one: inner), actor()
        )
    with pytest.raises(RoleRequired):
        await control.do(RegisterInstanceCommand(tenant_id=TENANT, service=inner, ttl=9.0), actor())
    assert await control.do(RegisterServiceCommand(service=replace(inner, name="by-the-platform")))


async def test_a_deregistered_service_is_gone_for_good(control):
    item = await control.do(RegisterServiceCommand(service=service()))
    with pytest.raises(PreconditionFailed):
        await control.do(DeregisterServiceCommand(service_id=item.id, expected=2))
    await control.do(DeregisterServiceCommand(service_id=item.id, expected=1))
    with pytest.raises(ResourceNotFound):
        await control.do(DeregisterServiceCommand(service_id=item.id))
    assert (await control.events())[-1] == ("ServiceDeregistered", {"service": "shop"})
    await control.do(RegisterServiceCommand(service=service()))


async def test_nothing_is_registered_for_a_tenant_that_was_deleted(control):
    await control.do(RegisterTenantCommand(name="Gone", id=OTHER_TENANT))
    await control.do(DeleteTenantCommand(id=OTHER_TENANT))
    with pytest.raises(Conflict):
        await control.do(
            RegisterServiceCommand(tenant_id=OTHER_TENANT, service=service(tenant_id=OTHER_TENANT))
        )


async def test_a_tenants_services_are_bounded_for_its_own_people(control, monkeypatch):
    monkeypatch.setattr(services, "MOST_SERVICES", 2)
    own = [
        RegisterServiceCommand(tenant_id=TENANT, service=service(f"s{n}", tenant_id=TENANT)) for n in range(4)
    ]
    for command in own[:2]:
        await control.do(command, actor())
    with pytest.raises(Conflict, match="at most 2 services"):
        await control.do(own[2], actor())
    await control.do(own[2])
    await control.do(RegisterServiceCommand(service=service()))
