"""What the models take can be carried on: by identities, in headers, in the domain."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from brain_gateway.infrastructure.identity import header_safe
from brain_gateway.schemas.file import ApiKeyModel, Label, unix_seconds
from brain_gateway.schemas.policies import CorsModel
from brain_gateway.schemas.rendering import date_time
from brain_gateway.schemas.service import ServiceModel
from brain_gateway.schemas.types import MOST_ROLES, Prefix, RoleName, ServiceName

HASH = "sha256:" + "0" * 64


@given(st.text(st.characters(codec="ascii"), max_size=70) | st.from_regex(r"\A[A-Za-z][A-Za-z0-9_:.\n-]*\Z"))
def test_a_role_that_is_taken_is_one_that_a_caller_can_have(text):
    try:
        role = TypeAdapter(RoleName).validate_python(text)
    except ValidationError:
        return
    assert header_safe.is_role(role)
    assert MOST_ROLES <= header_safe.MAX_ROLES


@pytest.mark.parametrize(
    ("kind", "text"),
    [(RoleName, "client"), (ServiceName, "shop"), (Prefix, "/api"), (Label, "shop-team")],
)
def test_no_text_ends_in_a_new_line(kind, text):
    assert TypeAdapter(kind).validate_python(text) == text
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(text + "\n")


@pytest.mark.parametrize("changes", [{"user": "a\n"}, {"hash": HASH + "\n"}, {"prefix": "bgk_\n"}])
def test_no_field_of_a_key_does(changes):
    assert ApiKeyModel(hash=HASH, user="a")
    with pytest.raises(ValidationError):
        ApiKeyModel(**{"hash": HASH, "user": "a", **changes})


def test_a_key_has_no_more_roles_than_a_caller_can_have():
    roles = tuple(f"r{number}" for number in range(MOST_ROLES))
    assert ApiKeyModel(hash=HASH, user="a", roles=roles).roles == roles
    with pytest.raises(ValidationError):
        ApiKeyModel(hash=HASH, user="a", roles=(*roles, "more"))


def test_times_that_are_taken_can_be_written_down_again():
    assert date_time(unix_seconds("9999-12-31T23:59:59Z")) == "9999-12-31T23:59:59.000Z"
    for text in ("9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59.5Z"):
        with pytest.raises(ValueError, match="before the year 10000"):
            unix_seconds(text)


@pytest.mark.parametrize(
    "document",
    [
        {"max_body": 2**64},
        {"prefix": "/" + "a" * 2000},
        {"probe": {"path": "/" + "a" * 2000}},
        {"routes": [{"path": "/" + "a" * 2000}]},
        {"routes": [{"path": f"/{number}"} for number in range(1001)]},
        {"routes": [{"path": "/a", "methods": [f"M{number}" for number in range(33)]}]},
        {"routes": [{"path": "/a", "methods": ["M" * 65]}]},
        {"targets": [f"http://a{number}.example" for number in range(1001)]},
        {"roles": [f"r{number}" for number in range(33)]},
        {"cors": {"origins": [f"http://a{number}.example" for number in range(101)]}},
    ],
    ids=lambda document: json.dumps(document)[:30],
)
def test_nothing_grows_without_bound(document):
    with pytest.raises(ValidationError):
        ServiceModel.model_validate(document)


def test_the_bounds_are_far():
    targets = tuple(f"http://a{number}.example" for number in range(1000))
    assert len(ServiceModel(targets=targets).targets or ()) == 1000
    assert CorsModel(origins=("https://app.example",), headers=("X-" + "a" * 90,))


@pytest.mark.parametrize("text", ["/..", "/a/../b", "/.", "/%2e%2e", "/a/%2E./b", "/.%2e"])
def test_a_prefix_leads_nowhere_else_in_any_spelling(text):
    with pytest.raises(ValidationError, match=r"\. or \.\."):
        TypeAdapter(Prefix).validate_python(text)
    assert TypeAdapter(Prefix).validate_python("/a/..b/%2e%2ec") == "/a/..b/%2e%2ec"
