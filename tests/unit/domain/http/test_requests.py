"""Request heads: one reading or none."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain_gateway.domain.errors import (
    CallerError,
    ExpectationFailed,
    HeadersTooLarge,
    MalformedRequest,
    MethodNotAllowed,
    TargetTooLong,
    VersionNotSupported,
)
from brain_gateway.domain.http import fields
from brain_gateway.domain.http.requests import (
    CHUNKED,
    RequestFields,
    RequestParser,
    host_line,
    together,
    without,
)
from tests.builders.requests import head, parse_head, wire

FIELD_LINE = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*")


def block(*lines: str) -> RequestFields:
    return RequestParser().fields("".join(f"\r\n{line}" for line in lines).encode("latin-1"))


# Any head that the grammar makes

NAMES = st.sampled_from(
    ["Accept", "X-a", "COOKIE", "x.y~z", "Content-Type", "!odd", "User-Agent", "Via", "Origin"]
)
VALUES = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=20
)
SPACES = st.sampled_from(["", " ", "  ", "\t"])
METHODS = st.text("ABCZabcz!#$%&'*+-.^_`|~09", min_size=1, max_size=32)
SEGMENTS = st.text("abzAZ09-_~!$&'()*+,;=:@", min_size=1, max_size=12)
QUERIES = st.one_of(st.just(""), st.text('ab=&?/.%{}|^`<>"[]\\', max_size=15).map("?".__add__))


@given(
    METHODS, SEGMENTS, st.lists(SEGMENTS, max_size=4), QUERIES,
    st.lists(st.tuples(NAMES, SPACES, VALUES, SPACES), max_size=10), st.integers(0, 10),
)  # fmt: skip
def test_a_head_of_the_grammar_is_parsed_and_kept_in_order_and_bytes(
    method, service, segments, query, lines, place
):
    texts = [f"{name}:{before}{value}{after}" for name, before, value, after in lines]
    if sum(name == "Origin" for name, *_ in lines) > 1:
        texts = [text for text in texts if not text.startswith("Origin")]
    path = f"/{service}" + "".join(f"/{segment}" for segment in segments) + query
    sent = [*texts[:place], "Host: gw.example", *texts[place:]]
    found = head(f"{method} {path} HTTP/1.1", *sent, host=None)
    assert (found.method, found.line.target) == (method.encode(), path.encode())
    assert b"/" + found.line.service + found.line.rest == path.encode()
    assert found.fields.lines == [text.encode("latin-1") for text in texts]
    assert found.fields.joined == b"".join(text.encode("latin-1") + b"\r\n" for text in texts)
    assert (found.length, found.keep_alive) == (0, True)


SCRAPS = st.sampled_from(
    [b"\r\n", b"\r\n", b"\r", b"\n", b"\0", b" ", b"\t", b":", b": ", b"a", b"X-b: c", b"\r\nHost: h",
    b"\r\n folded", b"\x7f", b"\x0b",
     b"\xe9", b"\r\nContent-Length: 1", b"\r\nTransfer-Encoding: chunked", b"\r\nConnection: x-b", b"(", b"_"]
)  # fmt: skip


@settings(max_examples=4 * settings.default.max_examples)
@given(st.lists(SCRAPS, max_size=12).map(b"".join))
def test_nothing_but_field_lines_ever_passes(scraps):
    try:
        found = RequestParser().fields(b"\r\n" + scraps)
    except CallerError:
        return
    for line in (*found.lines, *found.special.values()):
        assert FIELD_LINE.fullmatch(line), line
    assert found.joined == b"".join(line + b"\r\n" for line in found.lines)
    assert len(found.lines) <= scraps.count(b"\r\n") + 1


@given(st.lists(st.lists(st.sampled_from(
    [b"\r\nHost: h", b"\r\nA: b", b"\r\nConnection: close", b"\r\nConnection: a", b"\r\nContent-Length: 3", b"\r\nbad",
     b"\r\nTransfer-Encoding: chunked", b"\r\nX-Forwarded-For: 1.1.1.1", b"\r\nExpect: x", b"\r\nA: \0"]),
     max_size=5), max_size=6))  # fmt: skip
def test_a_parser_that_has_seen_much_reads_as_a_fresh_one(blocks):
    used = RequestParser()
    for lines in blocks:
        assert reading(used, b"".join(lines)) == reading(RequestParser(), b"".join(lines))


def reading(parser: RequestParser, data: bytes) -> object:
    try:
        found = parser.fields(data)
    except CallerError as error:
        return type(error)
    return [getattr(found, name) for name in RequestFields.__slots__]


@given(st.lists(st.sampled_from(
    [b"GET /a HTTP/1.1", b"GET /a HTTP/1.0", b"POST /a/b?c HTTP/1.1", b"GET  /a HTTP/1.1",
    b"GET http://h/a/%2e HTTP/1.1",
     b"GET http://h/a HTTP/1.1", b"GET /a HTTP/3.0"]), max_size=10))  # fmt: skip
def test_a_line_that_is_remembered_reads_as_a_fresh_one(lines):
    used = RequestParser()
    for text in lines:
        assert line_reading(used, text) == line_reading(RequestParser(), text)


def line_reading(parser: RequestParser, text: bytes) -> object:
    try:
        line = parser.line(text)
    except CallerError as error:
        return type(error)
    return [getattr(line, name) for name in line.__slots__]


# The request line

BAD_LINES = [
    "", " ", "GET", "GET /a", "GET  /a HTTP/1.1", "GET /a  HTTP/1.1", " GET /a HTTP/1.1",
    "GET /a HTTP/1.1 ", "GET\t/a\tHTTP/1.1",
    "GET /a b HTTP/1.1", "G(T /a HTTP/1.1", "GÉT /a HTTP/1.1", "G" * 33 + " /a HTTP/1.1", "GET /a http/1.1",
    "GET /a HTTP/1",
    "GET /a HTTP/1.1x", "GET /a HTTP/11.1", "GET /a HTTPS/1.1", "GET /a\0 HTTP/1.1", "GET /a\r HTTP/1.1",
    "GET /a\n HTTP/1.1",
    "GET /caf\xe9 HTTP/1.1", "GET /a#b HTTP/1.1", "GET /a\x7f HTTP/1.1", "GET a HTTP/1.1", "GET * HTTP/1.1",
    "GET http:///a HTTP/1.1", "GET http://u:p@h/a HTTP/1.1", "GET http://h\\x/a HTTP/1.1", 'GET http://h"/a HTTP/1.1',
    "GET http://h,i/a HTTP/1.1", "GET http:/h/a HTTP/1.1", "GET  HTTP/1.1", "GET / /a HTTP/1.1",
]  # fmt: skip


@pytest.mark.parametrize("text", BAD_LINES)
def test_a_broken_request_line_is_refused(text):
    with pytest.raises(MalformedRequest):
        RequestParser().line(text.encode("latin-1"))


@pytest.mark.parametrize("version", ["HTTP/2.0", "HTTP/0.9", "HTTP/1.2", "HTTP/3.0"])
def test_other_versions_are_told_so(version):
    with pytest.raises(VersionNotSupported):
        RequestParser().line(f"GET /a {version}".encode())


def test_there_are_no_tunnels_by_connect():
    with pytest.raises(MethodNotAllowed):
        RequestParser().line(b"CONNECT h:443 HTTP/1.1")


def test_the_target_is_bounded():
    parser = RequestParser(longest_target=20)
    parser.line(b"GET /" + b"a" * 19 + b" HTTP/1.1")
    with pytest.raises(TargetTooLong):
        parser.line(b"GET /" + b"a" * 20 + b" HTTP/1.1")


TARGETS = [
    ("GET /shop/items?x=/../y HTTP/1.1", b"shop", b"/items?x=/../y", b""),
    ("GET /shop HTTP/1.1", b"shop", b"", b""),
    ("GET /shop?q HTTP/1.1", b"shop", b"?q", b""),
    ("GET / HTTP/1.1", b"", b"", b""),
    ("OPTIONS * HTTP/1.1", b"", b"", b""),
    ("GET http://other.example:81/shop/x HTTP/1.1", b"shop", b"/x", b"other.example:81"),
    ("GET HTTPS://[::1]/shop HTTP/1.1", b"shop", b"", b"[::1]"),
    ("GET http://h HTTP/1.1", b"", b"", b"h"),
    ("GET http://h?shop HTTP/1.1", b"", b"?shop", b"h"),
    ("GET /brain-gateway/shop/items HTTP/1.1", b"shop", b"/items", b""),
]


@pytest.mark.parametrize(("text", "service", "rest", "authority"), TARGETS)
def test_a_target_is_split_into_service_and_rest(text, service, rest, authority):
    line = RequestParser().line(text.encode())
    assert (line.service, line.rest, line.authority) == (service, rest, authority)


def test_the_authority_of_the_target_goes_before_the_host_field():
    assert host_line(head("GET http://other.example/shop HTTP/1.1")) == b"Host: other.example"
    assert host_line(head()) == b"Host: gw.example"
    assert host_line(head("GET /shop HTTP/1.0", host=None)) == b""


def test_remembered_lines_are_bounded_in_number_and_bytes():
    parser = RequestParser()
    for number in range(2 * parser.MOST_LINES):
        parser.line(b"GET /%d HTTP/1.1" % number)
        assert len(parser.known) <= parser.MOST_LINES
    long = b"GET /" + b"a" * parser.LONGEST_LINE + b" HTTP/1.1"
    parser.line(long)
    assert long not in parser.known


# What fields mean together

LENGTHS = [
    ((), 0),
    (("Content-Length: 0",), 0),
    (("Content-Length: 12",), 12),
    (("Content-Length: 000012",), 12),
    (("Transfer-Encoding: chunked",), CHUNKED),
    (("transfer-encoding:CHUNKED",), CHUNKED),
]


@pytest.mark.parametrize(("lines", "length"), LENGTHS)
def test_the_length_of_the_body(lines, length):
    assert block(*lines).length == length


def test_the_framing_of_chunks_is_the_gateways_own_and_a_length_travels():
    assert block("Transfer-Encoding: chunked", "A: b").lines == [b"A: b"]
    assert block("Content-Length: 3", "A: b").lines == [b"Content-Length: 3", b"A: b"]


SMUGGLING = [
    ("Content-Length: 1", "Transfer-Encoding: chunked"),
    ("Transfer-Encoding: chunked", "Content-Length: 1"),
    ("Content-Length: 1", "Content-Length: 1"),
    ("Content-Length: 1", "Content-Length: 2"),
    ("Content-Length: 1, 1",),
    ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
    ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
    ("Transfer-Encoding: gzip, chunked",),
    ("Transfer-Encoding : chunked",),
    ("Transfer-Encoding\t: chunked",),
    (" Transfer-Encoding: chunked",),
    ("X: y", " Transfer-Encoding: chunked"),
    ("X: y\nTransfer-Encoding: chunked",),
    ("X: y\rTransfer-Encoding: chunked",),
    ("X\0: y",),
    ("Host: a", "Host: a"),
    ("Host: a", "Host: b"),
    ("X-Request-ID: a", "X-Request-ID: b"),
    ("Authorization: a", "Authorization: b"),
    ("X-API-Key: a", "X-API-Key: b"),
    ("X-Tenant-ID: a", "X-Tenant-ID: b"),
    ("Origin: a", "Origin: b"),
    ("Expect: 100-continue", "Expect: 100-continue"),
]


@pytest.mark.parametrize("lines", SMUGGLING)
def test_what_two_servers_could_read_differently_is_refused(lines):
    with pytest.raises(MalformedRequest):
        block(*lines)


def test_underscored_framing_is_no_framing():
    found = block("Content_Length: 5", "Transfer_Encoding: chunked")
    assert (found.length, found.lines) == (0, [])


def test_the_number_of_fields_is_bounded():
    parser = RequestParser(most_fields=3)
    assert len(parser.fields(b"\r\nA: b" * 3).lines) == 3
    with pytest.raises(HeadersTooLarge):
        parser.fields(b"\r\nA: b" * 4)


def test_the_only_expectation_is_100_continue():
    assert block("Expect: 100-Continue").lines == [b"Expect: 100-Continue"]
    with pytest.raises(ExpectationFailed):
        block("Expect: 200-ok")


PERSISTENCE = [
    ("HTTP/1.1", (), True),
    ("HTTP/1.1", ("Connection: keep-alive",), True),
    ("HTTP/1.1", ("Connection: close",), False),
    ("HTTP/1.1", ("Connection: keep-alive", "Connection: close"), False),
    ("HTTP/1.1", ("Connection: close", "Connection: keep-alive"), False),
    ("HTTP/1.1", ("Connection: x-a", "Connection: CLOSE"), False),
    ("HTTP/1.0", (), False),
    ("HTTP/1.0", ("Connection: keep-alive",), True),
    ("HTTP/1.0", ("Connection: Keep-Alive, x-a",), True),
    ("HTTP/1.0", ("Connection: keep-alive", "Connection: close"), False),
]


@pytest.mark.parametrize(("version", "lines", "goes_on"), PERSISTENCE)
def test_whether_the_connection_goes_on(version, lines, goes_on):
    assert head(f"GET /shop {version}", *lines).keep_alive is goes_on


def test_what_connection_names_ends_here_but_not_what_a_request_rests_on():
    found = block(
        "Connection: X-Hop, close, Host, Authorization, content-type, content-length", "Connection: x-also",
        "X-HOP: 1", "x-also: 2",
        "Authorization: Bearer t", "Content-Type: a/b", "Content-Length: 0", "X-Stays: 3",
    )  # fmt: skip
    assert found.lines == [
        b"Authorization: Bearer t",
        b"Content-Type: a/b",
        b"Content-Length: 0",
        b"X-Stays: 3",
    ]


def test_connection_cannot_take_a_request_id_from_the_service():
    found = block("Connection: x-request-id", "X-Request-ID: abc")
    assert (b"X-Request-ID: abc" in found.lines) == (fields.REQUEST_ID in found.special)


@pytest.mark.parametrize(
    ("lines", "upgrade"),
    [
        (("Connection: Upgrade", "Upgrade: WebSocket"), b"websocket"),
        (("Upgrade: websocket", "Connection: keep-alive, upgrade"), b"websocket"),
        (("Upgrade: websocket",), b""),
        (("Connection: upgrade",), b""),
    ],
)
def test_an_upgrade_needs_both_fields(lines, upgrade):
    assert block(*lines).upgrade == upgrade


def test_repeated_forwarding_lines_are_kept_in_order():
    found = block("X-Forwarded-For: 1", "Forwarded: for=2", "X-Forwarded-For: 3")
    assert [*found.more_forwarded, found.special[fields.FORWARDED]] == [
        b"X-Forwarded-For: 1", b"Forwarded: for=2", b"X-Forwarded-For: 3",
    ]  # fmt: skip
    assert found.lines == []


PARENT = f"traceparent: 00-{'a' * 32}-{'b' * 16}-01"
STATES = [
    ((PARENT, "tracestate: a=1", "tracestate: b=2"), [b"tracestate: a=1", b"tracestate: b=2"]),
    (("tracestate: a=1",), []),
    (("traceparent: nonsense", "tracestate: a=1", "A: b"), [b"A: b"]),
    ((PARENT.replace("a" * 32, "0" * 32), "tracestate: a=1"), []),
]


@pytest.mark.parametrize(("lines", "travel"), STATES)
def test_a_trace_state_goes_with_its_parent(lines, travel):
    assert [line for line in block(*lines).lines if not line.startswith(b"traceparent")] == travel


UNUSUAL = ["Content-Length: 0", "Transfer-Encoding: chunked", "Connection: a", "Expect: 100-continue",
"Upgrade: a", "X-Tenant-ID: a",
           "X-API-Key: a", "Access-Control-Request-Method: PUT"]  # fmt: skip
USUAL = [
    "Host: a",
    "Accept: a",
    "Connection: keep-alive",
    "Authorization: Bearer a",
    "X-Request-ID: a",
    "Origin: a",
    "X-User-ID: a",
]


@pytest.mark.parametrize(("line", "unusual"), [(line, line in UNUSUAL) for line in UNUSUAL + USUAL])
def test_which_fields_ask_for_more_than_a_plain_request(line, unusual):
    assert block(line).unusual is unusual


def test_host_is_needed_in_1_1_alone():
    with pytest.raises(MalformedRequest):
        head("GET /shop HTTP/1.1", host=None)
    assert head("GET /shop HTTP/1.0", host=None).line.http_1_0


def test_chunks_are_unknown_to_1_0():
    parser = RequestParser()
    line = parser.line(b"POST /shop HTTP/1.0")
    with pytest.raises(MalformedRequest):
        together(line, parser.fields(b"\r\nHost: h\r\nTransfer-Encoding: chunked"))


def test_heads_of_one_connection_share_their_fields():
    parser = RequestParser()
    data = wire("GET /shop HTTP/1.1", "A: b")
    first, second = parse_head(data, parser), parse_head(data, parser)
    assert first.line is second.line
    first.keep_alive = False
    assert second.keep_alive


def test_lines_without_some_names():
    lines = [b"A: 1", b"b: 2", b"C:3"]
    assert without(lines, set()) is lines
    assert without(lines, {b"a", b"c"}) == [b"b: 2"]
