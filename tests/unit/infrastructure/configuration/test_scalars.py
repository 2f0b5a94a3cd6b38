"""The core schema of YAML 1.2: what an unquoted scalar means."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain_gateway.infrastructure.configuration.scalars import plain_scalar


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("False", False),
        ("0", 0),
        ("-12", -12),
        ("+12", 12),
        ("010", 10),
        ("0o17", 15),
        ("0xfF", 255),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("no", "no"),
        ("on", "on"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("60s", "60s"),
        ("127.0.0.1", "127.0.0.1"),
        (".inf", ".inf"),
        ("-", "-"),
        ("2030-01-01", "2030-01-01"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_meaning(text, value):
    assert plain_scalar(text) == value
    assert type(plain_scalar(text)) is type(value)


@settings(deadline=None)
@given(st.integers(-(10**38), 10**38))
def test_integers_read_back(number):
    assert plain_scalar(str(number)) == number


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_read_back(number):
    assert math.isclose(float(plain_scalar(repr(number))), number)
