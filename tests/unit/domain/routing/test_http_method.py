"""Methods: any token; what RFC 9110 says of those that it defines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.errors import MalformedRequest
from brain_gateway.domain.routing import http_method
from brain_gateway.domain.routing.http_method import HttpMethod, is_method

TOKEN = st.text("!#$%&'*+-.^_`|~0123456789ABCXYZabcxyz", min_size=1, max_size=32)


@pytest.mark.parametrize(
    ("value", "safe", "idempotent"),
    [
        ("GET", True, True),
        ("HEAD", True, True),
        ("OPTIONS", True, True),
        ("TRACE", True, True),
        ("PUT", False, True),
        ("DELETE", False, True),
        ("POST", False, False),
        ("PATCH", False, False),
        ("CONNECT", False, False),
        ("PURGE", False, False),
        ("get", False, False),
    ],
)
def test_rfc_9110_section_9_2(value: str, safe: bool, idempotent: bool) -> None:
    method = HttpMethod(value)
    assert (method.safe, method.idempotent, str(method)) == (safe, idempotent, value)


@given(TOKEN)
def test_any_token_is_a_method(value: str) -> None:
    assert HttpMethod(value).value == value
    assert HttpMethod(value) == HttpMethod(value)


@pytest.mark.parametrize(
    "value", ["", "G ET", "GET\n", "GET\r", "GET ", "GÉT", "A" * 33, "GE/T", "(GET)", '"', "GET\0"]
)
def test_anything_else_is_malformed(value: str) -> None:
    assert not is_method(value)
    with pytest.raises(MalformedRequest):
        HttpMethod(value)


def test_the_constants_are_what_they_are_called() -> None:
    named = {name: value for name, value in vars(http_method).items() if isinstance(value, HttpMethod)}
    assert len(named) == 9
    assert all(method.value == name for name, method in named.items())
