"""What a client does before it knows what is behind its address. The rest are contracts, over both."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from redis.asyncio import ConnectionPool, UnixDomainSocketConnection
from redis.asyncio.client import PubSub
from redis.exceptions import AskError, ClusterDownError, MovedError, NoPermissionError, ResponseError
from redis.exceptions import ConnectionError as NotConnected

from brain_gateway.infrastructure.valkey import client as module
from brain_gateway.infrastructure.valkey.client import Client
from brain_gateway.infrastructure.valkey.cluster import Cluster
from brain_gateway.infrastructure.valkey.cluster_slots import SlotTable

pytestmark = pytest.mark.anyio

TABLE = SlotTable(((0, 16383, ("a", 1)),), frozenset({("a", 1)}))


@pytest.fixture
def anyio_backend():
    return "asyncio"


class Behind:
    """What `pools` lead to: a table, or an error; `asked` counts."""

    def __init__(self) -> None:
        self.pools: dict[ConnectionPool, object] = {}
        self.asked = 0
        self.wait: asyncio.Event | None = None

    async def ask(self, node) -> SlotTable:
        self.asked += 1
        found = self.pools[node.connection_pool]
        if self.wait is not None:
            await self.wait.wait()
        if isinstance(found, Exception):
            raise found
        return found


@pytest.fixture
def behind(monkeypatch):
    behind = Behind()
    monkeypatch.setattr(module, "ask_for_table", behind.ask)
    return behind


def pool(behind, found):
    made = ConnectionPool(host="h")
    behind.pools[made] = found
    return made


async def test_a_cluster_is_asked_for_once(behind):
    client = Client(pool(behind, TABLE))
    assert behind.asked == 0, "not before it is used"
    await client.initialize()
    await client.initialize()
    assert isinstance(client.router, Cluster)
    client.unsettle()
    await client.initialize()
    assert behind.asked == 1


@pytest.mark.parametrize("error", [ResponseError("no"), NoPermissionError("no"), ValueError("no")])
async def test_whoever_gives_no_table_is_one_server(behind, error):
    client = Client(pool(behind, error))
    await client.initialize()
    await client.initialize()
    assert (client.router, behind.asked) == (None, 1)
    client.unsettle()
    await client.initialize()
    assert behind.asked == 2


@pytest.mark.parametrize("error", [NotConnected("x"), ConnectionRefusedError()])
async def test_whoever_is_away_is_asked_again(behind, error):
    client = Client(pool(behind, error))
    with pytest.raises(type(error)):
        await client.initialize()
    behind.pools[client.connection_pool] = TABLE
    await client.initialize()
    assert client.router is not None


async def test_a_unix_socket_is_one_server(behind):
    client = Client(ConnectionPool(UnixDomainSocketConnection, path="/x"))
    await client.initialize()
    assert (client.router, behind.asked) == (None, 0)


async def test_it_is_led_elsewhere_while_it_asks(behind):
    """What the old address answers then says nothing of the new one."""
    client = Client(pool(behind, TABLE))
    behind.wait = asyncio.Event()
    asking = asyncio.create_task(client.initialize())
    await asyncio.sleep(0)
    other = pool(behind, ResponseError("no"))
    await client.lead_to(other)
    behind.wait.set()
    await asking
    assert client.router is None
    assert client.connection_pool is other
    assert behind.asked == 2


async def test_two_who_ask_at_once_get_one_router(behind):
    client = Client(pool(behind, TABLE))
    behind.wait = asyncio.Event()
    both = [asyncio.create_task(client.initialize()) for _ in range(2)]
    await asyncio.sleep(0)
    behind.wait.set()
    await both[0]
    router = client.router
    await both[1]
    assert client.router is router


async def test_the_connections_to_nodes_are_like_those_of_the_url(behind):
    made = ConnectionPool(host="h", port=1, username="u", password="p", socket_timeout=0.5)
    behind.pools[made] = TABLE
    client = Client(made)
    await client.initialize()
    home = await client.router.home()
    expected = {"host": "a", "port": 1, "username": "u", "password": "p", "socket_timeout": 0.5}
    assert expected.items() <= home.connection_kwargs.items()
    assert home.connection_class is made.connection_class


class Answers:
    """In place of a router."""

    def __init__(self, *answers) -> None:
        self.answers = list(answers)
        self.commands = []

    async def run(self, commands):
        self.commands.extend(words for words, _ in commands)
        return self.answers


async def many(behind, *answers) -> Client:
    client = Client(pool(behind, TABLE))
    await client.initialize()
    client.router = Answers(*answers)
    return client


async def test_commands_and_pipelines_go_to_the_router(behind):
    client = await many(behind, b"1")
    assert await client.get("a") == b"1"
    client.router.answers = [b"1", 2]
    async with client.pipeline(transaction=False) as pipe:
        pipe.get("a")
        pipe.incr("b")
        assert await pipe.execute() == [b"1", 2]
        assert len(pipe) == 0
    assert client.router.commands == [("GET", "a"), ("GET", "a"), ("INCRBY", "b", 1)]


async def test_errors_are_raised_or_answers(behind):
    error = ClusterDownError("x")
    client = await many(behind, error)
    with pytest.raises(ClusterDownError):
        await client.get("a")
    client.router.answers = [b"1", error]
    async with client.pipeline(transaction=False) as pipe:
        pipe.get("a").get("b")
        with pytest.raises(ClusterDownError):
            await pipe.execute()
        pipe.get("a").get("b")
        assert await pipe.execute(raise_on_error=False) == [b"1", error]


@pytest.mark.parametrize("error", [MovedError("1 b:1"), AskError("1 b:1")])
async def test_one_server_that_redirects_is_asked_again_what_it_is(behind, monkeypatch, error):
    async def execute(self, *words, **options):
        await asyncio.sleep(0)
        raise error

    monkeypatch.setattr(module.Redis, "execute_command", execute)
    client = Client(pool(behind, ResponseError("no")))
    for asked in (1, 2):
        with pytest.raises(type(error)):
            await client.get("a")
        assert behind.asked == asked


async def test_channels_are_heard_where_the_address_leads_by_then(behind, monkeypatch):
    connected = []

    async def connect(self):
        connected.append(self.connection_pool.connection_kwargs["host"])

    monkeypatch.setattr(PubSub, "connect", connect)
    client = Client(pool(behind, ResponseError("no")))
    channel = client.pubsub()
    await client.lead_to(pool(behind, TABLE))
    await channel.connect()
    assert connected == ["a"]
    await client.lead_to(pool(behind, ResponseError("no")))
    await channel.connect()
    assert connected == ["a", "h"]
    channel.connection = SimpleNamespace(deregister_connect_callback=lambda callback: None)
    await client.lead_to(pool(behind, TABLE))
    await channel.connect()
    assert connected == ["a", "h", "h"], "one that listens stays where it is"
