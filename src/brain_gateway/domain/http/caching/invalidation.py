"""What an unsafe request makes invalid (RFC 9111 section 4.4)."""

from __future__ import annotations

import re
from collections.abc import Mapping

SAFE = frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE"))  # RFC 9110 section 9.2.1; what is unknown is unsafe
_ABSOLUTE = re.compile(rb"(?i)https?://([^/?#]*)([^#]*)")
_PATH = re.compile(rb"(/[^#]*)")


def invalidates(method: bytes, status: int) -> bool:
    """Whether what is stored under its target, and what the answer points to, is no longer valid."""
    return method not in SAFE and 200 <= status < 400


def pointed_to(values: Mapping[bytes, bytes], hosts: frozenset[bytes]) -> list[bytes]:
    """The paths with query in Location and Content-Location, where they are on one of these hosts (lower case):
    others must not be invalidated. Relative references without a leading slash are left alone."""
    paths = []
    for name in (b"location", b"content-location"):
        value = values.get(name, b"")
        absolute = _ABSOLUTE.fullmatch(value)
        if absolute is not None:
            if absolute[1].lower() in hosts:
                paths.append(absolute[2] or b"/")
        elif value[:2] != b"//" and (found := _PATH.match(value)):
            paths.append(found[1])
    return paths
