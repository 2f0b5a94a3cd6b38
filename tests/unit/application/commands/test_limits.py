"""Limits in the place of the defaults."""

from __future__ import annotations

import pytest

from brain_gateway.application.commands.limits import RemoveLimitCommand, SetLimitCommand, check_name
from brain_gateway.domain.errors import InvalidDocument, PreconditionFailed, ResourceNotFound, RoleRequired
from brain_gateway.domain.resilience.rate_limit import RateLimit
from tests.builders.control import Control, actor
from tests.builders.gateway import TENANT

pytestmark = pytest.mark.anyio
SMALL, LARGE = RateLimit(5, 1.0), RateLimit(50, 1.0)


@pytest.fixture
def control():
    return Control()


async def test_a_limit_is_set_changed_and_taken_away(control):
    first = await control.do(SetLimitCommand(name="default", limit=SMALL, expected=0))
    assert await control.do(SetLimitCommand(name="default", limit=SMALL)) == first
    changed = await control.do(SetLimitCommand(name="default", limit=LARGE, expected=1))
    assert (changed.id, changed.version, changed.limit) == (first.id, 2, LARGE)
    with pytest.raises(PreconditionFailed):
        await control.do(SetLimitCommand(name="default", limit=SMALL, expected=0))
    with pytest.raises(PreconditionFailed):
        await control.do(RemoveLimitCommand(name="default", expected=1))
    await control.do(RemoveLimitCommand(name="default", expected=2))
    with pytest.raises(ResourceNotFound):
        await control.do(RemoveLimitCommand(name="default"))
    assert [data["requests"] for _, data in await control.events()] == [5, 50, None]


async def test_a_tenant_has_limits_of_its_own_which_it_does_not_set(control):
    await control.do(SetLimitCommand(name="default", limit=SMALL))
    await control.do(SetLimitCommand(tenant_id=TENANT, name="default", limit=LARGE))
    await control.do(SetLimitCommand(tenant_id=TENANT, name="service:shop", limit=LARGE))
    assert len(control.store.state.limits) == 3
    with pytest.raises(RoleRequired):
        await control.do(SetLimitCommand(tenant_id=TENANT, name="default", limit=LARGE), actor())


@pytest.mark.parametrize("name", ["", "other", "service:", "service:A", "service:a/b", "default "])
def test_names_that_are_none(name):
    with pytest.raises(InvalidDocument):
        check_name(name, TENANT)


def test_a_limit_on_a_service_is_for_one_tenant():
    check_name("service:shop", TENANT)
    with pytest.raises(InvalidDocument):
        check_name("service:shop", None)
