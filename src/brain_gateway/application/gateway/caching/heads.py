"""Heads of responses that come from the store, and of those that pass the cache on their way."""

from __future__ import annotations

from brain_gateway.domain.http.caching.stored import StoredResponse
from brain_gateway.domain.http.caching.validation import for_304
from brain_gateway.domain.http.responses import ResponseHead

_CRLF = b"\r\n"


def stored_head(stored: StoredResponse, age: float, bodiless: bool, *more: bytes) -> ResponseHead:
    """The head of a stored response, with its age (RFC 9111 section 5.1) and more lines."""
    lines = [*stored.lines, b"Age: %d" % age, *more]
    length = 0 if bodiless else len(stored.body)
    return _head(stored.status, stored.status_line, lines, list(stored.cors), length)


def not_modified_head(stored: StoredResponse, age: float, *more: bytes) -> ResponseHead:
    """The 304 that stands for a stored response."""
    lines = [*for_304(stored.lines), b"Age: %d" % age, *more]
    return _head(304, b"HTTP/1.1 304 Not Modified", lines, list(stored.cors), 0)


def part_head(stored: StoredResponse, age: float, first: int, last: int, *more: bytes) -> ResponseHead:
    """The 206 with the bytes from `first` to `last` (RFC 9110 section 15.3.7)."""
    kept = [line for line in stored.lines if not line.lower().startswith(b"content-length:")]
    length = last - first + 1
    about = b"Content-Range: bytes %d-%d/%d" % (first, last, len(stored.body)), b"Content-Length: %d" % length
    lines = [*kept, *about, b"Age: %d" % age, *more]
    return _head(206, b"HTTP/1.1 206 Partial Content", lines, list(stored.cors), length)


def marked_head(head: ResponseHead, *more: bytes) -> ResponseHead:
    """A service's head with more lines; the original is shared, and stays as it is."""
    marked = _head(head.status, head.status_line, [*head.lines, *more], head.cors, head.length)
    marked.keep_alive = head.keep_alive
    marked.event_stream = head.event_stream
    return marked


def _head(
    status: int, status_line: bytes, lines: list[bytes], cors: list[bytes], length: int
) -> ResponseHead:
    head = ResponseHead(status, status_line, True)
    head.lines, head.cors, head.length = lines, cors, length
    head.joined = _CRLF.join((status_line, *lines, *cors, b""))
    return head
