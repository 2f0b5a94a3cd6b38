"""Whatever an issuer signs, what reaches the headers is safe there (the single rules: the contract suite)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.errors import CredentialsExpired, CredentialsInvalid
from brain_gateway.infrastructure.identity.claims import principal_of
from brain_gateway.infrastructure.identity.config import VerifierConfig
from tests.builders.issuer import NOW, TENANT, claims

CONFIG = VerifierConfig(secret="x")
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=80)
values = scalars | st.lists(scalars, max_size=40) | st.dictionaries(st.text(max_size=4), scalars, max_size=3)


@given(
    st.dictionaries(st.sampled_from(["sub", "user_id", "roles", "role", "jti", "exp", "nbf", "iat"]), values)
)
def test_a_principal_fits_into_headers_or_there_is_none(changes):
    raw = json.dumps(claims() | changes).encode()
    try:
        principal = principal_of(raw, CONFIG, NOW)
    except (CredentialsInvalid, CredentialsExpired):
        return
    line = f"{principal.user_id}|{','.join(principal.roles)}"
    assert all(0x21 <= ord(character) <= 0x7E for character in line)
    assert len(principal.roles) <= 32
    assert not any("," in role for role in principal.roles)
    assert principal.expires_at > NOW


@pytest.mark.parametrize("present", [None, "first"])
def test_the_first_name_present_wins_and_null_is_absent(present):
    config = VerifierConfig(secret="x", user_claims=("uid", "sub"), tenant_claims=("org", "tenant_id"))
    raw = json.dumps(claims() | {"uid": present, "org": None}).encode()
    principal = principal_of(raw, config, NOW)
    assert (principal.user_id, principal.tenant_id) == (present or "user-1", TENANT)


def test_names_with_dots_and_slashes_are_names():
    config = VerifierConfig(secret="x", tenant_claims=("https://example.com/tenant",))
    raw = json.dumps(claims(tenant_id=None) | {"https://example.com/tenant": TENANT}).encode()
    assert principal_of(raw, config, NOW).tenant_id == TENANT


@pytest.mark.parametrize("raw", [b"[]", b"null", b"1", b"", b"\x80", b'{"exp":1,"exp":2}'])
def test_claims_that_are_no_object_are_refused(raw):
    with pytest.raises(CredentialsInvalid, match="claims"):
        principal_of(raw, CONFIG, NOW)
