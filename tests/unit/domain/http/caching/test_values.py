"""Lines as values."""

from __future__ import annotations

from brain_gateway.domain.http.caching.values import combined, firsts

LINES = [b"A: 1", b"b:2", b"a:\t3 ", b"Empty:"]


def test_combined():
    assert combined(LINES) == {b"a": b"1, 3", b"b": b"2", b"empty": b""}


def test_firsts():
    assert firsts(LINES, (b"a", b"c")) == {b"a": b"1"}
