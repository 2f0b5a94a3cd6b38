"""ResponseStore and SharedResponseStore: one suite over memory, a real Valkey and a Cluster."""

from __future__ import annotations

import inspect
import itertools

import pytest
from redis.asyncio import Redis

from brain_gateway.application.ports.response_store import ANONYMOUS, Purge, ResourceKey
from brain_gateway.domain.errors import StoreUnavailable
from brain_gateway.domain.http.caching.selection import selector
from brain_gateway.infrastructure.cache.memory import MemoryResponses
from brain_gateway.infrastructure.valkey.connection import make_client
from brain_gateway.infrastructure.valkey.response_store import ValkeyResponses
from tests.builders.gateway import OTHER_TENANT, TENANT
from tests.builders.raw_server import closed_port
from tests.builders.stored import NOW, stored
from tests.live.harness.gateway import eventually

pytestmark = pytest.mark.anyio
PATIENT = 5.0
MOST = 1 << 20


@pytest.fixture(params=["memory", "valkey", "cluster"])
async def store(request):
    """Either, asked alike."""
    if request.param == "memory":
        yield Asked(MemoryResponses(MOST))
        return
    client = make_client(request.getfixturevalue(request.param).url, PATIENT)
    yield Asked(ValkeyResponses(client, PATIENT, MOST))
    await client.aclose()


class Asked:
    """Answers at once and answers to wait for, both waited for."""

    def __init__(self, store):
        self.store = store

    def __getattr__(self, name):
        async def ask(*arguments):
            answer = getattr(self.store, name)(*arguments)
            return await answer if inspect.isawaitable(answer) else answer

        return ask


def key(target: bytes = b"/items", tenant: str = TENANT, service: str = "shop") -> ResourceKey:
    return ResourceKey(tenant, service, target)


def asks(**values: bytes):
    """The selectors of a request with these fields."""
    named = {name.encode(): value for name, value in values.items()}
    return lambda vary: selector(vary, b"", named.get)


def variant(body: bytes, *vary: bytes, **values: bytes):
    return stored(body=body, vary=vary, selector=asks(**values)(vary))


async def bodies(store, *arguments, **values):
    found = await store.find(key(*arguments), asks(**values))
    return sorted(one.body for one in found.variants)


async def kept(store, where: ResourceKey, response):
    mark = (await store.find(where, asks())).mark
    return await store.keep(where, response, mark)


async def test_nothing_is_found_where_nothing_was_kept(store):
    found = await store.find(key(), asks())
    assert (found.variants, found.others) == ([], False)


async def test_what_is_kept_is_found_whole(store):
    response = stored(
        body=bytes(range(256)), cors=(b"Access-Control-Allow-Origin: *",), etag=b'"\xff"', stale_if_error=5.0
    )
    assert await kept(store, key(), response)
    assert (await store.find(key(), asks())).variants == [response]


async def test_a_response_takes_the_place_of_one_with_the_same_selector(store):
    await kept(store, key(), stored(body=b"old"))
    await kept(store, key(), stored(body=b"new"))
    assert await bodies(store) == [b"new"]


async def test_variants_are_found_by_what_selects_them(store):
    await kept(store, key(), variant(b"en", b"lang", lang=b"en"))
    await kept(store, key(), variant(b"de", b"lang", lang=b"de"))
    assert await bodies(store, lang=b"en") == [b"en"]
    assert await bodies(store, lang=b"de") == [b"de"]
    found = await store.find(key(), asks(lang=b"fr"))
    assert (found.variants, found.others) == ([], True)


async def test_responses_with_different_vary_are_all_looked_for(store):
    await kept(store, key(), variant(b"by lang", b"lang", lang=b"en"))
    await kept(store, key(), variant(b"by kind", b"kind", kind=b"x"))
    await kept(store, key(), variant(b"for all"))
    assert await bodies(store, lang=b"en", kind=b"x") == [b"by kind", b"by lang", b"for all"]
    assert await bodies(store, lang=b"en") == [b"by lang", b"for all"]


async def test_resources_tenants_and_services_are_apart(store):
    everything = list(
        itertools.product((TENANT, OTHER_TENANT, ANONYMOUS), ("shop", "crm"), (b"/a", b"/b?x=1"))
    )
    for number, (tenant, service, target) in enumerate(everything):
        await kept(store, key(target, tenant, service), stored(body=b"%d" % number))
    for number, (tenant, service, target) in enumerate(everything):
        assert await bodies(store, target, tenant, service) == [b"%d" % number]


async def test_a_drop_takes_all_variants_of_one_resource(store):
    await kept(store, key(b"/a"), variant(b"1", b"lang", lang=b"en"))
    await kept(store, key(b"/a"), variant(b"2", b"lang", lang=b"de"))
    await kept(store, key(b"/b"), stored(body=b"3"))
    await store.drop(key(b"/a"))
    assert await bodies(store, b"/a", lang=b"en") == []
    assert await bodies(store, b"/b") == [b"3"]


async def test_what_was_asked_for_before_a_drop_is_not_kept(store):
    mark = (await store.find(key(), asks())).mark
    other = (await store.find(key(b"/other"), asks())).mark
    await store.drop(key())
    assert not await store.keep(key(), stored(), mark)
    assert await store.keep(key(b"/other"), stored(), other)
    assert await kept(store, key(), stored())


async def test_what_was_asked_for_before_a_purge_is_not_kept(store):
    mark = (await store.find(key(), asks())).mark
    other = (await store.find(key(tenant=OTHER_TENANT), asks())).mark
    await store.purge(Purge(TENANT, "elsewhere"))
    assert not await store.keep(key(), stored(), mark)
    assert await store.keep(key(tenant=OTHER_TENANT), stored(), other)


PURGES = [
    (Purge(TENANT), {b"/a", b"/a?q=1", b"/a/b", b"/b"}),
    (Purge(TENANT, "shop"), {b"/a", b"/a?q=1", b"/a/b", b"/b"}),
    (Purge(TENANT, "crm"), set()),
    (Purge(OTHER_TENANT), set()),
    (Purge(None), set()),
    (Purge(TENANT, "shop", b"/a"), {b"/a", b"/a?q=1"}),
    (Purge(TENANT, "shop", b"/a?q=1"), {b"/a?q=1"}),
    (Purge(TENANT, "shop", b"/a", prefix=True), {b"/a", b"/a?q=1", b"/a/b"}),
    (Purge(TENANT, "shop", b"/zzz", prefix=True), set()),
]


@pytest.mark.parametrize(("purge", "gone"), PURGES)
async def test_a_purge_takes_what_it_means(store, purge, gone):
    targets = {b"/a", b"/a?q=1", b"/a/b", b"/b"}
    for target in targets:
        await kept(store, key(target), stored())
        await kept(store, key(target, ANONYMOUS, "crm"), stored())
    anonymous = len(targets) if purge.tenant_id is None else 0
    assert await store.purge(purge) == len(gone) + anonymous
    for target in targets:
        assert await bodies(store, target) == ([] if target in gone else [b"ok"])
        assert await bodies(store, target, ANONYMOUS, "crm") == ([] if anonymous else [b"ok"])


async def test_a_purge_of_many(store):
    for number in range(1200):
        await kept(store, key(b"/%d" % number), stored(body=b""))
    there = [number for number in range(1200) if await bodies(store, b"/%d" % number)]
    assert await store.purge(Purge(TENANT)) == len(there)
    assert [number for number in there if await bodies(store, b"/%d" % number)] == []


async def test_the_bound_in_bytes_holds_and_the_newest_are_there(store):
    for number in range(40):
        await kept(store, key(b"/%d" % number), stored(body=b"x" * 65536, lifetime=60.0 + number))
    there = [number for number in range(40) if await bodies(store, b"/%d" % number)]
    assert 5 <= len(there) <= 16
    assert there[-1] == 39


async def test_the_variants_of_one_resource_are_bounded(store):
    for number in range(200):
        await kept(store, key(), variant(b"", b"lang", lang=b"%d" % number))
    there = [number for number in range(200) if await bodies(store, lang=b"%d" % number)]
    assert len(there) <= 65
    assert there[-1] == 199


# What only the shared one promises


@pytest.fixture
async def client(shared_server):
    client = make_client(shared_server.url, PATIENT)
    yield client
    await client.aclose()


async def test_changes_are_numbered_by_resource(client: Redis, shared_server):
    store = ValkeyResponses(client, PATIENT, MOST)
    assert await store.changed(key()) == 0
    await store.drop(key(b"/other"))
    assert await store.changed(key()) == 0
    await store.drop(key())
    first = await store.changed(key())
    await store.purge(Purge(TENANT, "other"))
    second = await store.changed(key())
    assert 0 < first < second
    assert await store.changed(key(tenant=OTHER_TENANT)) == 0
    shared_server.flush()
    await store.drop(key())
    assert await store.changed(key()) > second, "numbers grow over a loss of data"


async def test_every_key_of_a_tenant_has_its_tag_and_a_time(client: Redis):
    store = ValkeyResponses(client, PATIENT, MOST)
    await kept(store, key(), stored())
    await store.drop(key(b"/b"))
    await store.purge(Purge(TENANT, "other"))
    await kept(store, key(), stored())
    keys = await client.keys(f"{{bg:{TENANT}}}:*")
    assert len(keys) == 6
    for name in keys:
        assert name.startswith(b"{bg:" + TENANT.encode() + b"}:rc:")
        assert await client.pttl(name) > 0


async def test_a_response_goes_with_its_use(client: Redis):
    store = ValkeyResponses(client, PATIENT, MOST)
    await kept(store, key(), stored(lifetime=60.0))
    await kept(store, key(b"/valid"), stored(lifetime=60.0, etag=b'"a"'))
    assert not await kept(store, key(b"/old"), stored(lifetime=0.0))
    times = sorted([await client.pttl(name) for name in await client.keys(f"{{bg:{TENANT}}}:rc:r:*")])
    assert 59_000 < times[0] <= 60_001
    assert times[1] > 86_400_000


async def test_what_is_gone_frees_its_bytes(client: Redis):
    store = ValkeyResponses(client, PATIENT, MOST)
    sizes = f"{{bg:{TENANT}}}:rc:sizes"
    for _ in range(3):
        await kept(store, key(), stored(body=b"x" * 1000))
        await kept(store, key(), stored(body=b"x" * 3000))
        assert 3000 < int(await client.hget(sizes, "")) < 4000
    await store.drop(key())
    assert await client.hgetall(sizes) == {b"": b"0"}


async def test_what_it_cannot_read_is_not_there(client: Redis):
    store = ValkeyResponses(client, PATIENT, MOST)
    await kept(store, key(), stored())
    (name,) = await client.keys(f"{{bg:{TENANT}}}:rc:r:*")
    for junk in (b"", b"\x02\0\0\0\x01x", b"\x01\0\0\0\x02{}", b"\x01\xff\xff\xff\xff"):
        await client.hset(name, asks()(()), junk)
        assert (await store.find(key(), asks())).variants == []


async def test_a_store_that_is_away_finds_nothing_and_tells_who_purges():
    client = make_client(f"redis://127.0.0.1:{closed_port()}/0", 1.0)
    store = ValkeyResponses(client, 1.0, MOST)
    assert await store.find(key(), asks()) is None
    assert await store.changed(key()) is None
    assert not await store.keep(key(), stored(), 0)
    assert not await store.drop(key())
    with pytest.raises(StoreUnavailable):
        await store.purge(Purge(TENANT))
    await client.aclose()


async def test_a_store_that_does_not_answer_is_away_and_comes_back(shared_server, monkeypatch):
    monkeypatch.setattr("brain_gateway.infrastructure.valkey.response_store.LEFT_ALONE", 0.0)
    client = make_client(shared_server.url, 0.5)
    store = ValkeyResponses(client, 0.5, MOST)
    shared_server.pause()
    try:
        assert await store.find(key(), asks()) is None
        with pytest.raises(StoreUnavailable):
            await store.purge(Purge(TENANT))
    finally:
        shared_server.resume()

    async def answers() -> bool:
        found = await store.find(key(), asks())
        return found is not None and await store.keep(key(), stored(received=NOW), found.mark)

    await eventually(answers, "it is back")
    await client.aclose()
