"""Conditions of clients and of the cache (RFC 9110 section 13, RFC 9111 section 4.3)."""

from __future__ import annotations

import pytest

from brain_gateway.domain.http.caching.dates import format_date
from brain_gateway.domain.http.caching.validation import (
    agrees,
    conditions,
    for_304,
    freshens,
    merged,
    not_modified,
)
from tests.builders.stored import NOW, stored


def at(offset: float) -> bytes:
    return format_date(NOW + offset)


NONE_MATCH = [
    (b'"a"', b'"a"', True), (b'W/"a"', b'"a"', True), (b'"a"', b'W/"a"', True), (b'"a"', b'"b", "a"', True),
    (b'"a"', b'"b"', False), (b'"a"', b"*", True), (b"", b"*", True), (b"", b'"a"', False), (b'"a"', b"a", False),
    (b"a", b"a", True), (b'"a,b"', b'"x", "a,b"', True), (b'"a"', b'w/"a"', True), (b'"a"', b'"a', False),
    (b'"\xfc"', b'"\xfc"', True),
]  # fmt: skip


@pytest.mark.parametrize(("etag", "asked", "same"), NONE_MATCH)
def test_if_none_match(etag, asked, same):
    assert not_modified(stored(etag=etag), {b"if-none-match": asked}, NOW) is same


MODIFIED = [
    (at(-100), at(-100), True), (at(-100), at(-99), True), (at(-100), at(-101), False), (at(-100), b"x", False),
    (b"", at(0), True), (b"", at(-1), False), (b"junk", at(0), True),
]  # fmt: skip


@pytest.mark.parametrize(("modified", "asked", "same"), MODIFIED)
def test_if_modified_since(modified, asked, same):
    assert not_modified(stored(last_modified=modified), {b"if-modified-since": asked}, NOW) is same


def test_the_tag_goes_before_the_date_and_only_a_200_counts():
    response = stored(etag=b'"a"', last_modified=at(-100))
    assert not not_modified(response, {b"if-none-match": b'"b"', b"if-modified-since": at(0)}, NOW)
    assert not not_modified(stored(etag=b'"a"', status=404), {b"if-none-match": b'"a"'}, NOW)
    assert not not_modified(response, {}, NOW)


def test_what_the_service_is_asked():
    assert conditions(stored(etag=b'W/"a"', last_modified=at(0))) == [
        b'If-None-Match: W/"a"',
        b"If-Modified-Since: " + at(0),
    ]
    assert conditions(stored()) == []


FRESHENS = [
    ({}, {}, True), ({"etag": b'"a"'}, {b"etag": b'"a"'}, True), ({"etag": b'"a"'}, {b"etag": b'"b"'}, False),
    ({"etag": b'W/"a"'}, {b"etag": b'"a"'}, True), ({"etag": b'"a"'}, {}, True), ({}, {b"etag": b'"a"'}, False),
    ({"last_modified": at(0)}, {b"last-modified": at(0)}, True),
    ({"last_modified": at(0)}, {b"last-modified": at(1)}, False),
    ({"etag": b'"a"', "last_modified": at(0)}, {b"etag": b'"a"', b"last-modified": at(1)}, True),
]  # fmt: skip


@pytest.mark.parametrize(("held", "brought", "same"), FRESHENS)
def test_whether_a_304_speaks_of_it(held, brought, same):
    assert freshens(stored(**held), brought) is same


def test_merging():
    old = (b"A: 1", b"A: 2", b"B: 1", b"Content-Type: x", b"Age: 5", b"Content-Length: 2")
    new = [b"a: 3", b"C: 1", b"Content-Type: y", b"Content-Length: 0", b"Content-Encoding: z"]
    assert merged(old, new) == [b"B: 1", b"Content-Type: x", b"Content-Length: 2", b"a: 3", b"C: 1"]


def test_what_a_304_carries():
    lines = (b"ETag: x", b"Content-Type: y", b"Vary: z", b"Cache-Control: a", b"X-Other: 1", b"Date: d")
    assert for_304(lines) == [b"ETag: x", b"Vary: z", b"Cache-Control: a", b"Date: d"]


def test_a_head_agrees_as_far_as_it_says_anything():
    response = stored(etag=b'"a"', body=b"ok")
    assert agrees(response, {})
    assert agrees(response, {b"etag": b'"a"', b"content-length": b"2"})
    for other in ({b"etag": b'"b"'}, {b"content-length": b"3"}, {b"last-modified": at(0)}):
        assert not agrees(response, other)
