"""What unsafe requests make invalid (RFC 9111 section 4.4)."""

from __future__ import annotations

import pytest

from brain_gateway.domain.http.caching.invalidation import invalidates, pointed_to


@pytest.mark.parametrize("method", [b"POST", b"PUT", b"DELETE", b"PATCH", b"MOVE", b"get"])
def test_unsafe_methods_that_did_not_fail(method):
    assert all(invalidates(method, status) for status in (200, 201, 204, 303, 399))
    assert not any(invalidates(method, status) for status in (101, 400, 404, 500))


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"OPTIONS", b"TRACE"])
def test_safe_ones_change_nothing(method):
    assert not invalidates(method, 200)


POINTED = [
    (b"/a?x=1#y", [b"/a?x=1"]), (b"http://HOST:80/a", [b"/a"]), (b"https://host:80", [b"/"]),
    (b"http://elsewhere/a", []), (b"//host:80/a", []), (b"a", []), (b"", []), (b"ftp://host:80/a", []),
]  # fmt: skip


@pytest.mark.parametrize(("value", "paths"), POINTED)
def test_what_is_pointed_to(value, paths):
    assert pointed_to({b"location": value}, frozenset((b"host:80",))) == paths
    assert pointed_to({b"content-location": value}, frozenset((b"host:80",))) == paths
