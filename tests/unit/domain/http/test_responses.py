"""Response heads: what may travel on, how long the body is, whether the connection goes on."""

from __future__ import annotations

import pytest

from brain_gateway.domain.errors import MalformedRequest
from brain_gateway.domain.http.responses import CHUNKED, UNTIL_CLOSE, ResponseHead, parse_response


def parse(*lines: str, bodiless: bool = False, first: str = "HTTP/1.1 200 OK") -> ResponseHead:
    return parse_response("\r\n".join((first, *lines)).encode("latin-1"), bodiless)


CL, TE, CLOSE, KEEP = (
    "Content-Length: 5",
    "Transfer-Encoding: chunked",
    "Connection: close",
    "Connection: keep-alive",
)

LENGTHS = [
    (200, (), UNTIL_CLOSE),
    (200, (CL,), 5),
    (200, (CL, CL), 5),
    (200, ("Content-Length: 0",), 0),
    (200, (TE,), CHUNKED),
    (404, (CL,), 5),
    (204, (), 0),
    (204, (CL,), 0),
    (304, (CL,), 0),
    (304, (TE,), 0),
    (304, (), 0),
    (100, (), 0),
    (103, ("Link: </a>",), 0),
    (205, (CL,), 5),
]


@pytest.mark.parametrize(("status", "lines", "length"), LENGTHS)
def test_the_length_of_the_body(status, lines, length):
    assert parse(*lines, first=f"HTTP/1.1 {status} X").length == length


@pytest.mark.parametrize("lines", [(), (CL,), (TE,)])
def test_an_answer_to_head_has_no_body_but_keeps_its_length_line(lines):
    head = parse(*lines, bodiless=True)
    assert head.length == 0
    assert (CL.encode() in head.lines) == (CL in lines)


@pytest.mark.parametrize("first", ["HTTP/1.1 204 No Content", "HTTP/1.1 102 Processing"])
def test_content_length_never_travels_with_204_and_1xx(first):
    assert CL.encode() not in parse(CL, first=first).joined


TWO_LENGTHS = [
    (CL, TE),
    (TE, CL),
    (CL, "Content-Length: 6"),
    (TE, TE),
    ("Transfer-Encoding: gzip",),
    ("Content-Length: x",),
]


@pytest.mark.parametrize("lines", TWO_LENGTHS)
def test_a_length_that_could_be_read_in_two_ways_is_refused(lines):
    with pytest.raises(MalformedRequest):
        parse(*lines)


PERSISTENCE = [
    ("HTTP/1.1", (), True),
    ("HTTP/1.1", (CLOSE,), False),
    ("HTTP/1.1", ("Connection: Close",), False),
    ("HTTP/1.1", ("Connection: x-a, close",), False),
    ("HTTP/1.1", (KEEP,), True),
    ("HTTP/1.1", (CLOSE, KEEP), False),
    ("HTTP/1.1", (KEEP, CLOSE), False),
    ("HTTP/1.1", (CLOSE, "Connection: x-a"), False),
    ("HTTP/1.0", (), False),
    ("HTTP/1.0", (KEEP,), True),
    ("HTTP/1.0", ("Connection: keep-alive, x-a",), True),
    ("HTTP/1.0", (KEEP, CLOSE), False),
]


@pytest.mark.parametrize(("version", "lines", "goes_on"), PERSISTENCE)
def test_whether_the_connection_goes_on(version, lines, goes_on):
    assert parse(CL, *lines, first=f"{version} 200 OK").keep_alive is goes_on


def test_lines_travel_in_order_and_byte_for_byte():
    lines = ("Set-Cookie: a=1", "x-ODD:   spaced\t", "Set-Cookie: b=\xe9", "Date: now")
    head = parse(*lines)
    assert head.lines == [line.encode("latin-1") for line in lines]
    assert head.joined == ("\r\n".join(("HTTP/1.1 200 OK", *lines, ""))).encode("latin-1")


def test_what_ends_at_this_hop_does_not_travel():
    head = parse(
        TE, "Connection: x-hop, Keep-Alive", "X-Hop: 1", "Keep-Alive: timeout=5", "Trailer: X-Sum",
        "Upgrade: h2", "X-Request-ID: 9",
        "Proxy-Authenticate: Basic", "Server: s",
    )  # fmt: skip
    assert head.joined == b"HTTP/1.1 200 OK\r\nServer: s\r\n"


def test_naming_the_length_in_connection_does_not_take_it_away():
    head = parse(CL, "Connection: content-length")
    assert (head.length, CL.encode() in head.lines) == (5, True)


def test_an_answer_in_http_1_0_travels_on_in_1_1():
    assert (
        parse(CL, first="HTTP/1.0 404 Not Found").joined == b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n"
    )
    with pytest.raises(MalformedRequest):
        parse(TE, first="HTTP/1.0 200 OK")


def test_cors_lines_are_apart_and_event_streams_are_known():
    head = parse(CL, "Access-Control-Allow-Origin: *", "Content-Type: text/event-stream; charset=utf-8")
    assert head.cors == [b"Access-Control-Allow-Origin: *"]
    assert head.event_stream
    assert b"Access-Control-Allow-Origin: *\r\n" in head.joined
    assert b"text/event-stream" in head.joined
    assert not parse("Content-Type: text/html").event_stream


def test_a_switch_of_protocols_keeps_its_name():
    head = parse(
        "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: x", first="HTTP/1.1 101 Switching"
    )
    assert (head.upgrade, head.lines) == (b"Upgrade: websocket", [b"Sec-WebSocket-Accept: x"])


STATUS_LINES = [
    "HTTP/1.1 200 OK",
    "HTTP/1.1 200 ",
    "HTTP/1.1 200",
    "HTTP/1.1 599 caf\xe9",
    "HTTP/1.0 302 Found there",
]
NO_STATUS_LINES = [
    "", "HTTP/1.1", "HTTP/1.1 20 OK", "HTTP/1.1 2000 OK", "HTTP/1.1  200 OK", "HTTP/2.0 200 OK", "HTTP/1.2 200 OK",
    "http/1.1 200 OK", "HTTP/1.1 600 No", "HTTP/1.1 099 No", "ICY 200 OK", " HTTP/1.1 200 OK", "HTTP/1.1 200 O\0K",
    "HTTP/1.1 200 O\nK", "SSH-2.0-OpenSSH", "HTTP/1.1 200OK", "HTTP/1.1\t200 OK",
]  # fmt: skip


@pytest.mark.parametrize("first", STATUS_LINES)
def test_status_lines(first):
    for _ in range(2):  # the second is remembered
        assert parse(CL, first=first).status == int(first.split(" ")[1])


@pytest.mark.parametrize("first", NO_STATUS_LINES)
def test_what_is_no_status_line_is_refused(first):
    with pytest.raises(MalformedRequest):
        parse(CL, first=first)


@pytest.mark.parametrize("line", [" folded", "No colon", "Name : v", "A: b\0", "A: b\rc", "A: b\nc", ""])
def test_what_is_no_field_is_refused(line):
    with pytest.raises(MalformedRequest):
        parse(CL, line, "B: c")
