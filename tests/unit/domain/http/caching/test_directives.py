"""Cache directives, as people and machines write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.http.caching.directives import (
    MOST_SECONDS,
    field_names,
    of_request,
    of_response,
    parse,
    parse_targeted,
    seconds,
)

PARSED = [
    (b"", {}),
    (b"no-store", {b"no-store": b""}),
    (b" No-Store ,\tMAX-AGE=5 ", {b"no-store": b"", b"max-age": b"5"}),
    (b",,no-store,,", {b"no-store": b""}),
    (b"max-age=5, max-age=6", {b"max-age": b"5"}),
    (b'private="a, b", public', {b"private": b"a, b", b"public": b""}),
    (b'x="a\\"b, no-store", public', {b"x": b'a"b, no-store', b"public": b""}),
    (b'x="never ends, no-store', {b"x": b'"never ends, no-store'}),
    (b'"max-age=5", public', {b"public": b""}),
    (b"max-age =5", {b"max-age": b" 5"}),
    (b"max-age= 5", {b"max-age": b" 5"}),
    (b"max-age=5;x, y", {b"max-age": b"5;x", b"y": b""}),
    (b"=5, y", {b"y": b""}),
]


@pytest.mark.parametrize(("value", "found"), PARSED)
def test_parse(value, found):
    assert parse(value) == found


SECONDS = [
    (b"0", 0), (b"5", 5), (b"0005", 5), (b"2147483648", MOST_SECONDS), (b"9" * 5000, MOST_SECONDS),
    (b"", 0), (b"-1", 0), (b"1.5", 0), (b"5s", 0), (b" 5", 0), (b"'5'", 0), (b"\xd9\xa5", 0),
]  # fmt: skip


@pytest.mark.parametrize(("text", "number"), SECONDS)
def test_seconds(text, number):
    assert seconds({b"max-age": text}, b"max-age") == number
    assert seconds({}, b"max-age") is None


TARGETED = [
    (b"max-age=5", {b"max-age": b"5"}),
    (b"max-age=5, no-store, private=?1", {b"max-age": b"5", b"no-store": b"", b"private": b""}),
    (b"no-store, no-store=?0, public", {b"public": b""}),
    (b'max-age=5;a="x, y", x="1, 2"', {b"max-age": b"5", b"x": b"1, 2"}),
    (b'max-age="5", public', {b"public": b""}),
    (b'max-age="5"', None),
    (b"max-age=5.0", None),
    (b"Max-Age=5", None),
    (b"max-age=5,", None),
    (b"max-age = 5", None),
    (b"max-age=5 public", None),
    (b"max-age=5, =", None),
    (b"", None),
]


@pytest.mark.parametrize(("value", "found"), TARGETED)
def test_structured_fields(value, found):
    assert parse_targeted(value) == found


def test_which_fields_count():
    assert of_request({b"cache-control": b"max-age=1", b"pragma": b"no-cache"}) == {b"max-age": b"1"}
    assert of_request({b"pragma": b"x, No-Cache"}) == {b"no-cache": b""}
    assert of_request({b"pragma": b"x"}) == of_request({}) == {}
    both = {b"cdn-cache-control": b"max-age=1", b"cache-control": b"no-store"}
    assert of_response(both) == {b"max-age": b"1"}
    assert of_response({**both, b"cdn-cache-control": b"?"}) == {b"no-store": b""}
    assert of_response({b"pragma": b"no-cache"}) == {}


def test_field_names():
    assert field_names(b"Set-Cookie, x-A ,,") == {b"set-cookie", b"x-a"}
    assert field_names(b"") == frozenset()


NAMES = st.from_regex(rb"[a-z][a-z-]{0,8}", fullmatch=True)
TOKENS = st.from_regex(rb"[A-Za-z0-9.-]{1,8}", fullmatch=True)
STRINGS = st.from_regex(rb"[ -~]{0,12}", fullmatch=True)


def written(name, argument):
    kind, text = argument
    if kind == "none":
        return name
    if kind == "token":
        return name + b"=" + text
    return name + b'="' + text.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


ARGUMENTS = st.one_of(
    st.tuples(st.just("none"), st.just(b"")),
    st.tuples(st.just("token"), TOKENS),
    st.tuples(st.just("string"), STRINGS),
)


@given(st.dictionaries(NAMES, ARGUMENTS, max_size=6), st.sampled_from([b",", b", ", b" ,\t, "]))
def test_what_is_written_is_read(directives, separator):
    value = separator.join(written(name, argument) for name, argument in directives.items())
    assert parse(value) == {name: text for name, (_, text) in directives.items()}


@given(st.binary(max_size=200))
def test_nothing_breaks_it(value):
    parse(value)
    parse_targeted(value)
    of_response({b"cache-control": value, b"cdn-cache-control": value})


@pytest.mark.parametrize("piece", [b'"', b'="', b'\\"', b",", b'a="b\\', b"a=1;b=", b'x="a",'])
def test_long_values_take_no_more_than_their_length(piece):
    value = piece * (65536 // len(piece))
    parse(value)
    parse_targeted(value)
