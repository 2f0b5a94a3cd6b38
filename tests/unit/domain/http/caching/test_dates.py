"""HTTP dates: three forms, any case, GMT, and nothing else."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.http.caching.dates import format_date, parse_date
from tests.builders.stored import NOW

THEN = 784_111_777.0  # the instant of RFC 9110 section 5.6.7
FORMS = [
    b"Sun, 06 Nov 1994 08:49:37 GMT",
    b"Sunday, 06-Nov-94 08:49:37 GMT",
    b"Sun Nov  6 08:49:37 1994",
    b" sun, 06 nov 1994 08:49:37 gmt\t",
    b"SUN NOV 06 08:49:37 1994",
]


@pytest.mark.parametrize("text", FORMS)
def test_the_three_forms(text):
    assert parse_date(text, NOW) == THEN


NONE = [
    b"", b"0", b"-1", b"784111777", b"Sun, 06 Nov 1994 08:49:37 UTC", b"Sun, 06 Nov 1994 08:49:37 +0000",
    b"Sun, 06 Nov 1994 08:49:37", b"Sun, 6 Nov 1994 08:49:37 GMT", b"Sun, 06 Nov 1994 8:49:37 GMT",
    b"Sun 06 Nov 1994 08:49:37 GMT", b"Sun, 06-Nov-1994 08:49:37 GMT", b"Sun, 06  Nov 1994 08:49:37 GMT",
    b"Sun, 31 Feb 1994 08:49:37 GMT", b"Sun, 06 Nov 1994 24:49:37 GMT", b"Sun, 06 Nov 1994 08:60:37 GMT",
    b"Sun, 06 Nov 94 08:49:37 GMT", b"Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
    b"Sun, 00 Nov 1994 08:49:37 GMT", b"Sun, 06 Nov 0000 08:49:37 GMT",
]  # fmt: skip


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_date(text):
    assert parse_date(text, NOW) is None


def test_years_of_two_digits_are_at_most_fifty_years_ahead():
    assert parse_date(b"Friday, 01-Jan-76 00:00:00 GMT", NOW) == parse_date(
        b"Wed, 01 Jan 2076 00:00:00 GMT", NOW
    )
    assert parse_date(b"Friday, 01-Jan-78 00:00:00 GMT", NOW) == parse_date(
        b"Sun, 01 Jan 1978 00:00:00 GMT", NOW
    )


@given(st.integers(0, 253_402_300_799))
def test_what_is_written_is_read(instant):
    assert format_date(float(instant)).decode() == formatdate(instant, usegmt=True)
    assert parse_date(format_date(float(instant)), NOW) == instant


@given(st.binary(max_size=40))
def test_nothing_breaks_it(text):
    parse_date(text, NOW)
