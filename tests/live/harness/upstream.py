"""A service that does with each request whatever a test says, and records every byte that reaches it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from tests.live.harness.wire import PATIENCE, Connection, Message, Recorder

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Arrival(Message):
    """A request whose head has come; its body is read when the script asks for it."""

    def __init__(self, peer: Connection, head: bytes) -> None:
        super().__init__(head)
        self.peer = peer

    async def read_body(self) -> bytes:
        """The body, without its framing."""
        await self.peer._body(self, until_close=False)
        return self.body

    async def answer(self, data: bytes = OK) -> None:
        """Read the body, then answer."""
        await self.read_body()
        await self.peer.send(data)

    @property
    def left(self) -> bool:
        """Whether the gateway has closed this request's connection."""
        return self.peer.reader.ended

    @property
    def target(self) -> str:
        """The request target."""
        return self.first_line.split(" ")[1]


Script = Callable[[Arrival], Awaitable[Any]]


async def says_ok(arrival: Arrival) -> None:
    """The script of services that have nothing else to do."""
    await arrival.answer()


def says(data: bytes) -> Script:
    """A script that reads a request and gives these bytes for it."""

    async def script(arrival: Arrival) -> None:
        await arrival.answer(data)

    return script


class Upstream:
    """Listens on `port`; each request of each connection is handed to `script`."""

    def __init__(self) -> None:
        self.port = 0
        self.script: Script = says_ok
        self.arrivals: list[Arrival] = []
        self.connections: list[Connection] = []
        self.script_errors: list[BaseException] = []
        self._arrived = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """As a target of a service."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def total(self) -> int:
        """Bytes that have come, over all connections."""
        return sum(peer.reader.total for peer in self.connections)

    def open_connections(self) -> int:
        """Connections that neither side has closed."""
        return sum(not (peer.reader.ended or peer.writer.is_closing()) for peer in self.connections)

    def reset(self, script: Script = says_ok) -> None:
        """Forget what came, and follow another script from the next request on."""
        self.script = script
        self.arrivals.clear()
        self.script_errors.clear()

    async def arrival(self, number: int = 1) -> Arrival:
        """The n-th request since the last reset, as soon as its head is here."""
        async with asyncio.timeout(PATIENCE):
            while len(self.arrivals) < number:
                self._arrived.clear()
                await self._arrived.wait()
        return self.arrivals[number - 1]

    def accept(self, reader: Recorder, writer: asyncio.StreamWriter) -> None:
        """A connection came."""
        peer = Connection(reader, writer)
        self.connections.append(peer)
        task = asyncio.get_running_loop().create_task(self._serve(peer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, peer: Connection) -> None:
        try:
            # The end of the connection, orderly or not, is the end of the work on it.
            with contextlib.suppress(EOFError, OSError):
                while not peer.writer.is_closing():
                    head = await peer.reader.readuntil(b"\r\n\r\n")
                    arrival = Arrival(peer, head)
                    self.arrivals.append(arrival)
                    self._arrived.set()
                    await self.script(arrival)
        except AssertionError as error:
            self.script_errors.append(error)
        finally:
            peer.writer.close()

    async def close(self) -> None:
        """Cancel what still runs, close what is still open."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for peer in self.connections:
            peer.writer.transport.abort()
        await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def scripted_upstream(
    tls: Any = None, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[Upstream]:
    """A service on a port of its own, unless one is given."""
    upstream = Upstream()
    loop = asyncio.get_running_loop()

    def factory() -> asyncio.Protocol:
        return asyncio.StreamReaderProtocol(Recorder(), upstream.accept)  # type: ignore[arg-type]  # it is a Recorder

    server = await loop.create_server(factory, host, port, ssl=tls, backlog=4096)
    upstream.port = server.sockets[0].getsockname()[1]
    try:
        yield upstream
    finally:
        server.close()
        await upstream.close()
