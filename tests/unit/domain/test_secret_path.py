"""Addresses of secrets lead nowhere else, and references are told from other texts."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.secret_path import (
    MOST_BYTES,
    MOST_FIELDS,
    PLATFORM,
    SecretPath,
    SecretReference,
    checked_values,
)
from brain_gateway.domain.tenancy import Secret
from tests.builders.planted import CREDENTIAL, MARKER

TENANT = "0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a"
TENANTS = st.none() | st.uuids().map(str)
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", fullmatch=True)


def test_a_path_shows_tenant_and_name():
    assert str(SecretPath(TENANT, "stripe")) == f"{TENANT}/stripe"
    assert str(SecretPath(None, "jwt")) == "platform/jwt"


def test_a_tenant_has_one_spelling():
    assert SecretPath(TENANT.upper(), "a") == SecretPath(TENANT, "a")


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "a/b",
        "../a",
        "a/../b",
        "/a",
        "a\\b",
        "a b",
        "a\n",
        "a\x00",
        "ä",
        "%2e%2e",
        ".a",
        "-a",
        "a" * 129,
    ],
)
def test_a_name_is_one_segment(name):
    with pytest.raises(ValueError, match="the name of a secret must be"):
        SecretPath(None, name)


@pytest.mark.parametrize(
    "tenant", ["", PLATFORM, "..", "demo", TENANT + "/x", TENANT.replace("-", ""), TENANT + "\n"]
)
def test_a_tenant_is_a_uuid(tenant):
    with pytest.raises(ValueError, match="must be a UUID"):
        SecretPath(tenant, "a")


@given(st.text(max_size=20), st.text(max_size=20))
def test_no_texts_make_a_path_of_other_than_two_segments(tenant, name):
    with contextlib.suppress(ValueError):
        assert str(SecretPath(tenant, name)).count("/") == 1


@given(st.tuples(TENANTS, NAMES), st.tuples(TENANTS, NAMES))
def test_different_paths_have_different_texts(one, other):
    assert (str(SecretPath(*one)) == str(SecretPath(*other))) == (SecretPath(*one) == SecretPath(*other))


@given(NAMES, NAMES)
def test_a_reference_is_what_it_was_written_as(name, field):
    reference = SecretReference(SecretPath(None, name), field)
    assert SecretReference.parse(str(reference)) == reference


@pytest.mark.parametrize(
    "text",
    ["", "secret:", "secret:a", "secret:a#", "secret:#a", "secret:a#b#c", " secret:a#b", "secret:a/b#c", "x"],
)
def test_other_texts_are_no_references(text):
    assert SecretReference.parse(text) is None


def test_values_that_can_be_stored():
    fields = {f"f{number}": Secret("x" * MOST_BYTES) for number in range(MOST_FIELDS)}
    assert checked_values(fields) == fields
    assert checked_values({"a": Secret("")}) is not None


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "1 to 64 fields, not 0"),
        ({f"f{number}": Secret("x") for number in range(MOST_FIELDS + 1)}, "not 65"),
        ({"a b": Secret(CREDENTIAL)}, "the name of a secret's field must be"),
        ({"a": Secret(CREDENTIAL * MOST_BYTES)}, "the field a is longer than 65536 bytes"),
        ({"a": Secret("ü" * (MOST_BYTES // 2 + 1))}, "the field a is longer"),
        ({"a": Secret(CREDENTIAL + "\ud800")}, "or is no Unicode text"),
    ],
    ids=range(6),
)
def test_values_that_cannot_are_not_repeated(values, said):
    with pytest.raises(ValueError, match="field") as caught:
        checked_values(values)
    assert said in str(caught.value)
    assert MARKER not in str(caught.value)
