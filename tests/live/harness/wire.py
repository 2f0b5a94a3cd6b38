"""One connection, seen from either side: bytes go out as they are, messages come in parsed and recorded."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

PATIENCE = 60.0  # seconds after which a test that waits has failed: long, for a machine that others use too
MOST_RECORDED = 1 << 20
_BODILESS = (204, 304)


class Recorder(asyncio.StreamReader):
    """A reader that keeps what came (the first MiB of it) and counts the rest."""

    def __init__(self) -> None:
        super().__init__(limit=1 << 20)
        self.record = bytearray()
        self.total = 0
        self.ended = False

    def feed_data(self, data: bytes) -> None:  # type: ignore[override]  # transports hand over bytes
        """Called by the transport."""
        self.total += len(data)
        if len(self.record) < MOST_RECORDED:
            self.record += data
        super().feed_data(data)

    def feed_eof(self) -> None:
        """Called at the orderly end of the connection."""
        self.ended = True
        super().feed_eof()

    def set_exception(self, exc: Exception | Callable[[], Exception]) -> None:
        """Called when the connection broke."""
        self.ended = True
        super().set_exception(exc)  # type: ignore[arg-type]  # typeshed knows one of the two


@dataclass
class Message:
    """A request or response: its first line, its fields in order, its body without framing."""

    head: bytes
    body: bytes = b""
    raw_body: bytes = b""
    framing: str = "none"  # none, length, chunked, close
    interim: list[Message] = field(default_factory=list)

    @property
    def first_line(self) -> str:
        """Without its CRLF."""
        return self.head.partition(b"\r\n")[0].decode("latin-1")

    @property
    def fields(self) -> list[tuple[str, str]]:
        """Names as sent, values stripped."""
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        pairs = (line.partition(":") for line in lines if line)
        return [(name, value.strip(" \t")) for name, _, value in pairs]

    def all(self, name: str) -> list[str]:
        """The values of one field, in order."""
        return [value for found, value in self.fields if found.lower() == name.lower()]

    def get(self, name: str) -> str:
        """The only value of a field, or an empty text."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times: {values}"
        return values[0] if values else ""

    @property
    def status(self) -> int:
        """Of a response."""
        return int(self.first_line.split(" ")[1])

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Connection:
    """A stream with a Recorder under it."""

    def __init__(self, reader: Recorder, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    # Out

    async def send(self, data: bytes | str) -> None:
        """Write, and wait until the transport has taken it."""
        self.writer.write(data.encode("latin-1") if isinstance(data, str) else data)
        await asyncio.wait_for(self.writer.drain(), PATIENCE)

    def finish(self) -> None:
        """Half-close: no more will be sent."""
        self.writer.write_eof()

    def close(self) -> None:
        """Close in an orderly way."""
        self.writer.close()

    def reset(self) -> None:
        """Vanish: the other side gets a RST."""
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    # In

    async def head(self) -> bytes:
        """A head up to its empty line. Raises EOFError when the connection ends before it."""
        found: bytes = await self._within(self.reader.readuntil(b"\r\n\r\n"))
        return found

    async def request(self) -> Message:
        """A request with its body."""
        message = Message(await self.head())
        await self._body(message, until_close=False)
        return message

    async def response(self, method: str = "GET", interim: int = 0) -> Message:
        """The final response to a request; `interim`: come back after so many 1xx instead."""
        passed: list[Message] = []
        while True:
            message = Message(await self.head())
            if message.status >= 200 or message.status == 101:
                break
            passed.append(message)
            if len(passed) == interim:
                return message
        message.interim = passed
        if message.status != 101 and message.status not in _BODILESS and method != "HEAD":
            await self._body(message, until_close=True)
        return message

    async def _body(self, message: Message, until_close: bool) -> None:
        if message.get("transfer-encoding"):
            message.framing = "chunked"
            message.raw_body, message.body = await self._within(self._chunked())
        elif message.get("content-length"):
            message.framing = "length"
            length = int(message.get("content-length"))
            message.raw_body = message.body = await self._within(self.reader.readexactly(length))
        elif until_close:
            message.framing = "close"
            message.raw_body = message.body = await self._within(self.reader.read())

    async def _chunked(self) -> tuple[bytes, bytes]:
        raw, body = bytearray(), bytearray()
        while True:
            line = await self.reader.readuntil(b"\r\n")
            raw += line
            size = int(line.partition(b";")[0], 16)
            if size == 0:
                break
            chunk = await self.reader.readexactly(size + 2)
            assert chunk[-2:] == b"\r\n", "a chunk does not end where its size says"
            raw += chunk
            body += chunk[:-2]
        while True:
            line = await self.reader.readuntil(b"\r\n")
            raw += line
            if line == b"\r\n":
                return bytes(raw), bytes(body)

    async def rest(self) -> bytes:
        """Everything up to the end of the connection, whether orderly or not."""
        data = bytearray()
        with contextlib.suppress(ConnectionError):
            while piece := await self._within(self.reader.read(1 << 16)):
                data += piece
        return bytes(data)

    async def ended(self) -> bool:
        """Whether the other side ends the connection without another byte."""
        return await self.rest() == b""

    async def _within(self, awaitable: Any) -> Any:
        return await asyncio.wait_for(awaitable, PATIENCE)


async def open_connection(
    port: int, *, source: str = "127.0.0.1", receive_buffer: int = 0, tls: Any = None
) -> Connection:
    """Connect to a port of loopback, from any address of loopback."""
    raw = socket.socket()
    raw.setblocking(False)
    if receive_buffer:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    raw.bind((source, 0))
    loop = asyncio.get_running_loop()
    try:
        await asyncio.wait_for(loop.sock_connect(raw, ("127.0.0.1", port)), PATIENCE)
    except BaseException:  # whatever went wrong: the socket is not left open
        raw.close()
        raise
    reader = Recorder()
    protocol = asyncio.StreamReaderProtocol(reader)
    transport, _ = await loop.create_connection(
        lambda: protocol, sock=raw, ssl=tls, server_hostname="127.0.0.1" if tls else None
    )
    return Connection(reader, asyncio.StreamWriter(transport, protocol, reader, loop))
