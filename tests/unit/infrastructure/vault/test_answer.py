"""What is read from an answer is what Vault would say, or the answer is not Vault's."""

from __future__ import annotations

import pytest

from brain_gateway.application.ports.secrets import SecretsStatus
from brain_gateway.infrastructure.vault.answer import Answer, Section, VaultAwayError

KNOWN = Section(
    {"text": "x", "number": 7, "half": 0.5, "true": True, "object": {"in": {"a": 1}}, "list": ["a", "b"]}
)


def test_what_is_there_is_read():
    assert (KNOWN.text("text"), KNOWN.number("number"), KNOWN.number("half")) == ("x", 7.0, 0.5)
    assert KNOWN.texts("list") == ["a", "b"]
    assert KNOWN.values("object") == {"in": {"a": 1}}
    assert KNOWN.section("object").section("in").number("a") == 1
    assert (KNOWN.true("true"), KNOWN.true("number"), KNOWN.true("nothing")) == (True, False, False)


def test_what_may_be_absent_has_a_default():
    assert KNOWN.number("nothing", 3) == 3
    assert KNOWN.texts("nothing") == []


@pytest.mark.parametrize(
    "read",
    [
        lambda: KNOWN.text("number"),
        lambda: KNOWN.text("nothing"),
        lambda: Section({"text": ""}).text("text"),
        lambda: KNOWN.number("text"),
        lambda: KNOWN.number("nothing"),
        lambda: KNOWN.number("object", 1),
        lambda: Section({"list": ["a", 1]}).texts("list"),
        lambda: Section({"list": None}).texts("list"),
        lambda: KNOWN.values("list"),
        lambda: KNOWN.section("text"),
        lambda: Answer(200, {}).section("data"),
    ],
)
def test_anything_else_is_not_vaults(read):
    with pytest.raises(VaultAwayError, match="what answers at VAULT_ADDR is not Vault"):
        read()


def test_the_port_hears_whether_it_is_a_refusal():
    away, refused = VaultAwayError("sealed", SecretsStatus.SEALED), VaultAwayError("no", refused=True)
    assert (away.unavailable.detail, away.unavailable.refused) == ("sealed", False)
    assert (refused.unavailable.detail, refused.unavailable.refused) == ("no", True)
