"""The head of the request that a service gets (RFC 9110 section 7.6, RFC 7239, W3C Trace Context)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brain_gateway.domain.http import fields
from brain_gateway.domain.http.fields import value_of
from brain_gateway.domain.http.requests import CHUNKED, RequestFields, host_line, without

if TYPE_CHECKING:
    from brain_gateway.application.gateway.exchange import ClientAddress, Exchange
    from brain_gateway.application.gateway.lanes import Lane

VIA = b"Via: 1.1 brain-gateway"
_CRLF = b"\r\n"


def build(exchange: Exchange) -> bytes:
    """All of it, the closing empty line included; made anew for each attempt, since Host follows the target."""
    head = exchange.head
    line = head.line
    block = head.fields
    lane = exchange.lane
    entry = lane.entry
    client = exchange.client
    path = entry.prefix + line.rest if entry.prefix else _rooted(line.rest)
    parts = [line.method, b" ", path, b" HTTP/1.1\r\n"]
    parts += _host(exchange) if entry.own_host else (exchange.target.host_line,)
    parts.append(block.joined if lane.session.forwards_credentials else _without_credentials(block))
    if exchange.id_line:
        parts += (exchange.id_line, _CRLF)
    parts += (exchange.trace_line, _CRLF)
    if block.unusual:
        parts += _framing(exchange)
    known = client.tail_block is block and client.tail_lane is lane and not line.authority
    parts.append(client.tail if known else _tail(exchange))
    return b"".join(parts)


def _rooted(rest: bytes) -> bytes:
    """A path for a service without prefix."""
    return rest if rest[:1] == b"/" else b"/" + rest


def _host(exchange: Exchange) -> tuple[bytes, ...]:
    """A service's own Host: a fixed one, or the client's where it sent one."""
    entry = exchange.lane.entry
    line = entry.host_line or host_line(exchange.head)
    return (line, _CRLF) if line else (exchange.target.host_line,)


def _without_credentials(block: RequestFields) -> bytes:
    """An API key that came as a bearer token is the gateway's secret; what comes beside X-API-Key is the service's."""
    if fields.API_KEY in block.special:
        return block.joined
    return b"".join(line + _CRLF for line in without(block.lines, {b"authorization"}))


def _framing(exchange: Exchange) -> list[bytes]:
    parts = []
    if exchange.head.fields.length == CHUNKED:
        parts.append(b"Transfer-Encoding: chunked\r\n")
    if exchange.upgrading:
        parts += (b"Connection: Upgrade\r\n", exchange.head.fields.special[fields.UPGRADE], _CRLF)
    return parts


def _tail(exchange: Exchange) -> bytes:
    """Who asks and whom they speak for; kept for a connection that goes on asking the same host for the same caller."""
    client, lane, head = exchange.client, exchange.lane, exchange.head
    host = host_line(head)
    if client.trusted and fields.FORWARDED in head.special:
        return _closed(lane, _chained(exchange))
    if client.tail_lane is not lane or client.tail_host != host:
        client.tail_lane, client.tail_host, client.tail = lane, host, _closed(lane, _forwarded(client, host))
    client.tail_block = None if head.line.authority or client.trusted else head.fields
    return client.tail


def _closed(lane: Lane, forwarded: list[bytes]) -> bytes:
    return _CRLF.join([*forwarded, *lane.identity, VIA, b"", b""])


def _node(client: ClientAddress) -> str:
    """A node identifier (RFC 7239 section 6): IPv6 in brackets, and so in quotes."""
    return f'"[{client.address}]"' if ":" in client.address else client.address


def _forwarded(client: ClientAddress, host: bytes) -> list[bytes]:
    """What is told of a client that no trusted proxy stands before."""
    name = value_of(host) if host else b""
    told = f"for={_node(client)};proto={client.scheme}".encode()
    lines = [
        b"X-Forwarded-For: " + client.address.encode(),
        b"X-Forwarded-Proto: " + client.scheme.encode(),
    ]
    if name:
        lines.append(b"X-Forwarded-Host: " + name)
        told += b';host="' + name + b'"'
    return [*lines, b"Forwarded: " + told]


def _chained(exchange: Exchange) -> list[bytes]:
    """The lines of a trusted proxy, with this hop added to the lists (RFC 7239 section 4)."""
    head = exchange.head
    own = {line.partition(b":")[0].lower(): line for line in _forwarded(exchange.client, host_line(head))}
    lines: dict[bytes, bytes] = {}
    for line in (*head.fields.more_forwarded, head.special[fields.FORWARDED]):
        name = line.partition(b":")[0].lower()
        lines[name] = lines[name] + b", " + value_of(line) if name in lines else line
    for name in (b"x-forwarded-for", b"forwarded"):
        lines[name] = lines[name] + b", " + value_of(own[name]) if name in lines else own[name]
    return [*lines.values(), *(line for name, line in own.items() if name not in lines)]
