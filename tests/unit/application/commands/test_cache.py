"""Purging: who may, what is meant, and that it was asked for."""

from __future__ import annotations

import pytest

from brain_gateway.application.commands.cache import PurgeCacheCommand
from brain_gateway.domain.errors import InvalidDocument, RoleRequired
from tests.builders.control import Control, actor
from tests.builders.gateway import TENANT

pytestmark = pytest.mark.anyio


async def test_a_name_means_the_own_service_and_the_one_that_it_shadows():
    control = Control()
    whose = {"tenant_id": TENANT, "service": "shop"}
    assert await control.do(PurgeCacheCommand(**whose), actor("manager")) == (f"{TENANT}/shop", "shop")
    await control.do(PurgeCacheCommand(**whose, path="/a", prefix=True), actor("manager"))
    assert await control.do(PurgeCacheCommand()) == (None,)
    assert await control.do(PurgeCacheCommand(service="shop")) == ("shop",)
    assert [subject for _, _, subject in control.audit(TENANT)] == ["cache/shop", "cache/shop/a*"]
    assert control.committed == []


async def test_what_is_refused():
    control = Control()
    with pytest.raises(InvalidDocument):
        await control.do(PurgeCacheCommand(path="/a"))
    with pytest.raises(RoleRequired):
        await control.do(PurgeCacheCommand(tenant_id=TENANT), actor("client"))
