"""What every LimitRepository does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from brain_gateway.application.scope import PLATFORM, Scope
from brain_gateway.domain.errors import Conflict, PreconditionFailed, ResourceNotFound
from brain_gateway.domain.resilience.rate_limit import RateLimit
from tests.builders.registry import NOW, a_limit, new_id

pytestmark = pytest.mark.anyio
TENANT, OTHER = new_id(), new_id()


@pytest.fixture
async def unit(store):
    async with store(PLATFORM) as found:
        yield found


async def test_what_is_read_is_what_was_written(unit):
    item = replace(
        a_limit(TENANT, "service:reports"), limit=RateLimit(9, 0.125, 3), version=2, created_at=NOW
    )
    await unit.limits.add(item)
    assert await unit.limits.get(TENANT, "service:reports") == item
    assert list(await unit.limits.all()) == [item]
    assert await unit.limits.get(None, "service:reports") is None


async def test_a_name_is_unique_per_owner(unit):
    for owner in (None, TENANT, OTHER):
        await unit.limits.add(a_limit(owner, "agents"))
        with pytest.raises(Conflict):
            await unit.limits.add(a_limit(owner, "agents"))


async def test_the_global_ones_come_first(unit):
    owners = sorted((TENANT, OTHER))
    items = [a_limit(owner, name) for owner in (owners[1], None, owners[0]) for name in ("public", "admin")]
    for item in items:
        await unit.limits.add(item)
    found = [(item.tenant_id, item.name) for item in await unit.limits.all()]
    assert found == [(owner, name) for owner in (None, *owners) for name in ("admin", "public")]


async def test_save_and_remove_ask_for_the_version(unit):
    item = a_limit()
    await unit.limits.add(item)
    await unit.limits.save(replace(item, version=2, limit=RateLimit(1, 1.0)), 1)
    assert (await unit.limits.get(None, "default")).limit == RateLimit(1, 1.0)
    for refused in (unit.limits.save(item, 1), unit.limits.remove(item.id, 1)):
        with pytest.raises(PreconditionFailed):
            await refused
    await unit.limits.remove(item.id, 2)
    for refused in (unit.limits.save(item, 2), unit.limits.remove(item.id, 2)):
        with pytest.raises(ResourceNotFound):
            await refused


async def test_several_are_removed_at_once(unit):
    items = [a_limit(owner) for owner in (None, TENANT, OTHER)]
    for item in items:
        await unit.limits.add(item)
    await unit.limits.remove_many([items[0].id, items[1].id, new_id()])
    assert [item.tenant_id for item in await unit.limits.all()] == [OTHER]
    await unit.limits.remove_many([])


async def test_a_tenant_sees_global_limits_and_writes_its_own(store):
    shared, own, other = a_limit(None, "default"), a_limit(TENANT, "admin"), a_limit(OTHER, "admin")
    async with store(PLATFORM) as unit:
        for item in (shared, own, other):
            await unit.limits.add(item)
        await unit.commit()
    async with store(Scope(TENANT)) as unit:
        assert list(await unit.limits.all()) == [shared, own]
        assert await unit.limits.get(OTHER, "admin") is None
        for refused in (
            unit.limits.add(a_limit(None, "agents")),
            unit.limits.save(replace(shared, version=2), 1),
            unit.limits.remove(shared.id, 1),
            unit.limits.remove(other.id, 1),
        ):
            with pytest.raises(ResourceNotFound):
                await refused
        await unit.limits.remove_many([shared.id, own.id, other.id])
        await unit.commit()
    async with store(PLATFORM) as unit:
        assert set(await unit.limits.all()) == {shared, other}
