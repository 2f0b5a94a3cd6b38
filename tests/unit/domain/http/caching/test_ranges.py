"""Parts of a body (RFC 9110 section 14)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.http.caching.ranges import part

PARTS = [
    (b"bytes=0-0", 10, (0, 0)), (b"bytes=0-", 10, (0, 9)), (b"bytes=3-99", 10, (3, 9)), (b"bytes=-4", 10, (6, 9)),
    (b"bytes=-99", 10, (0, 9)), (b"bytes=10-", 10, None), (b"bytes=-0", 10, None), (b"bytes=5-4", 10, None),
    (b"bytes=0-1,3-4", 10, None), (b"bytes=-", 10, None), (b"lines=0-1", 10, None), (b"bytes=0-0", 0, None),
    (b"bytes=-1", 0, None), (b"", 10, None),
]  # fmt: skip


@pytest.mark.parametrize(("value", "length", "found"), PARTS)
def test_parts(value, length, found):
    assert part(value, length) == found


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 20))
def test_a_part_is_inside(first, last, length):
    for value in (b"bytes=%d-%d" % (first, last), b"bytes=%d-" % first, b"bytes=-%d" % last):
        found = part(value, length)
        assert found is None or 0 <= found[0] <= found[1] < length
