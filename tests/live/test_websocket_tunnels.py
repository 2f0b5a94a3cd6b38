"""WebSockets through the gateway: a real client and a real server at its two ends, and what can go wrong between."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import signal

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.live.harness.credentials import API_KEY, API_KEY_HASH, TENANT, token
from tests.live.harness.gateway import eventually, head, request, running_gateway, settled
from tests.live.harness.rig import configuration, service
from tests.live.harness.upstream import scripted_upstream
from tests.live.harness.wire import PATIENCE

pytestmark = pytest.mark.anyio
MIB = 1 << 20
UPGRADE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


class EchoServer:
    """Echoes messages; a text that begins with `close` closes with the code and reason that follow."""

    def __init__(self) -> None:
        self.requests = []
        self.closed = []

    async def __call__(self, socket) -> None:
        self.requests.append(socket.request)
        try:
            async for message in socket:
                if isinstance(message, str) and message.startswith("close "):
                    _, code, reason = message.split(" ", 2)
                    await socket.close(int(code), reason)
                    return
                await socket.send(message)
        except ConnectionClosed:
            pass
        finally:
            await socket.wait_closed()
            self.closed.append((socket.close_code, socket.close_reason))


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


def chat_if_offered(_, offered):
    """The server's choice of a subprotocol."""
    return "chat.v2" if "chat.v2" in offered else None


@contextlib.asynccontextmanager
async def echoing(compression=None):
    """An echo server and its URL."""
    echo = EchoServer()
    async with serve(
        echo, "127.0.0.1", 0, max_size=64 * MIB, compression=compression, select_subprotocol=chat_if_offered
    ) as server:
        yield echo, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def with_key(url: str, **policies) -> dict:
    """A configuration whose tenant has an API key."""
    tenant = {"name": "Demo", "api_keys": [{"hash": API_KEY_HASH, "user": "robot", "roles": ["client"]}]}
    services = {name: service(url, **policy) for name, policy in policies.items()}
    return configuration(services, {TENANT: tenant})


@pytest.fixture(scope="module")
async def shared(tmp_path_factory):
    """One gateway before two echo servers and a scripted one."""
    async with echoing() as (echo, url), echoing("deflate") as (_, other), scripted_upstream() as upstream:
        policies = {
            "chat": {"prefix": "/ws"},
            "limited": {"limit": {"requests": 1, "window": 600}},
            "deflating": {"targets": [other]},
            "raw": {"targets": [upstream.url]},
        }
        folder = tmp_path_factory.mktemp("websockets")
        async with running_gateway(folder, with_key(url, **policies), JWT_LEEWAY="0") as gateway:
            yield echo, gateway, upstream


@pytest.fixture
def echo(shared):
    shared[0].requests.clear()
    shared[0].closed.clear()
    return shared[0]


@pytest.fixture
def gateway(shared):
    return shared[1]


@pytest.fixture
def upstream(shared):
    shared[2].reset()
    return shared[2]


def tunnel(gateway, path: str = "/chat/room/1?x=1", credential: str | None = None, **options):
    """A WebSocket client; with a token unless another credential is given."""
    name, _, value = (f"Authorization: Bearer {token()}" if credential is None else credential).partition(
        ": "
    )
    headers = {name: value} if value else {}
    url = f"ws://127.0.0.1:{gateway.port}{path}"
    options = {"max_size": 64 * MIB, "compression": None, "proxy": None, **options}
    return connect(url, additional_headers=headers, **options)


async def close_code(socket) -> int:
    """The code with which the other side closed."""
    await asyncio.wait_for(socket.wait_closed(), PATIENCE)
    return socket.close_code


async def test_messages_both_ways(echo, gateway):
    async with tunnel(gateway, subprotocols=["chat.v1", "chat.v2"]) as socket:
        assert socket.subprotocol == "chat.v2"
        for message in ("hello", b"\x00\xff", "", "ü" * 1000):
            await socket.send(message)
            assert await socket.recv() == message
        await asyncio.wait_for(await socket.ping(), PATIENCE)
    asked = echo.requests[0]
    assert asked.path == "/ws/room/1?x=1"
    assert asked.headers["X-Tenant-ID"] == TENANT
    assert asked.headers["X-User-ID"] == "user-1"
    assert asked.headers["X-Forwarded-For"] == "127.0.0.1"


async def test_the_long_name(echo, gateway):
    async with tunnel(gateway, "/brain-gateway/chat/room") as socket:
        await socket.send("hello")
        assert await socket.recv() == "hello"
    assert echo.requests[0].path == "/ws/room"


async def test_large_messages(echo, gateway):
    message = hashlib.shake_256(b"large").digest(16 * MIB)
    async with tunnel(gateway) as socket:
        for _ in range(2):
            await socket.send(message)
            assert await asyncio.wait_for(socket.recv(), PATIENCE) == message


async def test_compression_is_between_the_ends(gateway):
    async with tunnel(gateway, "/deflating", compression="deflate") as socket:
        await socket.send("hello " * 10_000)
        assert await socket.recv() == "hello " * 10_000
        assert socket.protocol.extensions


async def test_many_at_once(echo, gateway):
    async def talk(number: int) -> None:
        async with tunnel(gateway) as socket:
            for turn in range(10):
                await socket.send(f"{number}:{turn}")
                assert await socket.recv() == f"{number}:{turn}"

    await asyncio.gather(*(talk(number) for number in range(100)))


# Ends


async def test_the_client_closes(echo, gateway):
    async with tunnel(gateway) as socket:
        await socket.close(4001, "enough")
    await eventually(lambda: echo.closed, "the server hears the close")
    assert echo.closed == [(4001, "enough")]


async def test_the_server_closes(echo, gateway):
    async with tunnel(gateway) as socket:
        await socket.send("close 4002 go away")
        assert await close_code(socket) == 4002
        assert socket.close_reason == "go away"


async def test_the_client_vanishes(echo, gateway):
    socket = await tunnel(gateway)
    socket.transport.abort()
    await eventually(lambda: echo.closed, "the server hears that it is gone")
    assert echo.closed[0][0] == 1006
    await socket.wait_closed()


async def test_the_service_vanishes(gateway, upstream):
    async def switches_and_vanishes(arrival):
        await arrival.peer.send(SWITCHED)
        await arrival.peer.reader.readexactly(5)
        arrival.peer.reset()

    upstream.reset(switches_and_vanishes)
    client = await gateway.connect()
    await client.send(head(request("GET", "/raw/x", None, *UPGRADE)))
    assert (await client.response()).status == 101
    await client.send(b"hello")
    assert await client.ended()


# Who may


@pytest.mark.parametrize(
    ("credential", "status"),
    [("", 401), ("Authorization: Bearer x.y.z", 401), (f"X-API-Key: {API_KEY}x", 401)],
)
async def test_who_is_nobody_gets_no_tunnel(echo, gateway, credential, status):
    with pytest.raises(InvalidStatus) as refused:
        await tunnel(gateway, credential=credential)
    assert refused.value.response.status_code == status
    assert not echo.requests


async def test_a_tunnel_counts_as_a_request(echo, gateway):
    async with tunnel(gateway, "/limited/x") as socket:
        await socket.send("hello")
        assert await socket.recv() == "hello"
    with pytest.raises(InvalidStatus) as refused:
        await tunnel(gateway, "/limited/x")
    assert refused.value.response.status_code == 429
    names = await gateway.metrics()
    assert names['brain_gateway_tunnels_total{service="limited"}'] == 1


async def test_a_tunnel_ends_with_its_token(echo, gateway):
    credential = f"Authorization: Bearer {token(lifetime=2.5)}"
    async with tunnel(gateway, credential=credential) as socket:
        await socket.send("hello")
        assert await socket.recv() == "hello"
        assert await close_code(socket) == 1006
    await eventually(lambda: echo.closed, "the server hears the end")


async def test_a_tunnel_ends_with_its_key(tmp_path):
    """The key is taken out of the file; other tunnels of the same service go on."""
    async with (
        echoing() as (_, url),
        running_gateway(tmp_path, with_key(url, chat={})) as own,
        tunnel(own, "/chat", f"X-API-Key: {API_KEY}") as robot,
        tunnel(own, "/chat") as person,
    ):
        await robot.send("hello")
        assert await robot.recv() == "hello"
        without = with_key(url, chat={})
        without["tenants"][TENANT]["api_keys"] = []
        own.configure(without)
        own.signal(signal.SIGHUP)
        assert await close_code(robot) == 1006
        await person.send("still here")
        assert await person.recv() == "still here"


async def test_draining_ends_tunnels(tmp_path):
    async with (
        echoing() as (_, url),
        running_gateway(tmp_path, with_key(url, chat={}), DRAIN_TIMEOUT="5") as own,
        tunnel(own, "/chat") as socket,
    ):
        await socket.send("hello")
        assert await socket.recv() == "hello"
        own.signal(signal.SIGTERM)
        assert await close_code(socket) in (1001, 1006)
        assert await own.exited() == 0


# Handshakes that are not


async def test_a_service_that_does_not_switch(gateway, upstream):
    """Any other answer is an answer; what the client sent ahead is the next request, not frames."""

    async def declines(arrival):
        if "websocket" in arrival.get("upgrade"):
            await arrival.answer(b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone")
        else:
            await arrival.answer()

    upstream.reset(declines)
    client = await gateway.connect()
    await client.send(head(request("GET", "/raw/x", None, *UPGRADE)) + head(request("GET", "/raw/next")))
    assert [(await client.response()).status for _ in range(2)] == [404, 200]
    assert [arrival.target for arrival in upstream.arrivals] == ["/x", "/next"]


async def test_a_handshake_with_another_version_is_no_tunnel(gateway, upstream):
    """426 with the version that the service speaks; the connection stays one of HTTP."""
    answer = b"HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n"
    upstream.reset(lambda arrival: arrival.answer(answer))
    client = await gateway.connect()
    for _ in range(2):
        await client.send(head(request("GET", "/raw/x", None, *UPGRADE)))
        got = await client.response()
        assert (got.status, got.get("sec-websocket-version")) == (426, "13")


async def test_what_is_sent_ahead_of_the_switch_arrives(gateway, upstream):
    """More than the gateway reads ahead: it waits in the client, and goes on when protocols are switched."""
    ahead = hashlib.shake_256(b"ahead").digest(MIB)
    got = asyncio.get_running_loop().create_future()

    async def switches_late(arrival):
        await asyncio.sleep(0.3)
        await arrival.peer.send(SWITCHED + b"welcome")
        got.set_result(await arrival.peer.reader.readexactly(len(ahead)))

    upstream.reset(switches_late)
    client = await gateway.connect()
    sending = asyncio.create_task(client.send(head(request("GET", "/raw/x", None, *UPGRADE)) + ahead))
    answer = await client.response()
    assert answer.status == 101
    assert (answer.get("connection").lower(), answer.get("upgrade")) == ("upgrade", "websocket")
    assert await client.reader.readexactly(7) == b"welcome"
    assert await asyncio.wait_for(got, PATIENCE) == ahead
    await sending


async def test_a_slow_end_slows_the_other_and_not_the_gateway(gateway, upstream):
    sent = 0

    async def pours(arrival):
        nonlocal sent
        await arrival.peer.send(SWITCHED)
        with contextlib.suppress(OSError):
            while sent < 64 * MIB:
                await arrival.peer.send(bytes(65536))
                sent += 65536

    upstream.reset(pours)
    await gateway.get("/health/live", "")
    before = gateway.rss()
    client = await gateway.connect(receive_buffer=65536)
    await client.send(head(request("GET", "/raw/x", None, *UPGRADE)))
    assert (await client.response()).status == 101
    client.writer.transport.pause_reading()
    held = await settled(lambda: sent)
    assert held < 24 * MIB, "the service is made to wait"
    assert gateway.rss() - before < 8 * MIB
    client.writer.transport.resume_reading()
    for _ in range(32):
        await asyncio.wait_for(client.reader.readexactly(MIB), PATIENCE)
    assert sent > held, "it goes on"
    client.reset()


async def test_an_idle_tunnel_stays_open(tmp_path):
    """None of the times of requests are times of tunnels."""
    times = dict.fromkeys(("KEEP_ALIVE_TIMEOUT", "HEADER_TIMEOUT", "BODY_TIMEOUT"), "1.5")
    brief = {"timeouts": dict.fromkeys(("response", "idle", "total"), 1.5)}
    async with (
        echoing() as (_, url),
        running_gateway(tmp_path, with_key(url, brief=brief), **times) as own,
        tunnel(own, "/brief") as socket,
    ):
        await asyncio.sleep(2.0)
        await socket.send("hello")
        assert await socket.recv() == "hello"


async def test_a_tunnel_is_no_pooled_connection(gateway, upstream):
    """When a tunnel has ended, nothing of it reaches the next request."""

    async def switches(arrival):
        if arrival.get("upgrade"):
            await arrival.peer.send(SWITCHED)
            await arrival.peer.rest()
        else:
            await arrival.answer()

    upstream.reset(switches)
    client = await gateway.connect()
    await client.send(head(request("GET", "/raw/x", None, *UPGRADE)))
    assert (await client.response()).status == 101
    await client.send(b"frames")
    client.close()
    await eventually(lambda: upstream.arrivals[0].left, "the tunnel's connection is closed")
    assert (await gateway.get("/raw/next")).status == 200
    assert upstream.arrivals[1].peer is not upstream.arrivals[0].peer


async def test_own_paths_take_no_websocket(gateway):
    for path in ("/ws", "/health", "/nowhere/x"):
        with pytest.raises(InvalidStatus) as refused:
            await tunnel(gateway, path)
        assert refused.value.response.status_code in (403, 404, 405, 426)
