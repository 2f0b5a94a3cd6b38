"""Request heads, parsed strictly (RFC 9112 sections 2, 3 and 6).

What is accepted has one reading only, so no two servers on the way can disagree on where a message ends (request
smuggling). Everything doubtful is MalformedRequest.

A head is a request line and a block of fields. Both repeat: clients ask for the same targets again, and a connection
sends the same fields again and again. So lines are remembered by their bytes, and a connection remembers its last
block; what repeats is not parsed again, and what does not costs no more than parsing.
"""

from __future__ import annotations

import re

from brain_gateway.domain.errors import (
    ExpectationFailed,
    HeadersTooLarge,
    MalformedRequest,
    MethodNotAllowed,
    TargetTooLong,
    VersionNotSupported,
)
from brain_gateway.domain.http import fields
from brain_gateway.domain.http.fields import value_of
from brain_gateway.domain.routing import request_path

CHUNKED = -1

_METHOD = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}")
_TARGET_BYTES = bytes(c for c in range(0x21, 0x7F) if c not in b"#")
_REPEATABLE = frozenset(
    (fields.CONNECTION, fields.KEEP_ALIVE, fields.FORWARDED, fields.UPGRADE, fields.TRACESTATE)
)
_CONNECTION_OPTIONS = {b"close", b"keep-alive", b"upgrade", b""}
# Fields that ask for more than a plain request does; without them both parsing and admission are short.
_UNUSUAL = frozenset(
    (fields.CONTENT_LENGTH, fields.TRANSFER_ENCODING, fields.CONNECTION, fields.EXPECT, fields.UPGRADE,
     fields.TENANT, fields.API_KEY, fields.PREFLIGHT)
)  # fmt: skip


class RequestLine:
    """One request line. `service` and `rest` are its target, split; `authority` is set in the absolute form.

    `match` is what `matched_by` (a table of routes) made of it, kept for the next such request.
    """

    __slots__ = ("authority", "http_1_0", "match", "matched_by", "method", "rest", "service", "target")

    def __init__(self, method: bytes, target: bytes, http_1_0: bool) -> None:
        self.method = method
        self.target = target
        self.http_1_0 = http_1_0
        self.authority = b""
        self.match: object = None
        self.matched_by: object = None
        path = target
        if target[:1] != b"/":
            self.authority, path = _absolute(method, target)
        self.service, self.rest = request_path.split(path)


class RequestFields:
    """One block of request fields, never changed once parsed.

    `lines`: what may travel on, in the order and bytes in which it came; `joined`: the same with their CRLFs;
    `special`: verdict -> line, for those that mean something to a gateway; `length`: bytes of body, 0 for none,
    CHUNKED for chunked; `unusual`: they ask for more than a plain request does.
    """

    __slots__ = (
        "close",
        "joined",
        "keep_alive",
        "length",
        "lines",
        "more_forwarded",
        "special",
        "unusual",
        "upgrade",
    )

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.joined = b""
        self.special: dict[int, bytes] = {}
        self.more_forwarded: list[bytes] = []
        self.length = 0
        self.unusual = False
        self.close = False
        self.keep_alive = False
        self.upgrade = b""


class Request:
    """A request line with its fields. `keep_alive`: whether the connection may serve another request."""

    __slots__ = ("fields", "keep_alive", "line")

    def __init__(self, line: RequestLine, fields: RequestFields, keep_alive: bool) -> None:
        self.line = line
        self.fields = fields
        self.keep_alive = keep_alive

    @property
    def method(self) -> bytes:
        """The method, as sent."""
        return self.line.method

    @property
    def length(self) -> int:
        """Bytes of body, 0 for none, CHUNKED for chunked."""
        return self.fields.length

    @property
    def special(self) -> dict[int, bytes]:
        """Verdict -> line."""
        return self.fields.special


# Stands for a request that could not be read, where its refusal is counted and answered.
UNREAD = Request(RequestLine(b"GET", b"/", False), RequestFields(), False)


class RequestParser:
    """Parses heads within its limits. Raises a CallerError that says what is wrong."""

    MOST_LINES = 4096
    LONGEST_LINE = 1024

    def __init__(self, most_fields: int = 100, longest_target: int = 16384) -> None:
        self._most_fields = most_fields
        self._longest_target = longest_target
        self.known: dict[bytes, RequestLine] = {}
        self._table = fields.request_lines()

    def line(self, text: bytes) -> RequestLine:
        """A request line, without its CRLF."""
        line = self.known.get(text)
        if line is None:
            line = self._parse_line(text)
            if len(text) <= self.LONGEST_LINE:
                if len(self.known) >= self.MOST_LINES:
                    self.known.clear()
                self.known[text] = line
        return line

    def _parse_line(self, text: bytes) -> RequestLine:
        parts = text.split(b" ")
        if len(parts) != 3:
            raise MalformedRequest("the request line is not 'METHOD target HTTP/1.1'")
        method, target, version = parts
        if not _METHOD.fullmatch(method):
            raise MalformedRequest("the method is not a token (RFC 9110 section 9.1)")
        if method == b"CONNECT":
            raise MethodNotAllowed("the gateway makes no tunnels by CONNECT")
        if version != b"HTTP/1.1" and version != b"HTTP/1.0":
            if re.fullmatch(rb"HTTP/[0-9]\.[0-9]", version):
                raise VersionNotSupported("the gateway speaks HTTP/1.1 and HTTP/1.0")
            raise MalformedRequest("the request line does not end in an HTTP version")
        if len(target) > self._longest_target:
            raise TargetTooLong(f"the request target is longer than {self._longest_target} bytes")
        if not target or target.translate(None, _TARGET_BYTES):
            raise MalformedRequest("the request target carries bytes that must be percent-encoded")
        return RequestLine(method, target, version == b"HTTP/1.0")

    def fields(self, block: bytes) -> RequestFields:
        """The field lines, each with its CRLF before it."""
        parsed = RequestFields()
        lines = block.split(b"\r\n")
        if len(lines) > self._most_fields + 1:
            raise HeadersTooLarge(f"more than {self._most_fields} header fields")
        special = parsed.special
        forward = parsed.lines.append
        table = self._table
        for line in lines[1:]:
            kind = table[line]
            if kind == 0:
                forward(line)
            elif kind != 1:
                special[kind] = line if kind not in special else _repeated(parsed, kind, line)
                if kind >= 16:  # fields.TRAVELS
                    forward(line)
        if not special.keys().isdisjoint(_UNUSUAL):
            _unusual(parsed)
        if fields.KEEP_ALIVE in special:
            parsed.keep_alive = True
        if fields.TRACESTATE in special and fields.TRACEPARENT not in special:
            parsed.lines = without(
                parsed.lines, {b"tracestate"}
            )  # Trace Context 3.3.1: it goes with its parent
        if parsed.lines:
            parsed.joined = b"\r\n".join(parsed.lines) + b"\r\n"
        return parsed


def together(line: RequestLine, block: RequestFields) -> Request:
    """A line and a block as one head: what depends on both."""
    if line.http_1_0:
        if fields.TRANSFER_ENCODING in block.special:
            raise MalformedRequest("Transfer-Encoding in an HTTP/1.0 request (RFC 9112 section 6.1)")
        return Request(line, block, block.keep_alive and not block.close)
    if 2 not in block.special:  # fields.HOST
        raise MalformedRequest("an HTTP/1.1 request needs exactly one Host header (RFC 9112 section 3.2)")
    return Request(line, block, not block.close)


def host_line(head: Request) -> bytes:
    """The Host line that holds: the absolute form's authority goes before the field (RFC 9112 section 3.2.2)."""
    if head.line.authority:
        return b"Host: " + head.line.authority
    return head.fields.special.get(fields.HOST, b"")


def _absolute(method: bytes, target: bytes) -> tuple[bytes, bytes]:
    if target == b"*":
        if method != b"OPTIONS":
            raise MalformedRequest("only OPTIONS may ask for '*'")
        return b"", b"/"
    return request_path.origin_form(target)


def _repeated(parsed: RequestFields, kind: int, line: bytes) -> bytes:
    """The line that stands for two of one kind."""
    if kind == fields.FORWARDED:
        parsed.more_forwarded.append(parsed.special[kind])
    elif kind not in _REPEATABLE:
        raise MalformedRequest(
            f"the header {line.partition(b':')[0][:40].decode('latin-1')} may come only once"
        )
    elif kind == fields.CONNECTION:
        return parsed.special[kind] + b"," + value_of(line)
    return line


def _unusual(parsed: RequestFields) -> None:
    special = parsed.special
    parsed.unusual = True
    if fields.CONNECTION in special:
        _apply_connection(parsed, special[fields.CONNECTION])
    length = special.get(fields.CONTENT_LENGTH)
    if fields.TRANSFER_ENCODING in special:
        if length is not None:
            raise MalformedRequest(
                "both Content-Length and Transfer-Encoding: the length could be read in two ways"
            )
        parsed.length = CHUNKED
    elif length is not None:
        parsed.length = int(value_of(length))
    expect = special.get(fields.EXPECT)
    if expect is not None and value_of(expect).lower() != b"100-continue":
        raise ExpectationFailed("the only expectation is 100-continue (RFC 9110 section 10.1.1)")


def _apply_connection(parsed: RequestFields, line: bytes) -> None:
    """Persistence, upgrades, and the names that end at this hop (RFC 9110 section 7.6.1)."""
    tokens = {token.strip(b" \t") for token in value_of(line).lower().split(b",")}
    parsed.close = b"close" in tokens
    parsed.keep_alive = parsed.keep_alive or b"keep-alive" in tokens
    if b"upgrade" in tokens and fields.UPGRADE in parsed.special:
        parsed.upgrade = value_of(parsed.special[fields.UPGRADE]).lower()
    named = tokens - _CONNECTION_OPTIONS
    if named:
        parsed.lines = without(parsed.lines, named - _NEEDED)


# Naming these in Connection would take from a request what its meaning rests on.
_NEEDED = {
    b"host",
    b"content-length",
    b"authorization",
    b"content-type",
    b"expect",
    b"origin",
    b"x-request-id",
    b"traceparent",
}


def without(lines: list[bytes], names: set[bytes]) -> list[bytes]:
    """The lines whose names (lower case) are not among `names`."""
    if not names:
        return lines
    return [line for line in lines if line[: line.index(b":")].lower() not in names]
