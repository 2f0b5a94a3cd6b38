"""The ASGI entry: the same RequestRouter and the same upstream for any ASGI server, and for test clients.

It costs a scope, a task and a queue per request; `protocol.py` is the fast way. WebSockets are tunnelled by the
protocol entry alone: ASGI shows messages, not the connection. The server in front must not rewrite `scope["client"]`
from headers (uvicorn: `--no-proxy-headers`), and what it makes of trailers is its own affair.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import quote

from brain_gateway.api.edge.asgi_exchange import AsgiExchange, send_answer
from brain_gateway.api.edge.dispatch import own_answer_to, status_of
from brain_gateway.application.gateway.deferred import Deferred
from brain_gateway.application.gateway.exchange import ClientAddress, Exchange, Refusal, Reply
from brain_gateway.application.gateway.forwarding import plain_address
from brain_gateway.domain.errors import (
    CallerError,
    HeadersTooLarge,
    MethodNotAllowed,
    NotImplementedByGateway,
    VersionNotSupported,
)
from brain_gateway.domain.http.requests import UNREAD, Request, together

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

    from brain_gateway.api.edge.runtime import EdgeRuntime

# HTTP/2 and 3 are read by the server in front; their requests are HTTP/1.1 requests from here on.
_VERSIONS = {"1.0": b"HTTP/1.0", "1.1": b"HTTP/1.1", "2": b"HTTP/1.1", "3": b"HTTP/1.1"}

_FRAMED_BELOW = ("2", "3")  # whose bodies need no field to announce them


class AsgiProxy:
    """An ASGI application that proxies every HTTP request it gets."""

    def __init__(self, runtime: EdgeRuntime) -> None:
        self._runtime = runtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "websocket":
            await send(
                {"type": "websocket.close", "code": 1011, "reason": "served by the protocol entry alone"}
            )
            return
        client = self._client(scope)
        first: Message | None = None
        if scope.get("http_version") in _FRAMED_BELOW and not _announced(scope["headers"]):
            first = await receive()  # whether there is a body, only the body tells
        try:
            head = self._head(scope, _has_body(first))
            admitted = await self._admit(head, client)
        except CallerError as error:
            await self._answer(Refusal(error), None, client, send)
            return
        if isinstance(admitted, Exchange):
            await AsgiExchange(self._runtime, admitted).run(_again(first, receive), send)
        else:
            await self._answer(admitted, head, client, send)

    def _client(self, scope: Scope) -> ClientAddress:
        address, port = scope.get("client") or ("127.0.0.1", 0)
        try:
            address = plain_address(str(ip_address(address)))
        except ValueError:
            address = "unknown"  # RFC 7239 section 6.2: a server in front may say anything
        scheme = scope.get("scheme", "http")
        known = scheme if scheme in ("http", "https") else "http"
        return ClientAddress(address, port, known, self._runtime.trusts(address))

    def _head(self, scope: Scope, chunked: bool) -> Request:
        """The head as it would have come over the wire, read by the same parser."""
        path = scope.get("raw_path") or quote(scope["path"], safe="/!$&'()*+,;=:@~-._").encode("ascii")
        query = scope.get("query_string", b"")
        target = path + b"?" + query if query else path
        version = _VERSIONS.get(scope.get("http_version", "1.1"))
        if version is None:
            raise VersionNotSupported("the gateway speaks HTTP/1.1 and HTTP/1.0")
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        lines = b"".join(b"\r\n%b: %b" % (name, value) for name, value in headers)
        if chunked:
            lines += b"\r\ntransfer-encoding: chunked"
        most = self._runtime.limits.header_bytes
        if len(target) + len(lines) > most:
            raise HeadersTooLarge(f"the head is longer than {most} bytes")
        parser = self._runtime.parser
        line = parser.line(b" ".join((scope["method"].encode("ascii"), target, version)))
        block = parser.fields(lines)
        if block.upgrade:
            raise NotImplementedByGateway("upgrades are served by the gateway's own server alone")
        return together(line, block)

    async def _admit(self, head: Request, client: ClientAddress) -> Exchange | Refusal | Reply:
        if head.line.target == b"*":
            return own_answer_to(head.line) or Refusal(MethodNotAllowed())
        admitted = self._runtime.router.admit(head, client)
        if isinstance(admitted, Deferred):
            return await self._runtime.router.decide(admitted, head, client)
        return admitted

    async def _answer(
        self, answer: Refusal | Reply, head: Request | None, client: ClientAddress, send: Send
    ) -> None:
        id_line = self._runtime.router.id_line(head or UNREAD)
        self._runtime.settlement.refused(answer, head or UNREAD, id_line, client, status_of(answer))
        await send_answer(answer, head or UNREAD, id_line, send)


def _announced(headers: list[tuple[bytes, bytes]]) -> bool:
    return any(name in (b"content-length", b"transfer-encoding") for name, _ in headers)


def _has_body(first: Message | None) -> bool:
    return first is not None and bool(first.get("body") or first.get("more_body"))


def _again(first: Message | None, receive: Receive) -> Receive:
    """The messages from the beginning, though the first was read."""
    if first is None:
        return receive
    waiting = [first]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again
