"""Response heads, parsed strictly (RFC 9112 sections 4 and 6.3)."""

from __future__ import annotations

import re

from brain_gateway.domain.errors import MalformedRequest
from brain_gateway.domain.http import fields
from brain_gateway.domain.http.fields import value_of
from brain_gateway.domain.http.requests import without

CHUNKED = -1
UNTIL_CLOSE = -2

_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9][0-9])(?: [\t\x20-\x7e\x80-\xff]*)?")
# Not names of fields that end here; the length is the gateway's own business.
_CONNECTION_OPTIONS = {b"close", b"keep-alive", b"upgrade", b"content-length", b""}
MOST_STATUS_LINES = 256
_statuses: dict[bytes, tuple[int, bool]] = {}
_table = fields.response_lines()


class ResponseHead:
    """One response's head, never changed once parsed, so that an answer that repeats is parsed once.

    `length`: bytes of body, CHUNKED or UNTIL_CLOSE; `cors`: its Access-Control-* lines; `joined`: the status line and
    the lines that may travel on (`cors` among them), each with its CRLF.
    """

    __slots__ = (
        "closing",
        "cors",
        "event_stream",
        "joined",
        "keep_alive",
        "length",
        "lines",
        "status",
        "status_line",
        "upgrade",
    )

    def __init__(self, status: int, status_line: bytes, keep_alive: bool) -> None:
        self.status = status
        self.status_line = status_line
        self.keep_alive = keep_alive
        self.length = UNTIL_CLOSE
        self.lines: list[bytes] = []
        self.cors: list[bytes] = []
        self.event_stream = False
        self.closing = False
        self.upgrade = b""
        self.joined = b""


def parse_response(block: bytes, bodiless: bool) -> ResponseHead:
    """Parse a head without its closing empty line; `bodiless`: it answers a HEAD. Raises MalformedRequest."""
    lines = block.split(b"\r\n")
    status, old = _status(lines[0])
    head = ResponseHead(status, b"HTTP/1.1" + lines[0][8:] if old else lines[0], not old)
    forward = head.lines.append
    table = _table
    connection: set[bytes] | None = None
    for line in lines[1:]:
        kind = table[line]
        if kind == 0:
            forward(line)
        elif kind == fields.CONNECTION:
            connection = _apply_connection(head, line) | (connection or set())
        elif kind != 1:
            _special(head, kind, line, old)
    if connection:
        head.lines = without(head.lines, connection)
    _bound_body(head, bodiless)
    head.joined = b"\r\n".join((head.status_line, *head.lines, *head.cors, b""))
    return head


def _status(line: bytes) -> tuple[int, bool]:
    """The status, and whether it is HTTP/1.0 that answers."""
    known = _statuses.get(line)
    if known is None:
        match = _STATUS_LINE.fullmatch(line)
        if match is None:
            raise MalformedRequest("the upstream's status line is not HTTP/1.x")
        known = int(match[2]), match[1] == b"0"
        if len(_statuses) < MOST_STATUS_LINES:
            _statuses[line] = known
    return known


def _special(head: ResponseHead, kind: int, line: bytes, old: bool) -> None:
    if kind == fields.CONTENT_LENGTH:
        length = int(value_of(line))
        if head.length == length:
            return  # said twice, alike
        if head.length != UNTIL_CLOSE:
            raise MalformedRequest("the upstream states two body lengths")
        head.length = length
        head.lines.append(line)
    elif kind == fields.TRANSFER_ENCODING:
        if head.length != UNTIL_CLOSE or old:
            raise MalformedRequest("the upstream states two body lengths")
        head.length = CHUNKED
    elif kind == fields.KEEP_ALIVE:
        head.keep_alive = not head.closing
    elif kind == fields.UPGRADE:
        head.upgrade = line
    elif kind == fields.CORS:
        head.cors.append(line)
    elif kind == fields.EVENT_STREAM:
        head.event_stream = True
        head.lines.append(line)


def _apply_connection(head: ResponseHead, line: bytes) -> set[bytes]:
    """Persistence; gives the names that end at this hop (RFC 9110 section 7.6.1)."""
    tokens = {token.strip(b" \t") for token in value_of(line).lower().split(b",")}
    head.closing = head.closing or b"close" in tokens
    head.keep_alive = not head.closing and (head.keep_alive or b"keep-alive" in tokens)
    return tokens - _CONNECTION_OPTIONS


def _bound_body(head: ResponseHead, bodiless: bool) -> None:
    """Which responses have no body whatever their fields say (RFC 9112 section 6.3, rule 1)."""
    if head.status < 200 or head.status == 204:
        head.lines = without(head.lines, {b"content-length"})  # RFC 9110 8.6: never sent with 1xx or 204
        head.length = 0
    elif head.status == 304 or bodiless:
        head.length = 0
