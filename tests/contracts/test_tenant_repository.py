"""What every TenantRepository does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from brain_gateway.application.dto import PageRequest
from brain_gateway.application.scope import PLATFORM, Scope
from brain_gateway.domain.errors import Conflict, PreconditionFailed, ResourceNotFound
from brain_gateway.domain.tenants import TenantStatus
from tests.builders.registry import (
    NOW,
    a_draft,
    a_key,
    a_limit,
    a_service,
    a_tenant,
    an_integration,
    new_id,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
async def unit(store):
    async with store(PLATFORM) as found:
        yield found


async def test_what_is_read_is_what_was_written(unit):
    item = replace(
        a_tenant(name="Düsseldorf 🚲"), version=3, owner="file", declared="f", created_at=NOW + 0.1
    )
    await unit.tenants.add(item)
    assert await unit.tenants.get(item.id) == item
    assert list(await unit.tenants.all()) == [item]
    assert (await unit.tenants.page("", False, PageRequest())).items == (item,)
    assert await unit.tenants.get(new_id()) is None


async def test_an_id_is_unique_a_name_is_not(unit):
    item = a_tenant()
    await unit.tenants.add(item)
    await unit.tenants.add(a_tenant())
    with pytest.raises(Conflict):
        await unit.tenants.add(a_tenant(item.id, "Other"))
    with pytest.raises(Conflict):
        await unit.tenants.write_many([a_tenant(), a_tenant(item.id)], [])
    assert len(await unit.tenants.all()) == 2


async def test_save_asks_for_the_version(unit):
    item = a_tenant()
    await unit.tenants.add(item)
    suspended = replace(
        item, version=2, tenant=replace(item.tenant, name="New", status=TenantStatus.SUSPENDED)
    )
    await unit.tenants.save(suspended, 1)
    assert await unit.tenants.get(item.id) == suspended
    with pytest.raises(PreconditionFailed):
        await unit.tenants.save(item, 1)
    with pytest.raises(ResourceNotFound):
        await unit.tenants.save(a_tenant(), 1)


async def test_pages_and_filters(unit):
    items = [a_tenant(name=name) for name in ("Ada", "Adam", "Bob", "ada")]
    gone = a_tenant(name="Adele", status=TenantStatus.DELETED)
    await unit.tenants.write_many([*items, gone], [])
    page = await unit.tenants.page("Ad", False, PageRequest(1))
    rest = await unit.tenants.page("Ad", False, PageRequest(5, page.next))
    assert {item.tenant.name for item in (*page.items, *rest.items)} == {"Ada", "Adam"}
    assert rest.next is None
    deleted = await unit.tenants.page("Ad", True, PageRequest())
    assert {item.tenant.name for item in deleted.items} == {"Ada", "Adam", "Adele"}
    assert [item.id for item in await unit.tenants.all()] == sorted(item.id for item in [*items, gone])


async def test_the_unserved(unit):
    items = [a_tenant(status=status) for status in TenantStatus]
    await unit.tenants.write_many(items, [])
    found = {item.tenant.status for item in await unit.tenants.unserved()}
    assert found == {TenantStatus.SUSPENDED, TenantStatus.DELETED}


async def test_many_at_once(unit):
    item = a_tenant()
    await unit.tenants.add(item)
    saved = replace(item, version=5, tenant=replace(item.tenant, name="Saved"))
    await unit.tenants.write_many([a_tenant(name="Added")], [saved])
    assert {one.tenant.name for one in await unit.tenants.all()} == {"Saved", "Added"}
    with pytest.raises(ResourceNotFound):
        await unit.tenants.write_many([a_tenant()], [a_tenant()])
    assert len(await unit.tenants.all()) == 2


async def test_what_a_tenant_owns_is_erased_and_its_audit_stays(unit):
    gone, other = new_id(), new_id()
    for tenant in (gone, other):
        await unit.services.add(a_service("a", tenant, routes=["/a"]))
        await unit.api_keys.add(a_key(tenant))
        await unit.limits.add(a_limit(tenant))
        await unit.integrations.add(an_integration(tenant))
        await unit.audit.append([a_draft(tenant)])
    await unit.services.add(a_service("a"))
    await unit.limits.add(a_limit())
    await unit.tenants.erase_belongings(gone)
    assert {item.tenant_id for item in await unit.services.all()} == {other, None}
    assert {item.tenant_id for item in await unit.api_keys.all()} == {other}
    assert {item.tenant_id for item in await unit.limits.all()} == {other, None}
    assert await unit.integrations.list_page(gone, limit=9) == []
    assert len(await unit.integrations.list_page(other, limit=9)) == 1
    assert (await unit.audit.head(gone))[0] == 1


async def test_a_tenant_sees_and_writes_itself_alone(store):
    own, other = a_tenant(), a_tenant()
    async with store(PLATFORM) as unit:
        await unit.tenants.write_many([own, other], [])
        await unit.commit()
    async with store(Scope(own.id)) as unit:
        assert list(await unit.tenants.all()) == [own]
        assert await unit.tenants.get(other.id) is None
        await unit.tenants.save(replace(own, version=2), 1)
        for refused in (
            unit.tenants.save(replace(other, version=2), 1),
            unit.tenants.add(a_tenant()),
            unit.tenants.erase_belongings(other.id),
            unit.tenants.write_many([], [replace(other, version=2)]),
        ):
            with pytest.raises(ResourceNotFound):
                await refused
