"""Events, as far back as they are kept."""

from __future__ import annotations

import pytest

from brain_gateway.application.commands.services import RegisterServiceCommand
from brain_gateway.application.queries.events import LastEventQuery, ListEventsQuery
from brain_gateway.domain.errors import RoleRequired
from tests.builders.control import Control, actor
from tests.builders.gateway import OTHER_TENANT, TENANT, service

pytestmark = pytest.mark.anyio


@pytest.fixture
async def control():
    control = Control()
    for tenant_id in (None, TENANT, OTHER_TENANT):
        await control.do(RegisterServiceCommand(tenant_id=tenant_id, service=service(tenant_id=tenant_id)))
    return control


async def test_of_a_tenant_its_own_is_kept(control):
    page = await control.find(ListEventsQuery(tenant_id=TENANT, after=0), actor("manager"))
    assert [(event.tenant_id, event.type) for event in page.items] == [
        (TENANT, "ServiceRegistered"), (TENANT, "TargetAdded")
    ]  # fmt: skip
    assert not page.more


async def test_pages_follow_each_other_to_the_end(control):
    seen, after, more = [], 0, True
    while more:
        page = await control.find(ListEventsQuery(tenant_id=TENANT, after=after, most=1), actor("manager"))
        seen += [event.type for event in page.items]
        assert page.last > after or not page.more
        after, more = page.last, page.more
    assert seen == ["ServiceRegistered", "TargetAdded"]


async def test_the_platform_hears_all(control):
    page = await control.find(ListEventsQuery(after=0), actor("super_admin"))
    assert len(page.items) == 6
    assert await control.find(LastEventQuery(), actor("super_admin")) == page.last == page.items[-1].id
    with pytest.raises(RoleRequired):
        await control.find(ListEventsQuery(tenant_id=TENANT, after=0), actor("client"))
