"""A name server on loopback, over UDP and TCP, that says what a test tells it."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

SMALL = 512  # bytes of an answer to somebody who does not say that he takes more


class DnsServer:
    """`records`: what each (name, type) holds, as text; `ttl`: of all of them, seconds. `silent`: no answers any more.

    `broken`: SERVFAIL. `along`: (name, type) that are told unasked. `asked`: the questions, oldest first.
    """

    def __init__(self) -> None:
        self.port = 0
        self.ttl = 1
        self.records: dict[tuple[str, str], list[str]] = {}
        self.along: list[tuple[str, str]] = []
        self.silent = self.broken = False
        self.asked: list[tuple[str, str]] = []
        self.by_tcp = 0

    @property
    def address(self) -> str:
        """As DNS_RESOLVER takes it."""
        return f"127.0.0.1:{self.port}"

    def set(self, name: str, kind: str, *values: str) -> None:
        """What a name holds from now on; nothing: it is there, and has no such record."""
        self.records[name, kind] = list(values)

    def forget(self, name: str) -> None:
        """There is no such name any more."""
        self.records = {key: values for key, values in self.records.items() if key[0] != name}

    def answer(self, wire: bytes, most: int | None = None) -> bytes | None:
        """The answer to a message; `most`: its longest, where the message does not say."""
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name, kind = question.name.to_text().removesuffix("."), dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        if self.silent:
            return None
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if self.broken:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif not self._fill(response, name, kind):
            response.set_rcode(dns.rcode.NXDOMAIN)
        room = None if most is None else max(most, query.payload)
        found: bytes = response.to_wire(max_size=65535)
        if room is not None and len(found) > room:
            response.answer, response.additional = [], []
            response.flags |= dns.flags.TC
            found = response.to_wire()
        return found

    def _fill(self, response: dns.message.Message, name: str, kind: str) -> bool:
        for _ in range(8):
            self._add(response.answer, name, kind)
            alias = self.records.get((name, "CNAME"))
            if not alias:
                break
            self._add(response.answer, name, "CNAME")
            name = alias[0].removesuffix(".")
        for other, sort in self.along:
            self._add(response.additional, other, sort)
        return any(known == name for known, _ in self.records)

    def _add(self, section: list[dns.rrset.RRset], name: str, kind: str) -> None:
        values = self.records.get((name, kind))
        if values:
            section.append(dns.rrset.from_text_list(f"{name}.", self.ttl, "IN", kind, values))


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, server: DnsServer) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        found = self._server.answer(data, SMALL)
        if found is not None:
            self._transport.sendto(found, addr)  # type: ignore[attr-defined]  # it is a DatagramTransport


@contextlib.asynccontextmanager
async def dns_server() -> AsyncIterator[DnsServer]:
    """A server that knows nothing yet."""
    server = DnsServer()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(EOFError, OSError):
            (length,) = struct.unpack("!H", await reader.readexactly(2))
            found = server.answer(await reader.readexactly(length))
            server.by_tcp += 1
            if found is not None:
                writer.write(struct.pack("!H", len(found)) + found)
                await writer.drain()
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Udp(server), local_addr=("127.0.0.1", server.port)
    )
    try:
        yield server
    finally:
        transport.close()
        listener.close()
        await listener.wait_closed()
