"""A part of a stored response (RFC 9110 section 14): one range of bytes; what asks for more is the service's affair."""

from __future__ import annotations

import re

_RANGE = re.compile(rb"bytes=[ \t]*(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))[ \t]*")


def part(value: bytes, length: int) -> tuple[int, int] | None:
    """First and last position that a Range field asks for of so many bytes; None for several ranges, other units, and
    what cannot be satisfied."""
    match = _RANGE.fullmatch(value)
    if match is None:
        return None
    if match[3] is not None:
        suffix = min(int(match[3]), length)
        return (length - suffix, length - 1) if suffix else None
    first, last = int(match[1]), min(int(match[2] or length), length - 1)
    return (first, last) if first <= last and (not match[2] or first <= int(match[2])) else None
