"""Statements that are made once say for each scope what it may see."""

from __future__ import annotations

import pytest

from brain_gateway.application.scope import PLATFORM, Scope
from brain_gateway.infrastructure.sql import service_statements as statements
from tests.builders.registry import a_service, a_tenant, new_id

pytestmark = pytest.mark.anyio
MINE, THEIRS = new_id(), new_id()


@pytest.mark.parametrize("make", [statements.by_id, statements.by_ids, statements.by_name, statements.parts])
def test_each_is_made_once_for_each_kind_of_scope(make):
    assert make(True) is make(True)
    assert make(False) is not make(True)
    assert "tenant_id IN" in str(make(False))
    assert "tenant_id IN" not in str(make(True))


@pytest.mark.parametrize(
    ("scope", "seen"), [(None, "gmt"), (MINE, "gm"), (THEIRS, "gt")], ids=["all", "mine", "theirs"]
)
async def test_what_a_scope_sees(store, scope, seen):
    """Global ones, and a tenant's own; one after the other, with the same statements."""
    items = [a_service("g"), a_service("m", MINE, routes=["/a"]), a_service("t", THEIRS)]
    async with store(PLATFORM) as unit:
        await unit.tenants.write_many([a_tenant(MINE), a_tenant(THEIRS)], [])
        await unit.services.write_many(items, [], [])
        await unit.commit()
    for _ in range(2):
        async with store(PLATFORM if scope is None else Scope(scope), read_only=True) as unit:
            found = [await unit.services.get(item.id) for item in items]
            assert "".join(one.service.name for one in found if one) == seen
            many = await unit.services.many([item.id for item in items])
            assert "".join(one.service.name for one in many) == seen
            assert all(len(one.service.targets) == 1 for one in many)
            names = [await unit.services.find(item.tenant_id, item.service.name) for item in items]
            assert "".join(one.service.name for one in names if one) == seen


async def test_targets_and_routes_keep_their_order_and_their_kind(store):
    targets = [f"http://10.0.0.{number}:1" for number in (3, 1, 2)]
    item = a_service(targets=targets, routes=["/c", "/a", "/b"])
    async with store(PLATFORM) as unit:
        await unit.services.write_many([item, a_service("bare", targets=[])], [], [])
        await unit.commit()
    async with store(PLATFORM, read_only=True) as unit:
        found = await unit.services.get(item.id)
        bare = await unit.services.find(None, "bare")
    assert [target.origin for target in found.service.targets] == targets
    assert [target.guarded for target in found.service.targets] == [False] * 3
    assert [route.pattern.text for route in found.service.routes] == ["/c", "/a", "/b"]
    assert (bare.service.targets, bare.service.routes) == ((), ())
