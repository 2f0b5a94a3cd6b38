"""Requests as they come over the wire."""

from __future__ import annotations

from brain_gateway.application.gateway.exchange import ClientAddress
from brain_gateway.domain.http.requests import Request, RequestParser, together

HOST = "Host: gw.example"


def wire(
    first: str = "GET /shop/items HTTP/1.1", *fields: str, host: str | None = HOST, body: bytes = b""
) -> bytes:
    """A request's bytes; `host` is the first field unless it is None."""
    lines = [first, *([host] if host else []), *fields, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def parse_head(data: bytes, parser: RequestParser | None = None) -> Request:
    """The head of the request that `data` begins with."""
    parser = parser or RequestParser()
    block, _, _ = data.partition(b"\r\n\r\n")
    line, separator, fields = block.partition(b"\r\n")
    return together(parser.line(line), parser.fields(separator + fields))


def head(first: str = "GET /shop/items HTTP/1.1", *fields: str, host: str | None = HOST) -> Request:
    """A parsed head."""
    return parse_head(wire(first, *fields, host=host))


def client(address: str = "203.0.113.9", scheme: str = "http", trusted: bool = False) -> ClientAddress:
    """The other end of a connection."""
    return ClientAddress(address, 40000, scheme, trusted)
