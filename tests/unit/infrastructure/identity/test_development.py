"""Development tokens are tokens like any other."""

from __future__ import annotations

import pytest

from brain_gateway.domain.errors import ConfigurationError, CredentialsExpired
from brain_gateway.infrastructure.identity.config import VerifierConfig
from brain_gateway.infrastructure.identity.development import DEMO_TENANT_ID, mint
from brain_gateway.infrastructure.identity.verifier import TokenVerifier
from tests.builders.issuer import NOW


def test_a_minted_token_verifies():
    token = mint("short", DEMO_TENANT_ID, "demo", ["client", "manager"], 60, NOW).encode()
    verifier = TokenVerifier(VerifierConfig(secret="short"))
    principal = verifier.verify(token, NOW)
    assert (principal.tenant_id, principal.user_id) == (DEMO_TENANT_ID, "demo")
    assert principal.roles == {"client", "manager"}
    assert principal.expires_at == NOW + 60
    with pytest.raises(CredentialsExpired):
        verifier.verify(token, NOW + 60)


def test_id_issuer_and_audience_when_given():
    token = mint("s", DEMO_TENANT_ID, "demo", [], 60, NOW, token_id="t", issuer="i", audience="a").encode()
    verifier = TokenVerifier(VerifierConfig(secret="s", issuer="i", audience="a"))
    assert verifier.verify(token, NOW).token_id == "t"


def test_nothing_is_signed_with_nothing():
    with pytest.raises(ConfigurationError):
        mint("", DEMO_TENANT_ID, "demo", [], 60, NOW)
