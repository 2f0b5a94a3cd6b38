"""Pools: connections are made, used again last in first out, and closed."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import replace

import pytest

from brain_gateway.application.gateway.exchange import Exchange
from brain_gateway.application.gateway.metrics_collector import MetricsCollector
from brain_gateway.domain import errors
from brain_gateway.domain.routing.target import Target
from brain_gateway.infrastructure.upstream.connection import UpstreamProtocol
from brain_gateway.infrastructure.upstream.pool import LONGEST_IDLE, TargetPool, TargetPools
from tests.builders.gateway import FakeGateway
from tests.fakes.address_guard import KnownAddresses
from tests.fakes.manual_clock import ManualClock
from tests.fakes.response_sink import KeptResponse
from tests.fakes.transport import FakeTransport

pytestmark = pytest.mark.anyio
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Network:
    """Stands for the loop's create_connection: `made` has each transport, `asked` where to, `names` for whom by TLS;
    `refuse` is raised instead.

    `gate` is what connecting waits for; `meanwhile` happens between the connection and the moment when its maker
    hears of it.
    """

    def __init__(self) -> None:
        self.made: list[FakeTransport] = []
        self.asked: list[tuple[str, int, object]] = []
        self.names: list[str | None] = []
        self.refuse: Exception | None = None
        self.gate: asyncio.Event | None = None
        self.meanwhile: Callable[[FakeTransport], None] | None = None

    async def create_connection(
        self,
        factory: Callable[[], UpstreamProtocol],
        host: str,
        port: int,
        *,
        ssl: object = None,
        server_hostname: str | None = None,
    ) -> tuple[FakeTransport, UpstreamProtocol]:
        self.asked.append((host, port, ssl))
        self.names.append(server_hostname)
        if self.gate is not None:
            await self.gate.wait()
        if self.refuse is not None:
            raise self.refuse
        protocol = factory()
        transport = FakeTransport(protocol)
        self.made.append(transport)
        protocol.connection_made(transport)
        if self.meanwhile is not None:
            self.meanwhile(transport)
            await asyncio.sleep(0)
        return transport, protocol


class World:
    """Pools among fakes."""

    def __init__(self, most_idle: int = 2) -> None:
        self.clock = ManualClock()
        self.metrics = MetricsCollector()
        self.network = Network()
        self.guard = KnownAddresses()
        self.gateway = FakeGateway()
        self.pools = TargetPools(most_idle, self.clock, self.metrics, self.guard)
        self.pool = self.pools.pool(Target.parse("http://shop:9000"), 5.0)

    def send(self, *fields: str) -> tuple[Exchange, KeptResponse]:
        exchange = self.gateway.admitted(*fields)
        sink = KeptResponse()
        exchange.sink = sink
        self.pool.send(exchange)
        return exchange, sink

    async def sent(self, count: int = 1) -> list[FakeTransport]:
        """So many requests at once, on a connection each."""
        for _ in range(count):
            self.send()
        await settle()
        return self.network.made[-count:]

    def answer(self, *transports: FakeTransport) -> None:
        for transport in transports:
            transport.protocol.data_received(OK)

    def sweep(self, seconds: float) -> None:
        self.clock.tick(seconds)
        self.pools.sweep(self.clock.now)


async def settle() -> None:
    for _ in range(8):
        await asyncio.sleep(0)


@pytest.fixture
async def world(monkeypatch):
    world = World()
    monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", world.network.create_connection)
    return world


async def test_a_request_waits_for_its_connection(world):
    world.network.gate = asyncio.Event()
    exchange, sink = world.send("Content-Length: 3")
    await settle()
    exchange.connection.write_body(b"held by the exchange")
    exchange.connection.end_body()
    exchange.connection.tunnel(b"")
    exchange.connection.pause_reading()
    exchange.connection.resume_reading()
    assert (exchange.wire_sent, world.pool.open, world.network.asked) == (False, 0, [("shop", 9000, None)])
    world.clock.tick(0.3)
    world.network.gate.set()
    await settle()
    assert (exchange.wire_sent, world.pool.open, world.pool.idle) == (True, 1, 0)
    assert world.network.made[0].written.startswith(b"GET /api/items HTTP/1.1\r\n")
    assert (sink.events, world.metrics.connect_seconds) == (["connected"], pytest.approx(0.3))


async def test_the_last_used_is_used_first(world):
    first, second = await world.sent(2)
    world.answer(first, second)
    assert (world.pool.idle, world.pool.open) == (2, 2)
    first.take(), second.take()
    world.send()
    assert (first.written, world.pool.idle) == (b"", 1)
    assert second.written
    world.send()
    assert first.written
    assert (world.pool.idle, world.pool.open, len(world.network.made)) == (0, 2, 2)


async def test_more_idle_connections_than_wanted_are_closed(world):
    transports = await world.sent(3)
    world.answer(*transports)
    assert [transport.closed for transport in transports] == [False, False, True]
    assert world.pool.idle == 2
    transports[2].lose()
    assert world.pool.open == 2


async def test_a_connection_that_dies_while_idle_is_forgotten(world):
    first, second = await world.sent(2)
    world.answer(first, second)
    second.lose()
    assert (world.pool.idle, world.pool.open) == (1, 1)
    first.take()
    world.send()
    assert first.written


@pytest.mark.parametrize("end", ["garbage", "closing"])
async def test_a_connection_that_is_closing_is_not_used_again(world, end):
    (transport,) = await world.sent()
    world.answer(transport)
    transport.take()
    if end == "garbage":
        transport.protocol.data_received(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
    else:
        transport.close()  # the other side has closed; connection_lost comes in the loop's next round
    exchange, _ = world.send()
    await settle()
    assert transport.written == b""
    assert len(world.network.made) == 2
    assert exchange.connection is world.network.made[1].protocol


FAILURES = [
    (ConnectionRefusedError(), errors.UpstreamUnreachable),
    (OSError(113, "no route to host"), errors.UpstreamUnreachable),
    (ssl.SSLError("certificate verify failed"), errors.UpstreamUnreachable),
    (TimeoutError(), errors.UpstreamTimeout),
]


@pytest.mark.parametrize(("refusal", "expected"), FAILURES)
async def test_a_connection_that_cannot_be_made(world, refusal, expected):
    world.network.refuse = refusal
    exchange, sink = world.send()
    await settle()
    assert (type(sink.failure), sink.answered, exchange.connection, exchange.wire_sent) == (
        expected,
        False,
        None,
        False,
    )
    assert (world.pool.open, world.metrics.connect_failures) == (0, 1)
    assert str(refusal) == "" or str(refusal) not in sink.failure.detail


async def test_connecting_has_its_time(world, monkeypatch):
    limits: list[float | None] = []
    real = asyncio.timeout
    monkeypatch.setattr(
        asyncio, "timeout", lambda seconds: limits.append(seconds) or real(0 if seconds else None)
    )
    world.network.gate = asyncio.Event()
    _, sink = world.send()
    await settle()
    assert (type(sink.failure), limits) == (errors.UpstreamTimeout, [5.0])
    world.pool.connect_timeout = 0.0  # none
    _, sink = world.send()
    await settle()
    assert (sink.failure, limits) == (None, [5.0, None])
    world.network.gate.set()
    await settle()


async def test_an_exchange_that_gave_up_while_connecting_hears_no_more(world):
    world.network.gate = asyncio.Event()
    exchange, sink = world.send()
    await settle()
    exchange.connection.abort()
    await settle()
    assert (sink.events, world.pool.open, world.network.made) == ([], 0, [])


async def test_giving_up_just_when_the_connection_is_made_leaves_nothing_behind(world):
    exchange, sink = world.send()
    world.network.meanwhile = lambda transport: exchange.connection.abort()
    await settle()
    (transport,) = world.network.made
    assert (sink.events, transport.written) == ([], b"")
    assert transport.is_closing()
    transport.lose()
    assert world.pool.open == 0


async def test_a_connection_lost_before_its_request_is_told(world):
    world.network.meanwhile = lambda transport: transport.lose(ConnectionResetError())
    exchange, sink = world.send()
    await settle()
    assert isinstance(sink.failure, errors.UpstreamUnreachable)
    assert (sink.answered, exchange.wire_sent, world.pool.open) == (False, False, 0)


async def test_the_sweep_closes_what_was_idle_too_long(world):
    old, new = await world.sent(2)
    world.answer(old)
    world.sweep(LONGEST_IDLE - 10)
    world.answer(new)
    world.sweep(9)
    assert not old.closed
    world.sweep(2)
    assert (old.closed, new.closed, world.pool.idle) == (True, False, 1)
    world.sweep(LONGEST_IDLE)
    assert new.closed


async def test_busy_connections_are_not_swept(world):
    (transport,) = await world.sent()
    world.sweep(10 * LONGEST_IDLE)
    assert not transport.is_closing()


async def test_a_closed_pool_lets_the_busy_finish_and_is_forgotten(world):
    idle, busy = await world.sent(2)
    world.answer(idle)
    world.pool.close()
    assert (idle.closed, busy.is_closing(), world.pool.idle, world.pool.finished) == (True, False, 0, False)
    world.answer(busy)
    assert busy.closed
    idle.lose(), busy.lose()
    assert (world.pool.finished, world.pool.open) == (True, 0)
    assert world.pool in world.pools._pools
    world.sweep(2)
    assert world.pool not in world.pools._pools


async def test_all_pools_are_closed_at_the_end(world):
    other = world.pools.pool(Target.parse("http://crm:9000"), 5.0)
    (idle,) = await world.sent()
    world.answer(idle)
    world.pools.close()
    assert idle.closed
    assert (world.pool.finished, other.finished) == (False, True)


async def test_tls_is_for_https_alone_and_verifies(world):
    plain, secure = (
        world.pools.pool(Target.parse(f"{scheme}://shop:1"), 5.0) for scheme in ("http", "https")
    )
    for pool in (plain, secure):
        world.pool = pool
        world.send()
        await settle()
    (_, _, none), (_, _, context) = world.network.asked
    assert none is None
    assert isinstance(context, ssl.SSLContext)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


async def test_pools_are_apart(world):
    (transport,) = await world.sent()
    world.answer(transport)
    other = world.pools.pool(Target.parse("http://shop:9000"), 5.0)
    assert isinstance(other, TargetPool)
    assert (world.pool.idle, other.idle) == (1, 0)


async def test_tls_asks_for_the_name_of_a_target_and_not_for_its_address(world):
    for target in (Target("https", "10.0.0.5", 1, server_name="shop.example"), Target("https", "shop", 1)):
        world.pool = world.pools.pool(target, 5.0)
        world.send()
        await settle()
    assert [host for host, _, _ in world.network.asked] == ["10.0.0.5", "shop"]
    assert world.network.names == ["shop.example", "shop"]


async def test_a_guarded_target_is_connected_to_where_a_tenant_may_send(world):
    world.guard.addresses["files.example"] = "93.184.216.34"
    target = replace(Target.parse("https://files.example"), guarded=True)
    world.pool = world.pools.pool(target, 5.0)
    await world.sent()
    assert [place[:2] for place in world.network.asked] == [("93.184.216.34", 443)]
    assert world.network.names == ["files.example"]


async def test_a_guarded_target_that_is_an_inner_address_is_not_connected_to(world):
    world.pool = world.pools.pool(replace(Target.parse("http://rebound.example"), guarded=True), 5.0)
    _, sink = world.send()
    await settle()
    assert (world.network.asked, world.guard.asked) == ([], ["rebound.example"])
    assert isinstance(sink.failure, errors.UpstreamUnreachable)
