"""Header lines: the grammar to the letter, and the verdict on each name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.errors import MalformedRequest
from brain_gateway.domain.http import fields
from brain_gateway.domain.http.fields import LineTable, request_lines, response_lines, split_line, value_of

TCHAR = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
NAMES = st.text(TCHAR, min_size=1, max_size=20).map(str.encode)
VALUES = st.binary(max_size=30).map(lambda raw: bytes(c for c in raw if c == 9 or 0x20 <= c != 0x7F))
WHITE = st.text(" \t", max_size=3).map(str.encode)
CONTROLS = [bytes([c]) for c in (*range(9), *range(10, 0x20), 0x7F)]


@given(NAMES, WHITE, VALUES, WHITE)
def test_a_line_is_a_name_and_a_value_without_its_white_space(name, before, value, after):
    line = name + b":" + before + value + after
    assert split_line(line) == (name.lower(), value.strip(b" \t"))
    assert value_of(line) == value.strip(b" \t")


@given(NAMES, VALUES, st.sampled_from(CONTROLS), st.data())
def test_no_control_character_passes_anywhere(name, value, control, choice):
    line = name + b": " + value
    at = choice.draw(st.integers(0, len(line)))
    broken = line[:at] + control + line[at:]
    for table in (request_lines(), response_lines()):
        with pytest.raises(MalformedRequest):
            table[broken]
        assert broken not in table


@pytest.mark.parametrize(
    "line",
    [b"", b":", b": v", b"Name", b"Name : v", b"Name\t: v", b" Name: v", b"\tfolded", b"Na me: v",
    b"N\xc3\xa4: v", b"N(: v",
     b'"N": v', b"N@: v"],
)  # fmt: skip
def test_what_is_no_field_line_is_refused(line):
    with pytest.raises(MalformedRequest):
        split_line(line)
    table = request_lines()
    table[b"Name: known"]  # a name that is known already takes another way
    with pytest.raises(MalformedRequest):
        table[line]


REQUEST_VERDICTS = {
    b"Accept: */*": fields.FORWARD,
    b"Cookie: a=b; c=d": fields.FORWARD,
    b"Via: 1.1 other": fields.FORWARD,
    b"X-Tenant: mine": fields.FORWARD,
    b"X-Users: 3": fields.FORWARD,
    b"my_header: a name of the client's own": fields.FORWARD,
    b"Host: gw.example:8001": fields.HOST,
    b"Host: [2001:db8::1]:80": fields.HOST,
    b"Content-Length: 12": fields.CONTENT_LENGTH,
    b"content-length:\t12 ": fields.CONTENT_LENGTH,
    b"Transfer-Encoding: Chunked": fields.TRANSFER_ENCODING,
    b"Connection: keep-alive": fields.KEEP_ALIVE,
    b"Connection: Keep-Alive": fields.KEEP_ALIVE,
    b"Connection: close": fields.CONNECTION,
    b"Connection: keep-alive, x-thing": fields.CONNECTION,
    b"Expect: 100-continue": fields.EXPECT,
    b"Upgrade: websocket": fields.UPGRADE,
    b"Authorization: Bearer x": fields.AUTHORIZATION,
    b"X-API-Key: bgk_1": fields.API_KEY,
    b"X-Tenant-ID: 1": fields.TENANT,
    b"X-Request-ID: abc": fields.REQUEST_ID,
    b"X-Request-ID: two words": fields.DROP,
    b"X-Request-ID: " + b"r" * 129: fields.DROP,
    b"X-Request-ID: caf\xe9": fields.DROP,
    b"traceparent: 00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01": fields.TRACEPARENT,
    b"traceparent: cc-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01-more": fields.TRACEPARENT,
    b"traceparent: ff-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01": fields.DROP,
    b"traceparent: 00-" + b"A" * 32 + b"-" + b"b" * 16 + b"-01": fields.DROP,
    b"traceparent: nonsense": fields.DROP,
    b"Origin: https://a.example": fields.ORIGIN,
    b"Access-Control-Request-Method: PUT": fields.PREFLIGHT,
    b"Forwarded: for=1.2.3.4": fields.FORWARDED,
    b"X-Forwarded-For: 1.2.3.4": fields.FORWARDED,
    b"X-FORWARDED-ANYTHING: 1": fields.FORWARDED,
}
# Names that end here, or under which the gateway alone may speak; also as CGI would misread them.
DROPPED = [
    "Keep-Alive",
    "Proxy-Connection",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "TE",
    "Trailer",
    "HTTP2-Settings",
    "X-User-ID",
    "X-User-Roles",
    "X-User-Anything",
    "x-authenticated-user",
    "X-Consumer-Username",
    "X-Real-IP",
    "X-Original-URL",
    "X-Rewrite-URL",
    "X_Tenant_ID",
    "X-Tenant_ID",
    "X_User-Id",
    "x_api_key",
    "Content_Length",
    "Transfer_Encoding",
    "X_Forwarded_For",
    "x_real_ip",
    "keep_alive",
    "x_request_id",
]


@pytest.mark.parametrize(("line", "verdict"), REQUEST_VERDICTS.items())
def test_what_a_request_line_means(line, verdict):
    table = request_lines()
    assert (table[line], table[line]) == (verdict, verdict)


@pytest.mark.parametrize("name", DROPPED)
def test_names_that_never_reach_a_service(name):
    assert request_lines()[f"{name}: 1".encode()] == fields.DROP
    assert request_lines()[f"{name.upper()}:1".encode()] == fields.DROP


RESPONSE_VERDICTS = {
    b"Server: nginx": fields.FORWARD,
    b"Set-Cookie: a=b": fields.FORWARD,
    b"X-User-ID: a service may say so": fields.FORWARD,
    b"Content-Length: 0": fields.CONTENT_LENGTH,
    b"Transfer-Encoding: chunked": fields.TRANSFER_ENCODING,
    b"Connection: close": fields.CONNECTION,
    b"Connection: keep-alive": fields.KEEP_ALIVE,
    b"Upgrade: websocket": fields.UPGRADE,
    b"Access-Control-Allow-Origin: *": fields.CORS,
    b"Content-Type: text/event-stream": fields.EVENT_STREAM,
    b"Content-Type: Text/Event-Stream; charset=utf-8": fields.EVENT_STREAM,
    b"Content-Type: text/html": fields.FORWARD,
    b"X-Request-ID: its own": fields.DROP,
    b"Keep-Alive: timeout=5": fields.DROP,
    b"Trailer: X-Sum": fields.DROP,
    b"Proxy-Authenticate: Basic": fields.DROP,
}


@pytest.mark.parametrize(("line", "verdict"), RESPONSE_VERDICTS.items())
def test_what_a_response_line_means(line, verdict):
    assert response_lines()[line] == verdict


REFUSED_VALUES = {
    "Content-Length": ["", "-1", "+1", "1.0", "0x1", "1 2", "1,1", "1_0", "٣", "1" * 19, "1;a"],
    "Transfer-Encoding": ["", "gzip", "chunked, chunked", "gzip, chunked", "identity", "chunked;q=1",
    "xchunked", "\x0bchunked"],
    "Host": ["", "a b", "a,b", "a/b", "a?b", "a#b", "u@a", "a\\b", 'a"b', "a<b>", "a{b}", "a^b", "a`b",
    "a|b", "ä", "a:b:c",
             "a:port", "[::1", "::1", "[a]b", "a;b", 'x";for=6.6.6.6;by="'],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"), [(name, v) for name, values in REFUSED_VALUES.items() for v in values]
)
def test_values_that_could_be_read_in_two_ways_are_refused(name, value):
    with pytest.raises(MalformedRequest):
        request_lines()[f"{name}: {value}".encode()]


@given(
    st.lists(
        st.sampled_from([*REQUEST_VERDICTS, b"bad line", b"a: \0", b"Host: a b", *map(str.encode, DROPPED)]),
        max_size=30,
    )
)
def test_a_table_that_has_seen_much_judges_as_a_fresh_one(lines):
    table = request_lines()
    for line in lines:
        assert verdict_of(table, line) == verdict_of(request_lines(), line)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=8))
def test_what_is_remembered_of_names_says_nothing_of_values(lines):
    table = request_lines()
    for name, value in lines:
        for line in (name + b":" + value, name + b":" + value + b"\r", name, name + b" :" + value):
            assert verdict_of(table, line) == verdict_of(request_lines(), line)


def verdict_of(table: LineTable, line: bytes) -> int | None:
    try:
        return table[line]
    except MalformedRequest:
        return None


def test_a_table_is_bounded_in_lines_and_in_bytes_of_each():
    table = request_lines()
    for number in range(2 * LineTable.MOST_LINES):
        table[b"X-N: %d" % number]
        assert len(table) <= LineTable.MOST_LINES
    long = b"X-N: " + b"v" * LineTable.LONGEST
    assert table[long] == fields.FORWARD
    assert long not in table


def test_names_are_bounded_in_number_and_in_bytes_of_each():
    table = request_lines()
    for number in range(2 * LineTable.MOST_NAMES):
        table[b"n%d: v" % number]
    table[b"n" * 60_000 + b": v"]
    assert len(table._names) <= LineTable.MOST_NAMES
    assert max(map(len, table._names)) <= LineTable.LONGEST
