"""What every RouteRepository does."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from brain_gateway.application.dto import PageRequest, ServiceRegistrationDTO, TargetLease
from brain_gateway.application.ports.route_repository import ServiceFilter
from brain_gateway.application.scope import PLATFORM, Scope
from brain_gateway.domain.errors import Conflict, PreconditionFailed, ResourceNotFound
from brain_gateway.domain.resilience.circuit_breaker import BreakerPolicy
from brain_gateway.domain.resilience.rate_limit import RateLimit
from brain_gateway.domain.resilience.retry import RetryPolicy
from brain_gateway.domain.routing.discovery import DiscoveryPolicy, Lookup
from brain_gateway.domain.routing.policies import (
    BalancerPolicy,
    CachePolicy,
    CorsPolicy,
    ProbePolicy,
    Timeouts,
)
from brain_gateway.domain.routing.route import Route
from brain_gateway.domain.routing.route_pattern import RoutePattern
from brain_gateway.domain.routing.service_changes import SETTINGS
from brain_gateway.domain.routing.service_route import ServiceKind, ServiceRoute
from brain_gateway.domain.routing.target import Target
from tests.builders.registry import NOW, a_service, changed, new_id

pytestmark = pytest.mark.anyio
TENANT, OTHER = new_id(), new_id()


@pytest.fixture
async def unit(store):
    async with store(PLATFORM) as found:
        yield found


def content(item: ServiceRegistrationDTO | None) -> object:
    """All that is kept, to compare: a service itself is equal to nothing but itself."""
    if item is None:
        return None
    service = item.service
    settings = {
        name: getattr(service, name) for name in (*SETTINGS, "name", "tenant_id", "targets", "routes")
    }
    return settings, dict(item.leases), replace(item, service=None, leases={})


EVERYTHING_SET = ServiceRegistrationDTO(
    id=new_id(),
    version=7,
    owner="gateway.yaml",
    declared="fingerprint",
    created_at=NOW + 0.123456789,
    updated_at=NOW + 0.987654321,
    service=ServiceRoute(
        name="reports",
        tenant_id=TENANT,
        kind=ServiceKind.AI,
        prefix="/api/v2",
        targets=(
            Target("https", "b.example", 8443, 0),
            Target("http", "10.0.0.5", 80, 65_535, server_name="a.example"),
            Target("http", "::1", 9000, guarded=True),
        ),
        routes=(
            Route(RoutePattern("/z/{month:slug}"), frozenset({"POST", "GET"}), roles=frozenset({"manager", "b"})),
            Route(RoutePattern("/caf%C3%A9"), public=True, limit=RateLimit(7, 0.1, 3)),
            Route(RoutePattern("/c/{rest:path}"), frozenset({"GET"}), cache=CachePolicy(3.0, per_user=True)),
        ),
        exposed=False,
        roles=frozenset({"super_admin", "manager"}),
        limit=RateLimit(1, 0.001),
        balancer=BalancerPolicy("consistent_hash", "header:X-Key"),
        breaker=BreakerPolicy(3, 0.5, 2, True),
        retry=RetryPolicy(4, 0.1),
        timeouts=Timeouts(1.0, 2.0, 3.0, 4.0),
        probe=ProbePolicy("grpc", "/x", 1.0, 0.5, 1, 9),
        cors=CorsPolicy(("https://a.example",), ("PUT",), ("X-A",), ("X-B",), True, 1.5),
        host_header="preserve",
        max_body=2**40,
        websocket=False,
        strict=True,
        outside_only=True,
        discovery=DiscoveryPolicy(Lookup("api.example", record="SRV"), server_name="b.example"),
    ),
    leases={"http://[::1]:9000": TargetLease("lease", NOW + 30.5)},
)  # fmt: skip


def test_the_example_sets_every_field_to_something_unusual():
    """So that a field that is new in the domain is not forgotten here."""
    usual = ServiceRoute(name="reports")
    for about in fields(ServiceRoute):
        if about.init and about.name != "name":
            assert getattr(EVERYTHING_SET.service, about.name) != getattr(usual, about.name), about.name
    for about in (one for one in fields(Route) if one.init and one.name != "pattern"):
        default = getattr(Route(RoutePattern("/")), about.name)
        assert any(getattr(route, about.name) != default for route in EVERYTHING_SET.service.routes), (
            about.name
        )
    for about in (one for one in fields(Target) if one.init and one.name != "refused"):  # never stored
        assert len({getattr(target, about.name) for target in EVERYTHING_SET.service.targets}) > 1, about.name


async def test_what_is_read_is_what_was_written(unit):
    await unit.services.add(EVERYTHING_SET)
    expected = content(EVERYTHING_SET)
    assert content(await unit.services.get(EVERYTHING_SET.id)) == expected
    assert content(await unit.services.find(TENANT, "reports")) == expected
    assert list(map(content, await unit.services.all())) == [expected]
    assert list(map(content, await unit.services.many([EVERYTHING_SET.id, new_id()]))) == [expected]
    assert content(await unit.services.leased("lease")) == expected
    page = await unit.services.page(ServiceFilter(), PageRequest())
    assert (list(map(content, page.items)), page.next) == ([expected], None)


async def test_what_is_not_there(unit):
    assert await unit.services.get(new_id()) is None
    assert await unit.services.get("no uuid") is None
    assert await unit.services.find(None, "reports") is None
    assert await unit.services.many([]) == []
    assert await unit.services.leased("lease") is None
    assert await unit.services.expired(NOW) == []
    assert not await unit.services.renew("lease", NOW)
    with pytest.raises(ResourceNotFound):
        await unit.services.save(a_service(), 1)
    with pytest.raises(ResourceNotFound):
        await unit.services.remove(new_id(), 1)


async def test_a_name_is_unique_per_owner(unit):
    await unit.services.add(a_service("reports"))
    await unit.services.add(a_service("reports", TENANT))
    await unit.services.add(a_service("reports", OTHER))
    for owner in (None, TENANT):
        with pytest.raises(Conflict):
            await unit.services.add(a_service("reports", owner))
    assert (await unit.services.find(TENANT, "reports")).tenant_id == TENANT
    assert (await unit.services.find(None, "reports")).tenant_id is None


async def test_an_id_is_unique(unit):
    item = a_service("a")
    await unit.services.add(item)
    with pytest.raises(Conflict):
        await unit.services.add(a_service("b", TENANT, stored={"id": item.id}))


async def test_a_lease_belongs_to_one_target(unit):
    lease = {"http://10.0.0.5:8003": TargetLease("lease", NOW)}
    await unit.services.add(a_service("a", leases=lease))
    with pytest.raises(Conflict):
        await unit.services.add(a_service("b", leases=lease))
    assert [item.service.name for item in await unit.services.all()] == ["a"]


async def test_save_replaces_the_whole(unit):
    await unit.services.add(EVERYTHING_SET)
    plain = ServiceRoute(name="reports", tenant_id=TENANT, targets=(Target("http", "c", 1),))
    saved = replace(EVERYTHING_SET, version=8, owner="api", declared="", service=plain, leases={})
    await unit.services.save(saved, 7)
    assert content(await unit.services.get(saved.id)) == content(saved)
    assert await unit.services.leased("lease") is None


async def test_save_and_remove_ask_for_the_version(unit):
    item = a_service()
    await unit.services.add(item)
    await unit.services.save(changed(item, max_body=1), 1)
    with pytest.raises(PreconditionFailed):
        await unit.services.save(changed(item, max_body=2), 1)
    with pytest.raises(PreconditionFailed):
        await unit.services.remove(item.id, 1)
    assert (await unit.services.get(item.id)).service.max_body == 1
    await unit.services.remove(item.id, 2)
    assert await unit.services.get(item.id) is None
    with pytest.raises(ResourceNotFound):
        await unit.services.save(changed(item), 2)


async def test_a_service_keeps_its_name_and_owner(unit):
    item = a_service("a", TENANT)
    await unit.services.add(item)
    for other in (a_service("b", TENANT), a_service("a"), a_service("a", OTHER)):
        with pytest.raises(ResourceNotFound):
            await unit.services.save(replace(item, service=other.service, version=2), 1)
    assert content(await unit.services.get(item.id)) == content(item)


async def test_a_removed_name_is_free(unit):
    item = a_service(routes=["/a"])
    await unit.services.add(item)
    await unit.services.remove(item.id, 1)
    await unit.services.add(a_service())
    assert (await unit.services.find(None, "reports")).service.routes == ()


async def test_all_is_sorted_by_name_and_id(unit):
    items = [a_service(name, owner) for name in ("b", "a-b", "ab", "a") for owner in (None, TENANT)]
    await unit.services.write_many(items, [], [])
    found = [(item.service.name, item.id) for item in await unit.services.all()]
    assert found == sorted((item.service.name, item.id) for item in items)


async def test_pages_follow_one_another(unit):
    items = [a_service(f"s-{number}", owner) for number in range(4) for owner in (None, TENANT)]
    await unit.services.write_many(items, [], [])
    found, after = [], None
    for _ in range(3):
        page = await unit.services.page(ServiceFilter(), PageRequest(3, after))
        found += [item.id for item in page.items]
        after = page.next
    assert after is None
    assert found == [item.id for item in await unit.services.all()]
    exact = await unit.services.page(ServiceFilter(), PageRequest(8))
    assert (len(exact.items), exact.next) == (8, None)


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (ServiceFilter(), {"a", "ab", "b", "c"}),
        (ServiceFilter(prefix="a"), {"a", "ab"}),
        (ServiceFilter(prefix="%"), set()),
        (ServiceFilter(owned=True), {"a", "ab"}),
        (ServiceFilter(owned=True, tenant_id=TENANT), {"b", "c"}),
        (ServiceFilter(kind=ServiceKind.AI), {"c"}),
        (ServiceFilter(owner="gateway.yaml"), {"ab"}),
        (ServiceFilter(owner="gateway.yaml", prefix="b"), set()),
    ],
)
async def test_filters(unit, wanted, names):
    await unit.services.add(a_service("a"))
    await unit.services.add(a_service("ab", stored={"owner": "gateway.yaml"}))
    await unit.services.add(a_service("b", TENANT))
    await unit.services.add(a_service("c", TENANT, kind=ServiceKind.AI))
    page = await unit.services.page(wanted, PageRequest())
    assert {item.service.name for item in page.items} == names


async def test_many_at_once(unit):
    kept, old, gone = a_service("kept"), a_service("old", routes=["/a"]), a_service("gone")
    await unit.services.write_many([kept, old, gone], [], [])
    new, again = a_service("new", routes=["/b", "/c"]), a_service("gone", targets=["http://x:1"])
    saved = replace(changed(old, max_body=5), version=9)
    await unit.services.write_many([new, again], [saved], [gone.id, new_id()])
    assert {item.service.name: item.id for item in await unit.services.all()} == {
        "kept": kept.id,
        "old": old.id,
        "new": new.id,
        "gone": again.id,
    }
    assert content(await unit.services.get(old.id)) == content(saved)
    assert [route.id for route in (await unit.services.get(new.id)).service.routes] == ["* /b", "* /c"]


async def test_many_at_once_are_all_or_none(unit):
    there = a_service("there")
    await unit.services.add(there)
    with pytest.raises(Conflict):
        await unit.services.write_many([a_service("x"), a_service("there")], [], [])
    with pytest.raises(Conflict):
        await unit.services.write_many([a_service("x"), a_service("x")], [], [])
    with pytest.raises(ResourceNotFound):
        await unit.services.write_many([a_service("x")], [changed(a_service("y"))], [there.id])
    assert [item.id for item in await unit.services.all()] == [there.id]


async def test_nothing_at_once(unit):
    await unit.services.write_many([], [], [])
    assert await unit.services.all() == []


async def test_thousands_at_once(store):
    items = [a_service(f"s-{number}", routes=[f"/r-{at}" for at in range(5)]) for number in range(1_100)]
    async with store(PLATFORM) as unit:
        await unit.services.write_many(items, [], [])
        await unit.commit()
    async with store(PLATFORM) as unit:
        assert sum(len(item.service.routes) for item in await unit.services.all()) == 5_500
        assert len(await unit.services.many([item.id for item in items])) == 1_100
        await unit.services.write_many([], [changed(item, max_body=1) for item in items], [])
        await unit.commit()
    async with store(PLATFORM) as unit:
        assert {item.service.max_body for item in await unit.services.all()} == {1}
        await unit.services.write_many([], [], [item.id for item in items])
        assert await unit.services.all() == []


async def test_leases_are_found_renewed_and_expire(unit):
    leases = {"http://10.0.0.5:8003": TargetLease("lease", NOW)}
    item = a_service(targets=["http://10.0.0.5:8003", "http://10.0.0.6:8003"], leases=leases)
    await unit.services.add(item)
    await unit.services.add(a_service("other"))
    assert [one.id for one in await unit.services.expired(NOW)] == [item.id]
    assert await unit.services.expired(NOW - 0.001) == []
    assert await unit.services.renew("lease", NOW + 30)
    assert await unit.services.expired(NOW) == []
    found = await unit.services.leased("lease")
    assert found.leases == {"http://10.0.0.5:8003": TargetLease("lease", NOW + 30)}
    assert found.version == 1


async def test_a_tenant_sees_global_services_and_writes_its_own(store):
    shared, own = a_service("shared"), a_service("own", TENANT)
    async with store(PLATFORM) as unit:
        await unit.services.write_many([shared, own, a_service("foreign", OTHER)], [], [])
        await unit.commit()
    async with store(Scope(TENANT)) as unit:
        assert [item.service.name for item in await unit.services.all()] == ["own", "shared"]
        for refused in (
            unit.services.save(changed(shared), 1),
            unit.services.remove(shared.id, 1),
            unit.services.add(a_service("x")),
            unit.services.write_many([a_service("x")], [], []),
            unit.services.write_many([], [changed(shared)], []),
        ):
            with pytest.raises(ResourceNotFound):
                await refused
        await unit.services.write_many([], [], [shared.id])
        assert await unit.services.get(shared.id) is not None
        await unit.services.save(changed(own, max_body=1), 1)
        await unit.services.remove(own.id, 2)


async def test_a_tenants_own_are_counted(unit):
    mine, other = new_id(), new_id()
    added = [a_service("a", mine), a_service("b", mine), a_service("a", other), a_service("a")]
    await unit.services.write_many(added, [], [])
    assert [await unit.services.count(whose) for whose in (mine, other, new_id())] == [2, 1, 0]
