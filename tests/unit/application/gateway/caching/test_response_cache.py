"""Memory with a store behind it that other processes use, too; purging."""

from __future__ import annotations

import asyncio

import pytest

from brain_gateway.application.gateway.caching.response_cache import TRUSTED_FOR
from brain_gateway.application.ports.response_store import Purge, ResourceKey
from brain_gateway.domain.errors import StoreUnavailable
from tests.builders.cached import CachedShop, settle, status_of
from tests.builders.gateway import OTHER_TENANT, TENANT, TOKEN, principal
from tests.builders.requests import wire
from tests.fakes.response_store import SharedMemoryResponses

pytestmark = pytest.mark.anyio
PUBLIC = "Cache-Control: public, max-age=60"


@pytest.fixture
def shared():
    return SharedMemoryResponses()


@pytest.fixture
def shops(shared):
    """Two processes."""
    return CachedShop(shared), CachedShop(shared)


async def get(shop, *fields, **options):
    """One request over a connection of its own, in time."""
    edge = shop.another()
    edge.receive(
        wire(f"{options.get('method', 'GET')} {options.get('target', '/shop/items')} HTTP/1.1", *fields)
    )
    for _ in range(4):
        await settle()
    (answer,) = edge.answers(options.get("method", "GET"))
    return answer


async def test_what_one_process_stores_others_have(shops):
    first, second = shops
    assert status_of(await get(first)) == "fwd=uri-miss; stored"
    assert status_of(await get(second)) == "hit"
    assert second.asked == []


async def test_memory_is_believed_for_a_while_without_a_question(shops, shared):
    first, _ = shops
    await get(first)
    shared.asked.clear()
    assert status_of(await get(first)) == "hit"
    assert shared.asked == []
    first.pass_time(TRUSTED_FOR)
    assert status_of(await get(first)) == "hit"
    assert status_of(await get(first)) == "hit"
    assert shared.asked == ["changed"]


async def test_what_another_process_has_dropped_is_not_served(shops):
    first, second = shops
    await get(first)
    await get(second)
    await get(first, "Content-Length: 0", method="PUT")
    second.pass_time(TRUSTED_FOR)
    assert status_of(await get(second)) == "fwd=uri-miss; stored"


async def test_nor_what_another_process_has_purged(shops):
    first, second = shops
    await get(first)
    await get(second)
    assert await first.cache.purge(None) == 1
    first.says("Cache-Control: max-age=60", body=b"new")
    assert status_of(await get(first)) == "fwd=uri-miss; stored"
    second.pass_time(TRUSTED_FOR)
    answer = await get(second)
    assert (answer.body, status_of(answer)) == (b"new", "hit")


async def test_other_processes_are_told_and_forget_at_once(shops, shared):
    first, second = shops
    told = []

    async def announce(purge):
        assert shared.asked[-1] == "purge", "the shared store was told before"
        told.append(purge)

    first.cache.announce = announce
    await get(first)
    await get(second)
    await first.cache.purge(None, "shop", "/items")
    assert told == [Purge(None, "shop", b"/items")]
    second.cache.forget(told[0])
    assert status_of(await get(second)) == "fwd=uri-miss; stored"


async def test_a_store_that_is_away_is_a_miss(shops, shared):
    first, _ = shops
    await get(first)
    shared.away = True
    first.pass_time(TRUSTED_FOR)
    answer = await get(first)
    assert (answer.status, status_of(answer)) == (200, "fwd=miss; stored")
    shared.away = False
    assert status_of(await get(first)) == "hit"


async def test_a_purge_that_the_store_has_not_heard_of_fails(shops, shared):
    first, _ = shops
    await get(first)
    shared.away = True
    with pytest.raises(StoreUnavailable):
        await first.cache.purge(None)


async def test_a_drop_that_the_store_has_not_heard_of_is_told_again(shops, shared, monkeypatch):
    monkeypatch.setattr("brain_gateway.application.gateway.caching.response_cache.TRUSTED_FOR", 0.01)
    first, second = shops
    await get(first)
    shared.away = True
    await get(first, "Content-Length: 0", method="PUT")
    assert status_of(await get(first)).startswith("fwd")
    shared.away = False
    await asyncio.sleep(0.05)
    await settle()
    second.pass_time(TRUSTED_FOR)
    assert status_of(await get(second)) == "fwd=uri-miss; stored"


async def test_an_answer_from_before_a_drop_elsewhere_is_not_kept(shops, shared):
    first, second = shops
    first.silent = True
    edge = first.another()
    edge.receive(wire("GET /shop/items HTTP/1.1"))
    for _ in range(4):
        await settle()
    await get(second, "Content-Length: 0", method="PUT")
    first.asked[0].answer(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 3", b"old")
    for _ in range(4):
        await settle()
    first.silent = False
    assert (await get(second)).body == b"ok"
    assert (await get(first)).body == b"ok"


async def test_a_client_that_leaves_while_the_store_is_asked(shops):
    first, _ = shops
    edge = first.another()
    edge.receive(wire("GET /shop/items HTTP/1.1"))
    edge.transport.lose()
    for _ in range(4):
        await settle()
    assert first.asked == []
    assert first.gateway.target().in_flight == 0
    assert status_of(await get(first)) == "fwd=uri-miss; stored"


async def test_requests_at_once_ask_the_store_once(shops, shared):
    first, _ = shops
    edges = [first.another() for _ in range(5)]
    for edge in edges:
        edge.receive(wire("GET /shop/items HTTP/1.1"))
    for _ in range(4):
        await settle()
    assert [edge.answers()[0].body for edge in edges] == [b"ok"] * 5
    assert (len(first.asked), shared.asked.count("find")) == (1, 1)


async def test_a_closed_cache_leaves_no_tasks(shops, shared):
    first, _ = shops
    edge = first.another()
    edge.receive(wire("GET /shop/items HTTP/1.1"))
    first.cache.drop(ResourceKey("t", "shop", b"/x"))
    first.cache.close()
    for _ in range(4):
        await settle()
    assert not first.cache._tasks


async def test_what_another_process_has_renewed_is_found(shops):
    first, second = shops
    first.says("Cache-Control: max-age=60", 'ETag: "a"')
    await get(first)
    await get(second)
    for shop in shops:
        shop.pass_time(70.0)
    first.says("Cache-Control: max-age=60", 'ETag: "a"', status="HTTP/1.1 304 Not Modified", body=b"")
    assert status_of(await get(first)) == "fwd=stale; fwd-status=304; stored"
    assert status_of(await get(second)) == "hit"
    assert second.asked == []


async def test_what_is_renewed_beside_an_answer_is_shared(shops):
    first, second = shops
    first.says("Cache-Control: max-age=60, stale-while-revalidate=60", body=b"old")
    await get(first)
    for shop in shops:
        shop.pass_time(60.0)
    first.says("Cache-Control: max-age=60", body=b"new")
    assert (await get(first)).body == b"old"
    assert (await get(second)).body == b"new"


# Purging, in memory alone


async def test_a_purge_is_of_one_tenant(shared):
    shop = CachedShop()
    shop.gateway.tokens.tokens[b"other"] = principal(OTHER_TENANT)
    shop.says(PUBLIC)
    callers = {None: (), TENANT: (TOKEN,), OTHER_TENANT: ("Authorization: Bearer other",)}
    for fields in callers.values():
        await get(shop, *fields)
    assert await shop.cache.purge(TENANT) == 1
    hits = {tenant: status_of(await get(shop, *fields)) == "hit" for tenant, fields in callers.items()}
    assert hits == {None: True, TENANT: False, OTHER_TENANT: True}


PURGES = [
    ({}, {"/a", "/a?x=1", "/a/b", "/c"}),
    ({"service_key": "shop"}, {"/a", "/a?x=1", "/a/b", "/c"}),
    ({"service_key": "other"}, set()),
    ({"service_key": "shop", "path": "/a"}, {"/a", "/a?x=1"}),
    ({"service_key": "shop", "path": "/a", "prefix": True}, {"/a", "/a?x=1", "/a/b"}),
]


@pytest.mark.parametrize(("what", "gone"), PURGES)
async def test_what_is_purged(what, gone):
    shop = CachedShop()
    paths = ("/a", "/a?x=1", "/a/b", "/c")
    for path in paths:
        await get(shop, target=f"/shop{path}")
    assert await shop.cache.purge(None, **what) == len(gone)
    for path in paths:
        assert (status_of(await get(shop, target=f"/shop{path}")) == "hit") == (path not in gone)
