"""What every ApiKeyRepository does."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from brain_gateway.application.dto import PageRequest
from brain_gateway.application.scope import PLATFORM, Scope
from brain_gateway.domain.errors import Conflict, PreconditionFailed, ResourceNotFound
from tests.builders.registry import NOW, a_key, new_id

pytestmark = pytest.mark.anyio
TENANT, OTHER = new_id(), new_id()


@pytest.fixture
async def unit(store):
    async with store(PLATFORM) as found:
        yield found


@pytest.mark.parametrize("expires_at", [math.inf, NOW + 0.25])
async def test_what_is_read_is_what_was_written(unit, expires_at):
    item = a_key(
        TENANT, name="CI", roles=frozenset({"b", "a"}), expires_at=expires_at, revoked_at=NOW, version=2,
        owner="file", declared="f", created_at=NOW, updated_at=NOW + 1,
    )  # fmt: skip
    await unit.api_keys.add(item)
    assert await unit.api_keys.get(item.id) == item
    assert list(await unit.api_keys.many([item.id, new_id()])) == [item]
    assert list(await unit.api_keys.all(revoked=True)) == [item]
    assert await unit.api_keys.get(new_id()) is None


async def test_a_hash_is_unique_over_all_tenants(unit):
    item = a_key(TENANT)
    await unit.api_keys.add(item)
    with pytest.raises(Conflict):
        await unit.api_keys.add(a_key(OTHER, hash=item.hash))
    with pytest.raises(Conflict):
        await unit.api_keys.write_many([a_key(OTHER), a_key(OTHER, hash=item.hash)], [], [])
    assert list(await unit.api_keys.all()) == [item]


async def test_revoked_ones_are_left_out_unless_asked_for(unit):
    item = a_key(TENANT)
    await unit.api_keys.add(item)
    revoked = replace(item, version=2, revoked_at=NOW)
    await unit.api_keys.save(revoked, 1)
    assert await unit.api_keys.all() == []
    assert list(await unit.api_keys.all(revoked=True)) == [revoked]
    assert (await unit.api_keys.page(None, None, False, PageRequest())).items == ()
    assert (await unit.api_keys.page(None, None, True, PageRequest())).items == (revoked,)


async def test_save_asks_for_the_version_and_the_hash(unit):
    item = a_key(TENANT)
    await unit.api_keys.add(item)
    with pytest.raises(PreconditionFailed):
        await unit.api_keys.save(replace(item, version=3), 2)
    with pytest.raises(ResourceNotFound):
        await unit.api_keys.save(replace(item, hash=a_key(TENANT).hash), 1)
    with pytest.raises(ResourceNotFound):
        await unit.api_keys.save(replace(item, tenant_id=OTHER), 1)
    with pytest.raises(ResourceNotFound):
        await unit.api_keys.save(a_key(TENANT), 1)


async def test_pages_and_filters(unit):
    items = [a_key(tenant, user_id=user) for tenant in (TENANT, OTHER) for user in ("ada", "bob", "ada")]
    await unit.api_keys.write_many(items, [], [])
    found, after = [], None
    for _ in range(2):
        page = await unit.api_keys.page(None, None, False, PageRequest(3, after))
        found += [item.id for item in page.items]
        after = page.next
    assert (found, after) == (sorted(item.id for item in items), None)
    page = await unit.api_keys.page(TENANT, "ada", False, PageRequest())
    assert {(item.tenant_id, item.user_id) for item in page.items} == {(TENANT, "ada")}
    assert len(page.items) == 2


async def test_many_at_once(unit):
    kept, gone = a_key(TENANT), a_key(TENANT)
    await unit.api_keys.write_many([kept, gone], [], [])
    saved, new = replace(kept, version=4, name="new name"), a_key(OTHER, hash=gone.hash)
    await unit.api_keys.write_many([new], [saved], [gone.id])
    assert {item.id: item for item in await unit.api_keys.all()} == {kept.id: saved, new.id: new}
    with pytest.raises(ResourceNotFound):
        await unit.api_keys.write_many([a_key(TENANT)], [a_key(TENANT)], [kept.id])
    assert len(await unit.api_keys.all()) == 2


async def test_a_tenant_sees_and_writes_its_own_alone(store):
    own, other = a_key(TENANT), a_key(OTHER)
    async with store(PLATFORM) as unit:
        await unit.api_keys.write_many([own, other], [], [])
        await unit.commit()
    async with store(Scope(TENANT)) as unit:
        assert list(await unit.api_keys.all()) == [own]
        assert list(await unit.api_keys.many([own.id, other.id])) == [own]
        assert await unit.api_keys.get(other.id) is None
        assert (await unit.api_keys.page(OTHER, None, True, PageRequest())).items == ()
        for refused in (
            unit.api_keys.add(a_key(OTHER)),
            unit.api_keys.save(replace(other, version=2), 1),
            unit.api_keys.write_many([a_key(OTHER)], [], []),
        ):
            with pytest.raises(ResourceNotFound):
                await refused
        await unit.api_keys.write_many([], [], [other.id])
        await unit.commit()
    async with store(PLATFORM) as unit:
        assert len(await unit.api_keys.all()) == 2


async def test_a_tenants_own_are_counted(unit):
    added = [a_key(TENANT), a_key(TENANT), a_key(TENANT, revoked_at=NOW), a_key(OTHER)]
    await unit.api_keys.write_many(added, [], [])
    assert [await unit.api_keys.count(whose) for whose in (TENANT, OTHER, new_id())] == [2, 1, 0]
