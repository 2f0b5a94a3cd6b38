"""Vary (RFC 9111 section 4.1)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.http.caching.selection import choose, selector, vary_names
from tests.builders.stored import stored


def test_names_are_listed_once_and_in_one_order():
    assert vary_names({b"vary": b"X-B, accept , x-b,,"}) == (b"accept", b"x-b")
    assert vary_names({}) == ()


def of(vary, base=b"", **values):
    named = {name.encode(): value for name, value in values.items()}
    return selector(vary, base, named.get)


def test_what_tells_requests_apart():
    vary = (b"a", b"b")
    same = of(vary, a=b"1, 2", b=b"x")
    assert same == of(vary, a=b"1,2", b=b"x", c=b"other")
    others = [
        of(vary, a=b"1, 2"),
        of(vary, a=b"1, 2", b=b""),
        of(vary, a=b"2,1", b=b"x"),
        of(vary, b"base", a=b"1,2", b=b"x"),
    ]
    assert len({same, *others}) == 5


TEXT = st.binary(max_size=6)
FIELDS = st.dictionaries(st.sampled_from(["a", "b"]), TEXT)


@given(TEXT, FIELDS, TEXT, FIELDS)
def test_equal_for_equal_requests_alone(base, values, other_base, others):
    vary = (b"a", b"b")

    def plain(fields):
        return {
            name: b",".join(part.strip(b" \t") for part in value.split(b","))
            for name, value in fields.items()
        }

    alike = (base, plain(values)) == (other_base, plain(others))
    outer_space = any(value != value.strip(b" \t") for value in (*values.values(), *others.values()))
    if not outer_space:  # the ends of a value are stripped before it comes here
        assert (of(vary, base, **values) == of(vary, other_base, **others)) == alike


def test_the_most_recent_is_chosen():
    old, new = stored(date=1.0), stored(date=2.0)
    assert choose([old, new]) is choose([new, old]) is new
    assert choose([]) is None
