"""What a shared cache may store (RFC 9111 sections 3 and 3.5)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.http.caching.directives import parse
from brain_gateway.domain.http.caching.storability import why_not_stored


def why(control=b"max-age=60", status=200, request=b"", authenticated=False, **values):
    fields = {name.replace("_", "-").encode(): value for name, value in values.items()}
    return why_not_stored(status, fields, parse(control), parse(request), authenticated=authenticated)


@pytest.mark.parametrize("control", [b"max-age=60", b"public", b"s-maxage=1", b"", b"private=a", b"no-cache"])
def test_may_be_stored(control):
    assert why(control) is None


REASONS = [
    ({"request": b"no-store"}, "request no-store"),
    ({"status": 103}, "status"),
    ({"status": 206}, "status"),
    ({"status": 304}, "status"),
    ({"status": 302, "control": b""}, "status"),
    ({"status": 302, "control": b"stale-if-error=60"}, "status"),
    ({"control": b"no-store, max-age=1"}, "no-store"),
    ({"control": b"private"}, "private"),
    ({"control": b"public, private"}, "private"),
    ({"control": b"must-understand, max-age=1", "status": 299}, "must-understand"),
    ({"control": b"must-understand, no-store", "status": 299}, "must-understand"),
    ({"vary": b"*"}, "vary"),
    ({"vary": b"accept,*, x"}, "vary"),
    ({"set_cookie": b"a=1"}, "set-cookie"),
    ({"authenticated": True}, "authenticated"),
    ({"authenticated": True, "control": b"max-age=1, proxy-revalidate"}, "authenticated"),
]


@pytest.mark.parametrize(("case", "reason"), REASONS)
def test_may_not(case, reason):
    assert why(**case) == reason


def test_what_allows_it_all_the_same():
    assert why(b"no-store, must-understand") is None
    assert why(b"", status=302, expires=b"0") is None
    for control in (b"public", b"s-maxage=1", b"must-revalidate"):
        assert why(control, authenticated=True) is None
    assert why(b"public", set_cookie=b"a=1") is None
    assert why(vary=b"x-*") is None


CONTROLS = st.lists(
    st.sampled_from(
        [b"public", b"private", b"no-store", b"no-cache", b"max-age=1", b"s-maxage=1", b"must-revalidate"]
    )
)


@given(CONTROLS, st.integers(200, 599), st.booleans())
def test_no_store_and_private_go_before_everything(controls, status, authenticated):
    control = b", ".join(controls)
    if b"no-store" in controls or b"private" in controls:
        assert why(control, status, authenticated=authenticated) is not None
    if why(control, status, authenticated=True) is None:
        assert why(control, status) is None, "who may share with credentials may share without"
