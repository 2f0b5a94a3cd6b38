"""The chunked transfer coding, decoded strictly (RFC 9112 section 7.1).

Extensions are read past and dropped, but bounded; trailers are read past and dropped, bounded and checked.
A bare LF, a missing CRLF after the data, a sign or white space in the size: all refused.
"""

from __future__ import annotations

import re

from brain_gateway.domain.errors import MalformedRequest
from brain_gateway.domain.http.fields import split_line

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})([ \t]*;[\t\x20-\x7e\x80-\xff]*)?")
LONGEST_LINE = 256
MOST_EXTENSION_BYTES = 16384
MOST_TRAILER_BYTES = 8192

LAST_CHUNK = b"0\r\n\r\n"


class ChunkedDecoder:
    """Feed it bytes, get the body's bytes; `done` after the last chunk, `rest` then holds what came behind it."""

    __slots__ = ("_buffer", "_extensions", "_left", "_trailer_bytes", "_trailers", "done", "rest")

    def __init__(self) -> None:
        self.done = False
        self.rest = b""
        self._buffer = b""
        self._left = 0  # bytes of the present chunk still to come, its CRLF included; 0: a size line is next
        self._extensions = 0
        self._trailers = False
        self._trailer_bytes = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The pieces of body in `data`. Raises MalformedRequest."""
        pieces: list[bytes] = []
        data = self._buffer + data if self._buffer else data
        at = 0
        while not self.done:
            if self._left:
                at = self._take_chunk(data, at, pieces)
                if at < 0:
                    return pieces
                continue
            end = data.find(b"\r\n", at)
            if end < 0:
                self._keep(data[at:])
                return pieces
            self._line(data[at:end])
            at = end + 2
        self.rest = data[at:]
        self._buffer = b""
        return pieces

    def _take_chunk(self, data: bytes, at: int, pieces: list[bytes]) -> int:
        """Take what is there of the present chunk; the new position, or -1 when more bytes are needed."""
        wanted = self._left - 2
        have = len(data) - at
        if wanted > 0:
            take = min(wanted, have)
            if take:
                pieces.append(data[at : at + take] if at or take < len(data) else data)
            self._left -= take
            at += take
            have -= take
        if self._left > 2 or have < 2:
            self._buffer = data[at:]
            if have == 1 and self._buffer != b"\r":
                raise MalformedRequest("a chunk is longer than its size says")
            return -1
        if data[at : at + 2] != b"\r\n":
            raise MalformedRequest("a chunk is longer than its size says")
        self._left = 0
        return at + 2

    def _keep(self, part: bytes) -> None:
        if len(part) > (MOST_TRAILER_BYTES if self._trailers else LONGEST_LINE) + 1:  # CR and LF may be cut
            raise MalformedRequest("a chunk's size line or extension is too long")
        if b"\n" in part:
            raise MalformedRequest("a bare LF in the chunked coding")
        self._buffer = part

    def _line(self, line: bytes) -> None:
        if self._trailers:
            self._trailer(line)
            return
        match = _SIZE.fullmatch(line)
        if match is None or len(line) > LONGEST_LINE:
            raise MalformedRequest("a chunk's size line is not hexadecimal digits and a short extension")
        self._extensions += len(line) - len(match[1])
        if self._extensions > MOST_EXTENSION_BYTES:
            raise MalformedRequest("too many bytes of chunk extensions")
        size = int(match[1], 16)
        if size:
            self._left = size + 2
        else:
            self._trailers = True

    def _trailer(self, line: bytes) -> None:
        if not line:
            self.done = True
            return
        self._trailer_bytes += len(line) + 2
        if self._trailer_bytes > MOST_TRAILER_BYTES:
            raise MalformedRequest("too many bytes of trailers")
        split_line(line)


class LengthDecoder:
    """The same face for a body of known length (RFC 9112 section 6.2)."""

    __slots__ = ("_left", "done", "rest")

    def __init__(self, length: int) -> None:
        self._left = length
        self.done = length == 0
        self.rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The pieces of body in `data`."""
        left = self._left
        if len(data) < left:
            self._left = left - len(data)
            return [data] if data else []
        self._left = 0
        self.done = True
        self.rest = data[left:]
        return [data[:left] if self.rest else data] if left else []


def encode_chunk(piece: bytes) -> bytes:
    """One chunk around a non-empty piece."""
    return b"%x\r\n%b\r\n" % (len(piece), piece)


BodyDecoder = ChunkedDecoder | LengthDecoder


def body_decoder(length: int) -> BodyDecoder:
    """The decoder of a body of so many bytes; a negative length means the chunked coding."""
    return ChunkedDecoder() if length < 0 else LengthDecoder(length)
