"""What is stored of a response, and what a 304 makes of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.http.caching.dates import format_date
from brain_gateway.domain.http.caching.selection import selector
from brain_gateway.domain.http.caching.storing import Circumstances, freshen, store, with_body
from tests.builders.stored import NOW


def around(**changes):
    values = {"asked": NOW - 1, "received": NOW, "base": b"base", "value_of": {b"a": b"1"}.get}
    return Circumstances(**{**values, **changes})


def made(*lines, status=200, **changes):
    return store(status, b"HTTP/1.1 200 OK", list(lines), [], around(**changes))


def test_what_is_worked_out():
    date = format_date(NOW - 10)
    response = made(
        b"Date: " + date, b"Cache-Control: max-age=60, stale-if-error=5, stale-while-revalidate=6", b'ETag: "a"',
        b"Last-Modified: " + date, b"Vary: A", b"Age: 3",
    )  # fmt: skip
    assert (response.lifetime, response.initial_age, response.received) == (60.0, 10.0, NOW)
    assert (response.stale_if_error, response.stale_while_revalidate) == (5.0, 6.0)
    assert (response.etag, response.last_modified, response.date) == (b'"a"', date, NOW - 10)
    assert response.vary == (b"a",)
    assert response.selector == selector((b"a",), b"base", {b"a": b"1"}.get)
    assert not any(line.startswith(b"Age") for line in response.lines)


def test_strict_and_validate():
    for control in (b"must-revalidate", b"proxy-revalidate", b"s-maxage=1"):
        assert made(b"Cache-Control: " + control).strict
    assert not made(b"Cache-Control: max-age=1").strict
    assert made(b"Cache-Control: no-cache").validate
    assert not made(b'Cache-Control: no-cache="a"').validate


def test_a_routes_policy_is_for_what_the_service_does_not_say():
    assert made(stale_if_error=9.0, default_ttl=8.0).stale_if_error == 9.0
    assert made(stale_if_error=9.0, default_ttl=8.0).lifetime == 8.0
    assert made(b"Cache-Control: stale-if-error=0", stale_if_error=9.0).stale_if_error == 0.0


def test_date_and_length_are_there_and_right():
    response = with_body(made(b"Content-Length: 77"), b"ok")
    assert response.lines == (b"Date: " + format_date(NOW), b"Content-Length: 2")
    assert with_body(made(status=204), b"").lines == (b"Date: " + format_date(NOW),)


def test_a_304_renews():
    old = with_body(made(b"Cache-Control: max-age=5", b'ETag: "a"', b"X-A: 1", b"X-B: 1", b"Age: 100"), b"ok")
    new = freshen(
        old, [b"Cache-Control: max-age=9", b"X-A: 2", b"Age: 2"], around(asked=NOW + 50, received=NOW + 50)
    )
    assert (new.lifetime, new.initial_age, new.received) == (9.0, 2.0, NOW + 50)
    assert (new.body, new.etag) == (b"ok", b'"a"')
    assert b"X-A: 2" in new.lines
    assert b"X-A: 1" not in new.lines
    assert b"X-B: 1" in new.lines
    assert [line for line in new.lines if line.startswith((b"Content-Length", b"Date"))] == [
        b"Date: " + format_date(NOW + 50), b"Content-Length: 2",
    ]  # fmt: skip


LINES = st.lists(
    st.builds(
        lambda name, value: name + b": " + value,
        st.sampled_from(
            [b"X-A", b"ETag", b"Cache-Control", b"Date", b"Age", b"Expires", b"Vary", b"Last-Modified"]
        ),
        st.one_of(
            st.sampled_from([b"max-age=5", b"no-cache", b'"a"', b"a", format_date(NOW)]),
            st.binary(max_size=8),
        ),
    ),
    max_size=6,
)


@given(LINES, st.binary(max_size=20), LINES)
def test_it_is_sound_whatever_comes(lines, body, more):
    response = with_body(made(*lines), body)
    assert response.lifetime >= 0
    assert response.initial_age >= 1.0, "the answer took a second"
    assert response.size > len(body)
    assert response.age(NOW - 100) == response.initial_age, "a clock that is set back makes nothing younger"
    again = freshen(response, more, around(asked=NOW + 5, received=NOW + 5))
    assert again.body == body
    assert sum(line.startswith(b"Content-Length") for line in again.lines) == 1
