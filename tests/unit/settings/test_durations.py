"""Durations: what people write, what it means, what is refused."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain_gateway.settings.durations import DURATION_PATTERN, parse_duration

PARTS = st.tuples(st.integers(0, 10_000), st.sampled_from(["ms", "s", "m", "h", "d"]))
SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (60, 60.0),
        (0, 0.0),
        (0.5, 0.5),
        ("60", 60.0),
        ("60s", 60.0),
        (" 1m ", 60.0),
        ("500ms", 0.5),
        ("1m30s", 90.0),
        ("1.5h", 5400.0),
        ("1d", 86400.0),
    ],
)
def test_forms(written, seconds):
    assert parse_duration(written) == seconds


@pytest.mark.parametrize(
    "written",
    [
        True,
        False,
        None,
        -1,
        -0.5,
        math.inf,
        math.nan,
        10**400,
        "",
        "s",
        "-1s",
        "1 m",
        "1w",
        "1e3",
        "inf",
        [1],
        "٣s",
    ],
)
def test_refused(written):
    with pytest.raises(ValueError, match="must be a duration"):
        parse_duration(written)


@settings(deadline=None)
@given(st.lists(PARTS, min_size=1, max_size=4))
def test_parts_add_up(parts):
    text = "".join(f"{number}{unit}" for number, unit in parts)
    assert parse_duration(text) == pytest.approx(sum(number * SECONDS[unit] for number, unit in parts))


@settings(deadline=None)
@given(st.text(alphabet="0123456789.msh d-", max_size=8))
def test_published_pattern_takes_what_is_read(text):
    try:
        parse_duration(text)
    except ValueError:
        assert not re.fullmatch(DURATION_PATTERN, text.strip())
    else:
        assert re.search(DURATION_PATTERN, text.strip())
