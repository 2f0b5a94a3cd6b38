"""The connections to one target: the last used is used first, so that a quiet pool shrinks."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING

from brain_gateway.domain.errors import UpstreamTimeout, UpstreamUnreachable
from brain_gateway.infrastructure.upstream.connection import UpstreamProtocol

if TYPE_CHECKING:
    from brain_gateway.application.gateway.exchange import Exchange
    from brain_gateway.application.gateway.metrics_collector import MetricsCollector
    from brain_gateway.application.ports.address_guard import AddressGuard
    from brain_gateway.domain.routing.target import Target

SWEEP_INTERVAL = 1.0  # seconds
LONGEST_IDLE = 50.0  # seconds; below the 60 and 75 s after which common servers close


class Connecting:
    """An exchange's connection while it is being made: it can only be given up."""

    def __init__(self, task: asyncio.Task[None]) -> None:
        self._task = task

    def abort(self) -> None:
        """Stop connecting."""
        self._task.cancel()

    def write_body(self, piece: bytes) -> None:
        """Bodies are held by the exchange until there is a connection."""

    def end_body(self) -> None:
        """As write_body."""

    def tunnel(self, data: bytes) -> None:
        """There is none yet."""

    def pause_reading(self) -> None:
        """There is nothing to read yet."""

    def resume_reading(self) -> None:
        """There is nothing to read yet."""


class TargetPool:
    """At most `most_idle` connections wait for work; `clock` is monotonic seconds."""

    def __init__(
        self,
        target: Target,
        connect_timeout: float,
        most_idle: int,
        clock: Callable[[], float],
        metrics: MetricsCollector,
        tls: ssl.SSLContext | None,
        guard: AddressGuard,
    ) -> None:
        self._guard = guard
        self._target = target
        self.connect_timeout = connect_timeout
        self._most_idle = most_idle
        self._clock = clock
        self._metrics = metrics
        self._tls = tls
        self._idle: list[UpstreamProtocol] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False
        self.now = clock()  # of the last sweep: near enough for idle times, and free
        self.open = 0

    @property
    def idle(self) -> int:
        """Connections waiting for work."""
        return len(self._idle)

    @property
    def finished(self) -> bool:
        """Closed, and nothing is left of it."""
        return self._closing and not self.open and not self._tasks

    def send(self, exchange: Exchange) -> None:
        """Carry the exchange on an idle connection, or on a new one."""
        idle = self._idle
        while idle:
            connection = idle.pop()
            if not connection.transport.is_closing():
                connection.start(exchange)
                return
        task = asyncio.get_running_loop().create_task(self._connect(exchange))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        exchange.connection = Connecting(task)

    async def _connect(self, exchange: Exchange) -> None:
        began, target = self._clock(), self._target
        connection = UpstreamProtocol(self)
        try:
            async with asyncio.timeout(self.connect_timeout or None):
                host = await self._guard.address_of(target) if target.guarded else target.host
                await asyncio.get_running_loop().create_connection(
                    lambda: connection,
                    host,
                    target.port,
                    ssl=self._tls,
                    server_hostname=target.server_name if self._tls else None,
                )
        except TimeoutError:
            self._failed(exchange, UpstreamTimeout("no connection to the service within its time"))
        except (OSError, ssl.SSLError, UpstreamUnreachable):
            self._failed(exchange, UpstreamUnreachable("no connection to the service"))
        except asyncio.CancelledError:
            connection.discard()
            raise
        else:
            self._metrics.connected(self._clock() - began)
            if connection.closed:
                self._failed(exchange, UpstreamUnreachable("the service closed the connection at once"))
            else:
                connection.start(exchange)

    def made(self, connection: UpstreamProtocol) -> None:
        """A connection is open."""
        self.open += 1

    def _failed(self, exchange: Exchange, error: UpstreamTimeout | UpstreamUnreachable) -> None:
        self._metrics.connect_failures += 1
        exchange.connection = None
        exchange.sink.on_failure(error, False)

    def release(self, connection: UpstreamProtocol) -> None:
        """A connection has done its work."""
        if self._closing or len(self._idle) >= self._most_idle:
            connection.transport.close()
            return
        connection.idle_since = self.now
        self._idle.append(connection)

    def lost(self, connection: UpstreamProtocol) -> None:
        """A connection is closed."""
        self.open -= 1
        if connection in self._idle:
            self._idle.remove(connection)

    def sweep(self, now: float) -> None:
        """Close what has been idle too long; the oldest are first."""
        self.now = now
        idle = self._idle
        while idle and now - idle[0].idle_since > LONGEST_IDLE:
            idle.pop(0).transport.close()

    def close(self) -> None:
        """Close the idle connections; the busy ones close when they are done."""
        self._closing = True
        for connection in self._idle:
            connection.transport.close()
        self._idle.clear()


class TargetPools:
    """Makes pools, sweeps them, and closes them all at the end."""

    def __init__(
        self, most_idle: int, clock: Callable[[], float], metrics: MetricsCollector, guard: AddressGuard
    ) -> None:
        self._guard = guard
        self._most_idle = most_idle
        self._clock = clock
        self._metrics = metrics
        self._pools: list[TargetPool] = []
        self._tls: ssl.SSLContext | None = None
        self._swept = 0.0

    def pool(self, target: Target, connect_timeout: float) -> TargetPool:
        """A new pool; nothing is connected yet."""
        if target.scheme == "https" and self._tls is None:
            self._tls = ssl.create_default_context()
        tls = self._tls if target.scheme == "https" else None
        pool = TargetPool(
            target, connect_timeout, self._most_idle, self._clock, self._metrics, tls, self._guard
        )
        self._pools.append(pool)
        return pool

    def sweep(self, now: float) -> None:
        """Close idle connections everywhere, and forget pools that are closed and empty; once a second is enough."""
        if now - self._swept < SWEEP_INTERVAL:
            return
        self._swept = now
        for pool in self._pools:
            pool.sweep(now)
        self._pools = [pool for pool in self._pools if not pool.finished]

    def close(self) -> None:
        """Close every pool."""
        for pool in self._pools:
            pool.close()
