"""One call of `grpc.health.v1.Health/Check`, without I/O: bytes in, bytes out.

The two messages have one field each, so they are coded by hand (protobuf.dev, "Encoding"):
HealthCheckRequest {string service = 1}, HealthCheckResponse {ServingStatus status = 1}.
"""

from __future__ import annotations

import struct

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import H2Error

from brain_gateway.infrastructure.probes.attempt import MAX_ANSWER_BYTES, UnhealthyAnswerError

_PATH = "/grpc.health.v1.Health/Check"
_SERVING = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}
_OK, _NOT_FOUND, _UNIMPLEMENTED = b"0", b"5", b"12"  # grpc.github.io/grpc/core/md_doc_statuscodes.html
_FRAME_HEADER, _TYPE_AT, _SETTINGS = 9, 3, 4  # RFC 9113 sections 4.1 and 3.4: SETTINGS comes first
_STATUS_FIELD = 0x08  # field 1, wire type varint


class HealthCall:
    """Feed it what the server sends until `ended`; then `verdict()` says what it meant."""

    def __init__(self, scheme: str, authority: str, service: str) -> None:
        self._connection = H2Connection(H2Configuration(client_side=True, header_encoding=None))
        self._scheme, self._authority, self._service = scheme, authority, service.encode()
        self._headers: dict[bytes, bytes] = {}
        self._body = bytearray()
        self._opening = b""
        self._received = 0
        self.ended = False

    def start(self) -> bytes:
        """The connection preface and the request."""
        self._connection.initiate_connection()
        headers = [
            (":method", "POST"),
            (":scheme", self._scheme),
            (":path", _PATH),
            (":authority", self._authority),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            ("user-agent", "brain-gateway-probe"),
        ]
        self._connection.send_headers(1, headers)
        self._connection.send_data(1, _framed(_request(self._service)), end_stream=True)
        return self._connection.data_to_send()

    def receive(self, data: bytes) -> bytes:
        """Take bytes of the server; returns bytes to send. Raises UnhealthyAnswerError."""
        self._check(data)
        try:
            events = self._connection.receive_data(data)
        except H2Error:
            raise UnhealthyAnswerError("the answer is not HTTP/2") from None
        for event in events:
            self._take(event)
        return self._connection.data_to_send()

    def verdict(self) -> str:
        """The detail of a healthy answer. Raises UnhealthyAnswerError."""
        if self._headers.get(b":status") != b"200":
            raise UnhealthyAnswerError("the answer is HTTP/2, but not gRPC")
        status = self._headers.get(b"grpc-status")
        if status == _UNIMPLEMENTED:
            return "connected; the server has no health service"
        if status == _NOT_FOUND:
            raise UnhealthyAnswerError("the server does not know the service asked about")
        if status != _OK:
            code = int(status) if status and status.isdigit() and len(status) < 4 else "none"
            raise UnhealthyAnswerError(f"gRPC status {code}")
        serving = _SERVING.get(_serving_status(bytes(self._body)), "an unknown status")
        if serving != "SERVING":
            raise UnhealthyAnswerError(serving)
        return serving

    def _check(self, data: bytes) -> None:
        """What h2 would wait for: it collects a frame, of up to 16 MiB, before it looks at it."""
        self._received += len(data)
        if self._received > MAX_ANSWER_BYTES:
            raise UnhealthyAnswerError("the answer is too long")
        self._opening += data[: _FRAME_HEADER - len(self._opening)]
        if len(self._opening) > _TYPE_AT and self._opening[_TYPE_AT] != _SETTINGS:
            raise UnhealthyAnswerError("the answer is not HTTP/2")

    def _take(self, event: Event) -> None:
        if isinstance(event, ResponseReceived | TrailersReceived):
            self._headers.update(dict(event.headers))
        elif isinstance(event, DataReceived):
            self._body += event.data
        elif isinstance(event, StreamEnded):
            self.ended = True
        elif isinstance(event, StreamReset | ConnectionTerminated) and not self.ended:
            raise UnhealthyAnswerError("the server ended the call without an answer")


def _framed(message: bytes) -> bytes:
    """A gRPC message: not compressed, its length, itself (the gRPC over HTTP/2 protocol)."""
    return struct.pack(">BI", 0, len(message)) + message


def _request(service: bytes) -> bytes:
    return b"\x0a" + _varint(len(service)) + service if service else b""


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _serving_status(body: bytes) -> int:
    """The status in the first message of a body: 0 when that is empty, -1 when it is not understood."""
    if len(body) < 5 or body[0] != 0:
        return -1
    message = body[5 : 5 + int.from_bytes(body[1:5], "big")]
    if not message:
        return 0
    return message[1] if len(message) == 2 and message[0] == _STATUS_FIELD else -1
