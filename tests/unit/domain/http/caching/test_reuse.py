"""When a stored response may be used (RFC 9111 section 4, RFC 5861)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.http.caching.directives import parse
from brain_gateway.domain.http.caching.reuse import Use, judge, serves_error
from tests.builders.stored import NOW, stored

CASES = [
    (0, {}, b"", Use.FRESH),
    (59, {}, b"", Use.FRESH),
    (60, {}, b"", Use.VALIDATE),
    (30, {"initial_age": 30.0}, b"", Use.VALIDATE),
    (0, {"validate": True}, b"", Use.VALIDATE),
    (10, {}, b"no-cache", Use.REQUESTED),
    (10, {}, b"max-age=10", Use.FRESH),
    (11, {}, b"max-age=10", Use.REQUESTED),
    (0, {}, b"max-age=0", Use.REQUESTED),
    (10, {}, b"min-fresh=50", Use.FRESH),
    (11, {}, b"min-fresh=50", Use.REQUESTED),
    (70, {}, b"max-stale", Use.STALE),
    (70, {}, b"max-stale=10", Use.STALE),
    (71, {}, b"max-stale=10", Use.VALIDATE),
    (70, {}, b"max-stale=x", Use.VALIDATE),
    (70, {"strict": True}, b"max-stale", Use.VALIDATE),
    (70, {}, b"max-stale=100, max-age=65", Use.REQUESTED),
    (70, {"stale_while_revalidate": 20.0}, b"", Use.REFRESH),
    (80, {"stale_while_revalidate": 20.0}, b"", Use.VALIDATE),
    (70, {"stale_while_revalidate": 20.0, "strict": True}, b"", Use.VALIDATE),
    (-100, {}, b"", Use.FRESH),
]


@pytest.mark.parametrize(("after", "changes", "request_", "use"), CASES)
def test_judge(after, changes, request_, use):
    assert judge(stored(**changes), parse(request_), NOW + after) is use


def test_standing_in_for_errors():
    lenient = stored(stale_if_error=10.0)
    assert serves_error(lenient, {}, NOW + 69)
    assert not serves_error(lenient, {}, NOW + 70)
    assert serves_error(stored(), parse(b"stale-if-error=20"), NOW + 79)
    assert not serves_error(stored(), {}, NOW + 60)
    assert not serves_error(lenient, parse(b"no-cache"), NOW + 65)
    for word in ({"strict": True}, {"validate": True}):
        assert not serves_error(stored(stale_if_error=10.0, **word), {}, NOW + 65)


REQUESTS = st.lists(
    st.one_of(
        st.sampled_from([b"no-cache", b"max-stale"]),
        st.builds(
            lambda name, number: b"%b=%d" % (name, number),
            st.sampled_from([b"max-age", b"min-fresh", b"max-stale"]),
            st.integers(0, 200),
        ),
    ),
    max_size=3,
).map(b", ".join)
STORED = st.builds(
    stored,
    lifetime=st.floats(0, 100),
    initial_age=st.floats(0, 100),
    validate=st.booleans(),
    strict=st.booleans(),
    stale_while_revalidate=st.floats(0, 50),
)


@given(STORED, REQUESTS, st.floats(0, 200), st.floats(0, 200))
def test_what_is_served_is_allowed_by_somebody(response, text, after, later):
    request = parse(text)
    use, left = judge(response, request, NOW + after), response.left(NOW + after)
    if use is Use.FRESH:
        assert left > 0
        assert not response.validate
    if use in (Use.STALE, Use.REFRESH):
        assert left <= 0
        assert not response.strict
        assert not response.validate
    if b"no-cache" in request:
        assert use in (Use.REQUESTED, Use.VALIDATE)
    if not request and use is Use.VALIDATE:
        assert judge(response, request, NOW + after + later) is Use.VALIDATE, (
            "nothing becomes fresh by waiting"
        )
