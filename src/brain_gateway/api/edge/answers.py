"""Answers as bytes: a service's response on its way to the client, and the gateway's own."""

from __future__ import annotations

from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING

from brain_gateway.api import problems
from brain_gateway.application.gateway import cors
from brain_gateway.application.gateway.exchange import Exchange, Refusal, Reply
from brain_gateway.application.gateway.upstream_head import VIA
from brain_gateway.domain.http.requests import Request
from brain_gateway.domain.http.responses import ResponseHead

if TYPE_CHECKING:
    from collections.abc import Iterable

_CRLF = b"\r\n"
_VIA = VIA + _CRLF
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


def response_head(exchange: Exchange, head: ResponseHead, framing: bytes) -> tuple[bytes, ...]:
    """A response's head for the client, in parts; `framing`: the lines on length and persistence, with their CRLFs."""
    joined = head.joined if exchange.lane.entry.cors is None else _crossing(exchange, head)
    request_id = exchange.id_line or exchange.head.fields.special[19]  # fields.REQUEST_ID
    return (joined, _VIA, request_id, _CRLF, framing, _CRLF)


def _crossing(exchange: Exchange, head: ResponseHead) -> bytes:
    """With the service's policy in the place of what it says itself."""
    assert exchange.lane.entry.cors is not None
    lines = cors.response_lines(exchange.lane.entry.cors, exchange.head)
    return _CRLF.join((head.status_line, *head.lines, *lines, b""))


def informational(head: ResponseHead) -> bytes:
    """A 1xx; 101 keeps what names the new protocol."""
    lines = [head.status_line, *head.lines]
    if head.status == 101:
        lines += (b"Connection: Upgrade", head.upgrade)
    return _CRLF.join((*lines, b"", b""))


def status_line(status: int) -> bytes:
    """`HTTP/1.1 429 Too Many Requests`."""
    return f"HTTP/1.1 {status} {_PHRASES.get(status, '')}".encode()


def refusal_headers(refusal: Refusal, body: bytes) -> list[tuple[str, str]]:
    """The headers of a problem document; what a refusal says itself goes before what its error always says."""
    said = dict((*problems.headers_of(refusal.error), *refusal.headers))
    return [
        ("Content-Type", problems.MEDIA_TYPE),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        *said.items(),
    ]


def cors_headers(refusal: Refusal | Reply, head: Request | None) -> list[tuple[str, str]]:
    """So that a browser's script can read a refusal of a service with a policy."""
    policy = refusal.entry.cors if refusal.entry is not None else None
    if policy is None or head is None:
        return []
    lines = (line.decode("latin-1").partition(": ") for line in cors.response_lines(policy, head))
    return [(name, value) for name, _, value in lines]


def own_answer(
    status: int, headers: Iterable[tuple[str, str]], body: bytes, close: bool, bodiless: bool
) -> bytes:
    """An answer of the gateway itself."""
    lines = [status_line(status), f"Date: {formatdate(usegmt=True)}".encode()]
    lines += [f"{name}: {value}".encode("latin-1") for name, value in headers]
    if close:
        lines.append(b"Connection: close")
    return _CRLF.join((*lines, b"", b"" if bodiless else body))
