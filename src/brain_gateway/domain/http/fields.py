"""Header field lines: their grammar, and what a gateway does with each (RFC 9110 section 5, RFC 9112 section 5).

A line is the bytes between two CRLFs, `name: value`. Lines repeat from request to request, so a `LineTable`
remembers the verdict on each line that it has seen: a known line costs one dictionary look-up, a new one is
parsed strictly. What does not match the grammar to the letter (obs-fold, bare CR or LF, NUL and other
controls, white space before the colon) is refused, never repaired.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from brain_gateway.domain.errors import MalformedRequest

# The verdicts. FORWARD is 0, so that the common case is the false one; from TRAVELS on, a line means something
# to the gateway and travels on all the same.
FORWARD: Final = 0
DROP: Final = 1  # hop-by-hop, or a name under which only the gateway may speak
HOST: Final = 2
TRANSFER_ENCODING: Final = 3
CONNECTION: Final = 4
UPGRADE: Final = 5
API_KEY: Final = 6
TENANT: Final = 7
FORWARDED: Final = 8  # Forwarded, X-Forwarded-*: believed from trusted proxies only
CORS: Final = 9  # Access-Control-* of a response
TRACEPARENT: Final = 11  # goes on behind the others: this hop may be a span of its own
KEEP_ALIVE: Final = 10  # Connection: keep-alive, and nothing else in it
TRAVELS: Final = 16
CONTENT_LENGTH: Final = 16
EXPECT: Final = 17
AUTHORIZATION: Final = 18
REQUEST_ID: Final = 19
ORIGIN: Final = 21
PREFLIGHT: Final = 22  # Access-Control-Request-Method
TRACESTATE: Final = 24
EVENT_STREAM: Final = 23  # Content-Type: text/event-stream

_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_VALUE_BYTES = bytes((0x09, *range(0x20, 0x7F), *range(0x80, 0x100)))
_HOST = re.compile(
    rb"(?:[A-Za-z0-9._~%-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?"
)  # RFC 3986 section 3.2.2, the usual part
_DIGITS = re.compile(rb"[0-9]{1,18}")
_REQUEST_ID = re.compile(rb"[\x21-\x7e]{1,128}")
_TRACEPARENT = re.compile(
    rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-[\x21-\x7e]*)?"
)

# Hop-by-hop whatever Connection says (RFC 9110 7.6.1). TE and Trailer are dropped because trailers are.
_HOP_BY_HOP = frozenset(
    (b"keep-alive", b"proxy-connection", b"proxy-authenticate", b"proxy-authorization", b"te", b"trailer",
     b"http2-settings")
)  # fmt: skip
_REQUEST_KINDS = {
    b"host": HOST,
    b"content-length": CONTENT_LENGTH,
    b"transfer-encoding": TRANSFER_ENCODING,
    b"connection": CONNECTION,
    b"expect": EXPECT,
    b"upgrade": UPGRADE,
    b"authorization": AUTHORIZATION,
    b"x-api-key": API_KEY,
    b"x-tenant-id": TENANT,
    b"x-request-id": REQUEST_ID,
    b"traceparent": TRACEPARENT,
    b"tracestate": TRACESTATE,
    b"origin": ORIGIN,
    b"access-control-request-method": PREFLIGHT,
    b"forwarded": FORWARDED,
    b"x-real-ip": DROP,
    b"x-original-url": DROP,  # believed by some frameworks in place of the target
    b"x-rewrite-url": DROP,
}
_RESPONSE_KINDS = {
    b"content-length": CONTENT_LENGTH,
    b"transfer-encoding": TRANSFER_ENCODING,
    b"connection": CONNECTION,
    b"upgrade": UPGRADE,
    b"content-type": EVENT_STREAM,
    b"x-request-id": DROP,
}


def split_line(line: bytes) -> tuple[bytes, bytes]:
    """The name in lower case and the value without its surrounding white space.

    Raises MalformedRequest where the line is not `field-name ":" OWS field-value OWS` (RFC 9112 section 5).
    """
    name, colon, value = line.partition(b":")
    if not colon or not _NAME.fullmatch(name):
        raise MalformedRequest(
            "a header line is not 'name: value'; fold no lines and put no space before the colon"
        )
    if not _VALUE.fullmatch(value):
        raise MalformedRequest("a header value carries a control character, a bare CR or a bare LF")
    return name.lower(), value.strip(b" \t")


def is_host(value: bytes) -> bool:
    """Whether it is one host name or address with an optional port."""
    return _HOST.fullmatch(value) is not None


def value_of(line: bytes) -> bytes:
    """The value of a line that has been checked already."""
    return line[line.index(b":") + 1 :].strip(b" \t")


def _request_name(name: bytes) -> int:
    """What a name alone decides.

    Many servers read '_' as '-' (CGI, RFC 3875 section 4.1.18), so X_Tenant_ID must not slip through.
    """
    plain = name.replace(b"_", b"-")
    if plain in _HOP_BY_HOP or plain.startswith((b"x-user-", b"x-authenticated-", b"x-consumer-")):
        return DROP
    kind = FORWARDED if plain.startswith(b"x-forwarded-") else _REQUEST_KINDS.get(plain, FORWARD)
    return DROP if kind != FORWARD and plain != name else kind


def _response_name(name: bytes) -> int:
    if name in _HOP_BY_HOP:
        return DROP
    if name.startswith(b"access-control-"):
        return CORS
    return _RESPONSE_KINDS.get(name, FORWARD)


def _checked(kind: int, value: bytes) -> int:
    """What a value adds to the verdict on its name; raises MalformedRequest."""
    value = value.strip(b" \t")
    if kind == CONTENT_LENGTH and not _DIGITS.fullmatch(value):
        raise MalformedRequest("Content-Length must be one number of decimal digits")
    if kind == TRANSFER_ENCODING and value.lower() != b"chunked":
        raise MalformedRequest("Transfer-Encoding must be exactly 'chunked'")
    if kind == HOST and not is_host(value):
        raise MalformedRequest("Host must be one host name with an optional port")
    if kind == CONNECTION and value.lower() == b"keep-alive":
        return KEEP_ALIVE
    if kind == EVENT_STREAM and not value.lower().startswith(b"text/event-stream"):
        return FORWARD
    if kind == REQUEST_ID and not _REQUEST_ID.fullmatch(value):
        return DROP  # a new one is made
    if kind == TRACEPARENT and not _TRACEPARENT.fullmatch(value):
        return DROP  # W3C Trace Context 2.2.2: an unreadable one is replaced
    return kind


class LineTable(dict[bytes, int]):
    """Verdicts by line: a look-up that parses what it has not seen. Bounded in lines and in bytes of each.

    MalformedRequest of a line passes through and is not remembered.
    """

    MOST_LINES = 4096
    LONGEST = 1024
    MOST_NAMES = 1024
    LONGEST_NAME = 64

    def __init__(self, by_name: Callable[[bytes], int]) -> None:
        super().__init__()
        self._by_name = by_name
        self._names: dict[bytes, int] = {}

    def __missing__(self, line: bytes) -> int:
        name, colon, value = line.partition(b":")
        kind = self._names.get(name, -1)
        if kind < 0 or not colon:
            kind = self._learn(line, name)
        if value.translate(None, _VALUE_BYTES):
            raise MalformedRequest("a header value carries a control character, a bare CR or a bare LF")
        if kind > 1:
            kind = _checked(kind, value)
        if len(line) <= self.LONGEST:
            if len(self) >= self.MOST_LINES:
                self.clear()
            self[line] = kind
        return kind

    def _learn(self, line: bytes, name: bytes) -> int:
        kind = self._by_name(split_line(line)[0])
        if len(name) <= self.LONGEST_NAME:
            if len(self._names) >= self.MOST_NAMES:
                self._names.clear()
            self._names[name] = kind
        return kind


def request_lines() -> LineTable:
    """A table of request lines."""
    return LineTable(_request_name)


def response_lines() -> LineTable:
    """A table of response lines."""
    return LineTable(_response_name)
