"""Services as tenants and the platform see them."""

from __future__ import annotations

import pytest

from brain_gateway.application.commands.services import RegisterServiceCommand
from brain_gateway.application.dto import PageRequest
from brain_gateway.application.ports.route_repository import ServiceFilter
from brain_gateway.application.queries.services import GetServiceQuery, ListServicesQuery
from brain_gateway.domain.errors import ResourceNotFound
from tests.builders.control import Control, actor
from tests.builders.gateway import OTHER_TENANT, TENANT, service

pytestmark = pytest.mark.anyio


@pytest.fixture
async def control():
    control = Control()
    for one in (
        service("shop"), service("vault", exposed=False), service("shop", tenant_id=TENANT),
        service("other", tenant_id=OTHER_TENANT),
    ):  # fmt: skip
        await control.do(RegisterServiceCommand(tenant_id=one.tenant_id, service=one))
    return control


async def keys(control, who, **query):
    page = await control.find(ListServicesQuery(**query), who)
    return [item.service.key for item in page.items]


async def test_who_sees_what(control):
    assert await keys(control, actor("super_admin")) == [
        f"{OTHER_TENANT}/other", "shop", f"{TENANT}/shop", "vault"
    ]  # fmt: skip
    assert await keys(control, actor("client"), tenant_id=TENANT) == ["shop", f"{TENANT}/shop"]
    owned = ServiceFilter(owned=True, tenant_id=TENANT)
    assert await keys(control, actor("client"), tenant_id=TENANT, wanted=owned) == [f"{TENANT}/shop"]


async def test_a_name_means_the_own_service_first(control):
    async def found(who, **query):
        return (await control.find(GetServiceQuery(**query), who)).service.key

    assert await found(actor("client"), tenant_id=TENANT, name="shop") == f"{TENANT}/shop"
    assert await found(actor("client", OTHER_TENANT), tenant_id=OTHER_TENANT, name="shop") == "shop"
    assert await found(actor("super_admin"), name="vault") == "vault"
    for name in ("vault", "other", "none"):
        with pytest.raises(ResourceNotFound):
            await found(actor("client"), tenant_id=TENANT, name=name)


async def test_pages_follow_each_other_to_the_end(control):
    seen, page = [], PageRequest(1)
    while True:
        found = await control.find(ListServicesQuery(tenant_id=TENANT, page=page), actor("client"))
        seen += [item.service.key for item in found.items]
        if found.next is None:
            break
        page = PageRequest(1, found.next)
    assert seen == ["shop", f"{TENANT}/shop"]


@pytest.mark.parametrize("size", [1, 2, 3, 5])
async def test_pages_say_nothing_of_what_is_hidden(size):
    """Neither by a cursor that names it, nor by a page that is too short, nor by one that follows the last."""
    control = Control()
    for name in ("a", "b", "hidden-1", "c", "hidden-2", "hidden-3"):
        await control.do(RegisterServiceCommand(service=service(name, exposed=not name.startswith("hidden"))))
    pages, page = [], PageRequest(size)
    while True:
        found = await control.find(ListServicesQuery(tenant_id=TENANT, page=page), actor("client"))
        pages.append([item.service.name for item in found.items])
        if found.next is None:
            break
        assert found.next[0] == pages[-1][-1]
        page = PageRequest(size, found.next)
    assert pages == [["a", "b", "c"][at : at + size] for at in range(0, 3, size)]
