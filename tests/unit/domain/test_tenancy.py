"""Tenants, principals and credentials: one name each, and secrets that mask themselves."""

import hashlib
import pickle
from math import inf
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.errors import CredentialsInvalid
from brain_gateway.domain.tenancy import ApiKey, Principal, Role, Secret, tenant_id

ID = "0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a"


@given(st.uuids())
def test_a_tenant_has_one_name(uuid: UUID) -> None:
    assert tenant_id(str(uuid)) == tenant_id(str(uuid).upper()) == str(uuid)


@pytest.mark.parametrize(
    "text",
    ["", "demo", ID[:-1], ID + "0", ID + "\n", " " + ID, ID.replace("-", ""), f"{{{ID}}}", f"urn:uuid:{ID}",
     ID.replace("0b", "0g"), "\u0660" + ID[1:], "../" + ID[3:]],
)  # fmt: skip
def test_other_spellings_are_refused(text: str) -> None:
    with pytest.raises(CredentialsInvalid, match="not a UUID"):
        tenant_id(text)


def test_the_platforms_roles() -> None:
    assert [str(role) for role in Role] == ["super_admin", "tenant_admin", "manager", "client"]


@pytest.mark.parametrize(
    ("roles", "held"),
    [(["manager"], True), ([Role.MANAGER, Role.SUPER_ADMIN], True), (["super_admin"], False), ([], False)],
)
def test_has_any(roles: list[str], held: bool) -> None:
    principal = Principal(ID, "user", frozenset({"manager", "client"}))
    assert principal.has_any(roles) is held
    assert (principal.expires_at, principal.token_id, principal.scheme) == (inf, None, "jwt")


@given(st.binary(min_size=16, max_size=64))
def test_a_key_from_entropy_is_read_again(entropy: bytes) -> None:
    key = ApiKey.from_entropy(entropy)
    assert ApiKey.parse(key.reveal()) == key
    assert key.reveal().startswith("bgk_")
    assert key.prefix == key.reveal()[:12]
    assert key.hash == "sha256:" + hashlib.sha256(key.reveal().encode()).hexdigest()


def test_different_entropy_makes_different_keys() -> None:
    keys = [ApiKey.from_entropy(bytes([number]) * 32) for number in range(256)]
    assert len(set(keys)) == len({key.hash for key in keys}) == 256


def test_too_little_entropy_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 16 random bytes, got 15"):
        ApiKey.from_entropy(bytes(15))


@pytest.mark.parametrize(
    "text",
    ["", "bgk_", "bgk_short", "xyz_" + "a" * 32, "BGK_" + "a" * 32, "bgk_" + "a" * 129,
     "bgk_" + "a" * 32 + "\n", "bgk_" + "a b" * 8, "bgk_" + "é" * 16, " bgk_" + "a" * 32],
)  # fmt: skip
def test_what_is_no_key_is_refused_unquoted(text: str) -> None:
    with pytest.raises(CredentialsInvalid) as caught:
        ApiKey.parse(text)
    assert len(text) < 5 or text not in str(caught.value)


def test_a_key_masks_itself() -> None:
    key = ApiKey.parse("bgk_demo0123hidden-hidden-hidden")
    for shown in (repr(key), str(key), f"{key}", f"{key!r}", repr([key])):
        assert "bgk_demo0123****" in shown
        assert "hidden" not in shown


def test_a_secret_masks_itself() -> None:
    secret = Secret("s3cret")
    assert (repr(secret), str(secret)) == ("Secret(****)", "****")
    for shown in (repr(secret), str(secret), f"{secret}", repr({"a": secret})):
        assert "****" in shown
        assert "s3cret" not in shown
    assert secret.reveal() == "s3cret"


def test_secrets_compare_by_value() -> None:
    assert Secret("ä") == Secret("ä")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2
    assert (bool(Secret("")), bool(Secret("a"))) == (False, True)
    assert pickle.loads(pickle.dumps(Secret("a"))) == Secret("a")  # a spawned worker gets its settings so
