"""Targets of a service: added, weighed, drained, removed."""

from __future__ import annotations

import pytest

from brain_gateway.application.commands.services import RegisterServiceCommand
from brain_gateway.application.commands.targets import (
    AddTargetCommand,
    RemoveTargetCommand,
    WeighTargetCommand,
)
from brain_gateway.domain.errors import Conflict, InvalidDocument, ResourceNotFound, RoleRequired
from brain_gateway.domain.routing.target import MAX_WEIGHT, Target
from tests.builders.control import Control, actor
from tests.builders.gateway import TENANT, service

pytestmark = pytest.mark.anyio
ONE, TWO = "http://one.example:80", "http://two.example:80"


@pytest.fixture
async def shop():
    control = Control()
    own = service("shop", ONE, tenant_id=TENANT)
    item = await control.do(RegisterServiceCommand(tenant_id=TENANT, service=own))
    return control, {"tenant_id": TENANT, "service_id": item.id}


def weights(item):
    return {target.origin: target.weight for target in item.service.targets}


async def test_a_target_is_added_weighed_drained_and_removed(shop):
    control, whose = shop
    await control.do(AddTargetCommand(**whose, target=Target.parse(TWO)))
    await control.do(WeighTargetCommand(**whose, origin=TWO, weight=7))
    item = await control.do(WeighTargetCommand(**whose, origin=ONE, weight=0))
    assert weights(item) == {ONE: 0, TWO: 7}
    item = await control.do(RemoveTargetCommand(**whose, origin=ONE))
    assert weights(item) == {TWO: 7}
    kinds = [kind for kind, _ in await control.events()][-4:]
    assert kinds == ["TargetAdded", "TargetReweighted", "TargetReweighted", "TargetRemoved"]


async def test_a_manager_weighs_and_does_not_add(shop):
    control, whose = shop
    await control.do(WeighTargetCommand(**whose, origin=ONE, weight=0), actor("manager"))
    assert control.audit(TENANT)[-1] == ("a-manager", "targets:operate", "service/shop")
    for command in (
        AddTargetCommand(**whose, target=Target.parse(TWO)),
        RemoveTargetCommand(**whose, origin=ONE),
    ):
        with pytest.raises(RoleRequired):
            await control.do(command, actor("manager"))


async def test_what_cannot_be_is_refused(shop):
    control, whose = shop
    with pytest.raises(Conflict):
        await control.do(AddTargetCommand(**whose, target=Target.parse(ONE, 5)))
    with pytest.raises(InvalidDocument):
        await control.do(WeighTargetCommand(**whose, origin=ONE, weight=MAX_WEIGHT + 1))
    for command in (
        WeighTargetCommand(**whose, origin=TWO, weight=1),
        RemoveTargetCommand(**whose, origin=TWO),
    ):
        with pytest.raises(ResourceNotFound):
            await control.do(command)
