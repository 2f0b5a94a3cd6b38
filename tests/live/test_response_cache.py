"""The response cache on real sockets: both entries, a service that is scripted, and a real Valkey behind processes."""

from __future__ import annotations

import asyncio

import pytest
from redis import Redis

from tests.builders.raw_server import closed_port
from tests.live.harness.credentials import OTHER_TENANT, bearer
from tests.live.harness.gateway import eventually, head, request, running_gateway
from tests.live.harness.rig import Rig, configuration, running_rig, service
from tests.live.harness.upstream import says, scripted_upstream
from tests.live.harness.valkey import running_valkey
from tests.live.harness.wire import PATIENCE, Connection
from tests.live.harness.workers import connection_to_each, taken

pytestmark = pytest.mark.anyio

ROUTES = [
    {"path": "/pages/{rest:path}", "methods": ["GET", "HEAD"], "public": True, "cache": True},
    {"path": "/own/{rest:path}", "methods": ["GET"], "cache": {"per_user": True}},
    {"path": "/small/{rest:path}", "public": True, "cache": {"max_body": 1000}},
]
PUBLIC = "Cache-Control: public, max-age=60"
MIB = 1 << 20


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module", params=["protocol", "asgi"])
async def shared(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    faults = request.param == "asgi"  # an ASGI server logs an answer that breaks off as an error
    async with running_rig(folder, {"crm": {"routes": ROUTES}}, entry=request.param, faults=faults) as rig:
        yield rig


@pytest.fixture
def rig(shared):
    shared.upstream.reset()
    return shared


_paths = iter(range(10_000))


@pytest.fixture
def path() -> str:
    """A path that no test has asked for yet."""
    return f"/crm/pages/{next(_paths)}"


def answer(*lines: str, body: bytes = b"ok", status: str = "200 OK") -> bytes:
    text = "\r\n".join([f"HTTP/1.1 {status}", *lines, f"Content-Length: {len(body)}", "", ""])
    return text.encode("latin-1") + body


def status_of(message) -> str:
    return message.get("cache-status").removeprefix("brain-gateway; ")


async def test_an_answer_is_used_again(rig, path):
    rig.upstream.reset(says(answer(PUBLIC, 'ETag: "a"', "X-A: 1")))
    first = await rig.gateway.get(path, "")
    again = await rig.gateway.get(path, "")
    assert (first.body, again.body, again.get("x-a")) == (b"ok", b"ok", "1")
    assert status_of(first) == "fwd=uri-miss; stored"
    assert status_of(again).startswith("hit; ttl=")
    assert again.get("age") in ("0", "1")
    assert (await rig.gateway.ask(request("GET", path, "", 'If-None-Match: "a"'))).status == 304
    assert (await rig.gateway.ask(request("HEAD", path, ""))).get("content-length") == "2"
    assert len(rig.upstream.arrivals) == 1


async def test_many_on_one_connection(rig, path):
    rig.upstream.reset(says(answer(PUBLIC, body=b"x" * 5000)))
    client = await rig.gateway.connect()
    await client.send(head(request("GET", path, "")) * 20)
    for _ in range(20):
        assert (await client.response()).body == b"x" * 5000
    client.close()
    assert len(rig.upstream.arrivals) == 1


async def test_tenants_have_their_own(rig, path):
    for line in (bearer(), bearer(tenant=OTHER_TENANT), ""):
        rig.upstream.reset(says(answer(PUBLIC, body=line.encode()[-20:] or b"nobody")))
        await rig.gateway.get(path, line)
        assert len(rig.upstream.arrivals) == 1
    assert (await rig.gateway.get(path, "")).body == b"nobody"
    first = await rig.gateway.get(path, bearer(user="another"))
    other = await rig.gateway.get(path, bearer(tenant=OTHER_TENANT, user="another"))
    assert len({first.body, other.body, b"nobody"}) == 3
    assert status_of(first).startswith("hit")
    assert status_of(other).startswith("hit")
    assert len(rig.upstream.arrivals) == 1


async def test_users_may_have_their_own(rig):
    path = f"/crm/own/{next(_paths)}"
    for user in ("u-1", "u-2"):
        rig.upstream.reset(says(answer("Cache-Control: max-age=60", body=user.encode())))
        await rig.gateway.get(path, bearer(user=user))
    rig.upstream.reset()
    for user in ("u-1", "u-2"):
        assert (await rig.gateway.get(path, bearer(user=user))).body == user.encode()
    assert (await rig.gateway.get(path, "")).status == 401
    assert rig.upstream.arrivals == []


async def test_a_304_is_merged(rig, path):
    rig.upstream.reset(says(answer("Cache-Control: no-cache", 'ETag: "a"', "X-A: 1", "X-B: 1", body=b"long")))
    await rig.gateway.get(path, "")
    rig.upstream.reset(
        says(b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nX-A: 2\r\nCache-Control: max-age=60\r\n\r\n')
    )
    merged = await rig.gateway.get(path, "")
    assert rig.upstream.arrivals[0].get("if-none-match") == '"a"'
    assert (merged.status, merged.body, merged.get("x-a"), merged.get("x-b")) == (200, b"long", "2", "1")
    assert status_of(merged) == "fwd=stale; fwd-status=304; stored"
    assert status_of(await rig.gateway.get(path, "")).startswith("hit")
    assert len(rig.upstream.arrivals) == 1


async def test_a_write_is_seen_at_once(rig, path):
    rig.upstream.reset(says(answer(PUBLIC)))
    await rig.gateway.get(path, "")
    await rig.gateway.ask(request("PUT", path, None, "Content-Length: 3"), b"abc")
    assert rig.upstream.arrivals[-1].body == b"abc"
    assert status_of(await rig.gateway.get(path, "")) == "fwd=uri-miss; stored"


async def asked(rig, path: str, times: int) -> list[Connection]:
    """Clients whose requests for one path have come to the gateway, one of them to the service."""
    clients = [await rig.gateway.connect() for _ in range(times)]
    for client in clients:
        await client.send(head(request("GET", path, "")))
    await taken(rig.gateway, *clients)
    await rig.upstream.arrival()
    return clients


async def test_requests_at_once_are_one(rig, path):
    go = asyncio.Event()

    async def waits(arrival):
        await asyncio.wait_for(go.wait(), PATIENCE)
        await arrival.answer(answer(PUBLIC))

    rig.upstream.reset(waits)
    asking = await asked(rig, path, 20)
    go.set()
    answers = [await client.response() for client in asking]
    assert {message.body for message in answers} == {b"ok"}
    assert len(rig.upstream.arrivals) == 1
    assert sorted(map(status_of, answers)) == ["fwd=uri-miss; collapsed"] * 19 + ["fwd=uri-miss; stored"]


async def test_what_is_not_storable_lets_those_that_wait_go(rig, path):
    go = asyncio.Event()

    async def waits(arrival):
        await asyncio.wait_for(go.wait(), PATIENCE)
        await arrival.answer(answer("Cache-Control: no-store", body=str(len(rig.upstream.arrivals)).encode()))

    rig.upstream.reset(waits)
    asking = await asked(rig, path, 5)
    go.set()
    answers = [await client.response() for client in asking]
    assert {message.status for message in answers} == {200}
    assert len(rig.upstream.arrivals) == 5


async def test_a_client_that_leaves_does_not_take_the_others_along(rig, path):
    go = asyncio.Event()

    async def waits(arrival):
        await asyncio.wait_for(go.wait(), PATIENCE)
        await arrival.answer(answer(PUBLIC))

    rig.upstream.reset(waits)
    (first,) = await asked(rig, path, 1)
    asking = await asked(rig, path, 4)
    first.reset()
    await rig.upstream.arrival(2)
    go.set()
    assert {(await client.response()).body for client in asking} == {b"ok"}
    assert len(rig.upstream.arrivals) == 2


async def test_a_client_that_leaves_in_the_middle_leaves_nothing_half(rig, path):
    async def stops(arrival):
        await arrival.peer.send(
            b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 10\r\n\r\nhalf."
        )
        await arrival.peer.ended()

    rig.upstream.reset(stops)
    client = await rig.gateway.connect()
    await client.send(head(request("GET", path, "")))
    await client.head()
    client.reset()
    await eventually(lambda: rig.upstream.arrivals[0].left, "the service is told")
    rig.upstream.reset(says(answer(PUBLIC)))
    assert status_of(await rig.gateway.get(path, "")) == "fwd=uri-miss; stored"


@pytest.mark.parametrize(
    "framing", ["Content-Length: 10\r\n\r\nhalf.", "Transfer-Encoding: chunked\r\n\r\n5\r\nhalf.\r\n"]
)
async def test_a_service_that_dies_in_the_middle_leaves_nothing_half(rig, path, framing):
    async def dies(arrival):
        await arrival.peer.send(f"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n{framing}".encode())
        arrival.peer.reset()

    rig.upstream.reset(dies)
    client = await rig.gateway.connect()
    await client.send(head(request("GET", path, "")))
    assert b"half." in await client.rest()
    rig.upstream.reset(says(answer(PUBLIC)))
    assert status_of(await rig.gateway.get(path, "")) == "fwd=uri-miss; stored"


async def test_a_long_body_streams(rig):
    """The service sends the next piece only when the client has read the one before it."""
    path = f"/crm/small/{next(_paths)}"
    heard = asyncio.Event()

    async def streams(arrival):
        await arrival.peer.send(
            b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for _ in range(8):
            await arrival.peer.send(b"190\r\n" + b"x" * 400 + b"\r\n")
            await asyncio.wait_for(heard.wait(), PATIENCE)
            heard.clear()
        await arrival.peer.send(b"0\r\n\r\n")

    rig.upstream.reset(streams)
    client = await rig.gateway.connect()
    await client.send(head(request("GET", path, "")))
    await client.head()
    for _ in range(8):
        assert await client.reader.readuntil(b"\r\n") == b"190\r\n"
        await client.reader.readexactly(402)
        heard.set()
    assert await client.reader.readuntil(b"\r\n\r\n") == b"0\r\n\r\n"
    client.close()
    rig.upstream.reset(says(answer(PUBLIC)))
    assert status_of(await rig.gateway.get(path, "")) == "fwd=uri-miss; stored"


async def test_a_body_that_is_not_kept_uses_no_memory(rig, path):
    async def streams(arrival):
        await arrival.peer.send(
            b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for _ in range(64):
            await arrival.peer.send(b"100000\r\n" + bytes(MIB) + b"\r\n")
        await arrival.peer.send(b"0\r\n\r\n")

    rig.upstream.reset(streams)
    before = rig.gateway.rss()
    answer = await rig.gateway.get(path, "")
    assert len(answer.body) == 64 * MIB
    assert rig.gateway.rss() - before < 32 * MIB


async def test_only_if_cached(rig, path):
    message = await rig.gateway.ask(request("GET", path, "", "Cache-Control: only-if-cached"))
    assert (message.status, message.json()["type"]) == (504, "urn:brain-gateway:problem:not-cached")
    assert rig.upstream.arrivals == []


async def test_it_is_counted(rig, path):
    rig.upstream.reset(says(answer(PUBLIC)))
    name = 'brain_gateway_cache_requests_total{result="%s",service="crm"}'
    before = await rig.gateway.metrics()
    for _ in range(3):
        await rig.gateway.get(path, "")
    after = await rig.gateway.metrics()
    assert after[name % "hit"] - before.get(name % "hit", 0) == 2
    assert after[name % "miss"] - before.get(name % "miss", 0) == 1


# Several processes


@pytest.fixture(scope="module")
def valkey(tmp_path_factory):
    with running_valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture(scope="module")
async def both(tmp_path_factory, valkey):
    """Two gateways with one store and one service."""
    folder = tmp_path_factory.mktemp("two")
    async with scripted_upstream() as upstream:
        config = configuration({"crm": service(upstream.url, routes=ROUTES)})
        options = {"REDIS_URL": valkey.url, "REDIS_TIMEOUT": "2"}
        async with (
            running_gateway(folder / "a", config, faults=True, **options) as first,
            running_gateway(folder / "b", config, faults=True, **options) as second,
        ):
            yield Rig(first, upstream), Rig(second, upstream)


@pytest.fixture
def two(both):
    both[0].upstream.reset()
    return both


def kept(valkey) -> int:
    """How many resources the store has answers of."""
    with Redis.from_url(valkey.url) as client:
        return len(client.keys("*:r:*"))


async def test_what_one_process_stores_others_have(two, path, valkey):
    first, second = two
    before = kept(valkey)
    first.upstream.reset(says(answer(PUBLIC, body=b"x" * 1000)))
    assert status_of(await first.gateway.get(path, "")) == "fwd=uri-miss; stored"
    await eventually(lambda: kept(valkey) > before, "the store has it")
    for gateway in (second.gateway, second.gateway, first.gateway):
        message = await gateway.get(path, "")
        assert status_of(message).startswith("hit")
        assert message.body == b"x" * 1000
    assert len(first.upstream.arrivals) == 1


async def test_what_is_written_through_one_is_read_anew_through_others(two, path, valkey):
    first, second = two
    first.upstream.reset(says(answer(PUBLIC, body=b"old")))
    before = kept(valkey)
    await first.gateway.get(path, "")
    await eventually(lambda: kept(valkey) > before, "the store has it")
    await second.gateway.get(path, "")
    first.upstream.reset(says(answer(PUBLIC, body=b"new")))
    await first.gateway.ask(request("PUT", path, None, "Content-Length: 0"))
    assert (await first.gateway.get(path, "")).body == b"new"

    async def seen():
        return (await second.gateway.get(path, "")).body == b"new"

    await eventually(seen, "the other process has it, too")
    assert len(first.upstream.arrivals) <= 3, "the write, and each asks once at most"


@pytest.fixture(scope="module")
async def workers(tmp_path_factory, valkey):
    """Three workers of one gateway, and a connection to each."""
    async with scripted_upstream() as upstream:
        config = configuration({"crm": service(upstream.url, routes=ROUTES)})
        folder = tmp_path_factory.mktemp("workers")
        options = {"REDIS_URL": valkey.url, "REDIS_TIMEOUT": "2"}
        async with running_gateway(
            folder, config, workers=3, port=closed_port(), faults=True, **options
        ) as gateway:
            clients = await connection_to_each(gateway, 3)
            yield upstream, list(clients.values())
            for client in clients.values():
                client.close()


async def said(client: Connection, text: str, body: bytes = b""):
    await client.send(head(text) + body)
    return await client.response()


async def test_a_purge_reaches_every_worker_by_being_announced(workers, path, valkey):
    """The net below cannot tell it here: the shared store has no answer any more, and no number of a change."""
    upstream, clients = workers
    wire = request("GET", path, "")

    async def bodies() -> list[bytes]:
        return [(await said(client, wire)).body for client in clients]

    upstream.reset(says(answer(PUBLIC, body=b"old")))
    assert await bodies() == [b"old"] * 3
    upstream.reset(says(answer(PUBLIC, body=b"new")))
    with Redis.from_url(valkey.url) as store:

        async def renewed() -> bool:
            store.delete(*store.keys("{bg:-}:rc:*"), "none")
            store.publish("bg:purges", '["another gateway", null, "crm", null, false]')
            return await bodies() == [b"new"] * 3

        await eventually(renewed, "every worker has forgotten what it had")


async def test_a_purge_over_the_api_is_seen_by_every_worker(workers, path):
    upstream, clients = workers
    wire, purge = request("GET", path, ""), b'{"service": "crm"}'
    who = bearer(roles=("super_admin",))
    fields = ("Content-Type: application/json", f"Content-Length: {len(purge)}")
    for number in range(6):
        body = b"%d" % number
        upstream.reset(says(answer(PUBLIC, body=body)))
        told = await said(clients[number % 3], request("POST", "/api/v1/cache/purge", who, *fields), purge)
        assert told.status == 200

        async def renewed(body: bytes = body) -> bool:
            return [(await said(client, wire)).body for client in clients] == [body] * 3

        await eventually(renewed, "every worker has the new one")


async def test_a_store_that_is_away_costs_hits_and_nothing_else(two, path, valkey):
    first, second = two
    first.upstream.reset(says(answer(PUBLIC)))
    await first.gateway.get(path, "")
    valkey.stop()
    try:
        await asyncio.sleep(1.1)
        for gateway in (first.gateway, second.gateway):
            assert (await gateway.get(path, "")).status == 200
    finally:
        valkey.start()

    async def hits():
        return status_of(await second.gateway.get(path, "")).startswith("hit")

    await eventually(hits, "it is used again")
