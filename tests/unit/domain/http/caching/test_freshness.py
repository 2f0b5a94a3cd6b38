"""Lifetimes and ages (RFC 9111 section 4.2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.http.caching.dates import format_date
from brain_gateway.domain.http.caching.directives import parse
from brain_gateway.domain.http.caching.freshness import age_value, initial_age, lifetime
from tests.builders.stored import NOW


def at(offset: float) -> bytes:
    return format_date(NOW + offset)


LIFETIMES = [
    (200, b"max-age=60", {}, 60),
    (200, b"s-maxage=30, max-age=60", {}, 30),
    (200, b"s-maxage=x, max-age=60", {}, 0),
    (200, b"max-age=60", {b"expires": at(5)}, 60),
    (200, b"", {b"expires": at(5)}, 5),
    (200, b"", {b"expires": at(5), b"date": at(-10)}, 15),
    (200, b"", {b"expires": at(-5), b"date": at(0)}, 0),
    (200, b"", {b"expires": b"0", b"last-modified": at(-1000)}, 0),
    (200, b"", {b"last-modified": at(-1000)}, 100),
    (200, b"", {b"last-modified": at(-1000), b"date": at(-500)}, 50),
    (200, b"", {b"last-modified": at(1000)}, 0),
    (200, b"", {b"last-modified": at(-1e8)}, 86400),
    (302, b"", {b"last-modified": at(-1000)}, 0),
    (302, b"public", {b"last-modified": at(-1000)}, 100),
    (302, b"", {b"expires": at(5)}, 5),
    (200, b"", {}, 0),
]


@pytest.mark.parametrize(("status", "control", "firsts", "expected"), LIFETIMES)
def test_lifetimes(status, control, firsts, expected):
    assert lifetime(status, parse(control), firsts, NOW) == expected


def test_a_routes_own_time_is_for_answers_that_state_none():
    assert lifetime(200, {}, {}, NOW, 7.0) == 7.0
    assert lifetime(200, {}, {b"last-modified": at(-1000)}, NOW, 7.0) == 7.0
    assert lifetime(200, parse(b"max-age=1"), {}, NOW, 7.0) == 1.0
    assert lifetime(200, {}, {b"expires": b"0"}, NOW, 7.0) == 0.0
    assert lifetime(500, {}, {}, NOW, 7.0) == 0.0


AGES = [
    (b"", 0), (b"5", 5), (b"5, 9", 5), (b"x", 0), (b"-5", 0), (b"5.0", 0), (b"5;x=1", 0), (b"x, 5", 0),
    (b"9" * 30, 2**31), (b"5 , 9", 5),
]  # fmt: skip


@pytest.mark.parametrize(("text", "seconds"), AGES)
def test_age(text, seconds):
    assert age_value({b"age": text}) == seconds


@given(st.integers(0, 1000), st.integers(-1000, 1000), st.integers(0, 100))
def test_an_answer_is_at_least_as_old_as_anything_says(age, date, delay):
    found = initial_age({b"age": b"%d" % age, b"date": at(date)}, NOW - delay, NOW)
    assert found >= age
    assert found >= -date
    assert found >= delay
    assert found == max(0, -date, age + delay)
