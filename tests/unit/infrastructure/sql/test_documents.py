"""Values of the domain as JSON and back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.domain.resilience.limits import RateLimit
from brain_gateway.domain.routing.policies import CorsPolicy
from brain_gateway.infrastructure.sql.documents import build, from_text, plain, to_text


class Colour(StrEnum):
    """One of two."""

    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Inner:
    """A value in another."""

    ratio: float = 1.0
    words: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Outer:
    """Every kind of field."""

    name: str
    count: int = 0
    on: bool = False
    colour: Colour = Colour.RED
    inner: Inner | None = None
    many: tuple[Inner, ...] = ()


INNER = st.builds(Inner, st.floats(allow_nan=False, allow_infinity=False), st.frozensets(st.text(max_size=4)))
OUTER = st.builds(
    Outer,
    st.text(),
    st.integers(-(2**53), 2**53),
    st.booleans(),
    st.sampled_from(Colour),
    st.none() | INNER,
    st.lists(INNER, max_size=3).map(tuple),
)


@given(OUTER)
def test_there_and_back(value):
    assert build(Outer, from_text(to_text(value))) == value


@given(OUTER)
def test_equal_values_are_equal_texts(value):
    text = to_text(value)
    assert to_text(build(Outer, json.loads(text))) == text
    assert list(json.loads(text)) == sorted(json.loads(text))


def test_what_is_left_out_has_its_default():
    assert build(Outer, {"name": "x"}) == Outer("x")


@pytest.mark.parametrize(
    "data",
    [
        {"name": 1},
        {"name": "x", "count": "1"},
        {"name": "x", "count": True},
        {"name": "x", "count": 1.5},
        {"name": "x", "on": 1},
        {"name": "x", "colour": "green"},
        {"name": "x", "inner": []},
        {"name": "x", "many": {}},
        {"name": "x", "many": [None]},
        {"name": "x", "inner": {"words": "text"}},
        {"name": "x", "inner": {"words": [1]}},
        {"name": "x", "protects": "something"},
        {"name": None},
        None,
        [],
        "x",
    ],
)
def test_what_means_nothing_is_refused(data):
    with pytest.raises(ValueError, match=r"expected|has no|is not a valid"):
        build(Outer, data)


def test_what_a_newer_version_did_not_ask_for_is_dropped():
    assert build(Outer, {"name": "x", "newer": None, "inner": {"newer": None}}) == Outer("x", inner=Inner())


def test_a_required_field_is_missing():
    with pytest.raises(TypeError):
        build(Outer, {})


def test_whole_numbers_are_fractions_too():
    assert build(Inner, {"ratio": 3}) == Inner(3.0)


def test_the_domain_checks_what_comes_back():
    with pytest.raises(ConfigurationError):
        build(RateLimit, {"requests": 0, "window": 1.0})


def test_policies_of_the_domain():
    policy = CorsPolicy(("https://a.example",), credentials=True)
    assert build(CorsPolicy, plain(policy)) == policy


@pytest.mark.parametrize("value", [object(), b"bytes", 1j])
def test_what_cannot_be_stored(value):
    with pytest.raises(TypeError):
        plain(value)
    with pytest.raises(TypeError):
        to_text({"x": value})


def test_types_that_cannot_be_read_back():
    with pytest.raises(TypeError, match="read back"):
        build(bytes, "x")
