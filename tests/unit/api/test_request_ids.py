"""X-Request-ID, taken over or made."""

from __future__ import annotations

import pytest
from starlette.requests import HTTPConnection

from brain_gateway.api.request_ids import request_id_of

MADE = "5f0c1a9b-e2f0-4b0c-8d6a-7d1c3f9e2b41"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (b"r-1", "r-1"),
        (b"~" * 128, "~" * 128),
        (b"~" * 129, MADE.replace("-", "")),
        (b"", MADE.replace("-", "")),
        (b"two words", MADE.replace("-", "")),
        (b"\xe9", MADE.replace("-", "")),
        (b"a\tb", MADE.replace("-", "")),
    ],
)
def test_it_is_visible_ascii_or_a_new_one(given, expected):
    asked = HTTPConnection({"type": "http", "headers": [(b"x-request-id", given)]})
    assert request_id_of(asked, lambda: MADE) == expected


def test_without_one_it_is_made():
    assert request_id_of(HTTPConnection({"type": "http", "headers": []}), lambda: MADE) == MADE.replace(
        "-", ""
    )
