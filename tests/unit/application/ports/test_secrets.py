"""A stored secret is a mapping that shows its fields and none of its values."""

from __future__ import annotations

from brain_gateway.application.ports.secrets import StoredSecret
from brain_gateway.domain.tenancy import Secret
from tests.builders.planted import CREDENTIAL


def test_it_is_a_mapping():
    found = StoredSecret({"b": Secret("2"), "a": Secret("1")}, 3)
    assert (list(found), len(found), found["a"].reveal(), found.version) == (["b", "a"], 2, "1", 3)
    assert "a" in found
    assert "c" not in found
    assert found == {"a": Secret("1"), "b": Secret("2")}


def test_it_shows_fields_and_no_values():
    found = StoredSecret({"b": Secret(CREDENTIAL), "a": Secret("1")}, 3)
    assert repr(found) == "StoredSecret(version=3, fields=['a', 'b'])"
    assert CREDENTIAL not in f"{dict(found)} {list(found.items())}"


def test_what_was_given_can_change_afterwards():
    fields = {"a": Secret("1")}
    found = StoredSecret(fields, 1)
    fields["a"] = Secret("2")
    assert found["a"] == Secret("1")
