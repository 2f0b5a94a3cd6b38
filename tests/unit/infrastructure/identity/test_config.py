"""A verifier cannot be configured in a way that is unsafe or impossible."""

from __future__ import annotations

import pytest

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.infrastructure.identity.config import VerifierConfig

URL = "https://issuer.example/jwks.json"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"secret": ""}, "JWT_SECRET"),
        ({"algorithms": ("none",)}, "none"),
        ({"algorithms": ("HS256", "HS512")}, "HS512"),
        ({"algorithms": ()}, "choose from"),
        ({"leeway": -1.0}, "leeway"),
        ({"leeway": float("nan")}, "leeway"),
        ({"leeway": 3600.0}, "leeway"),
        ({"user_claims": ()}, "user_claims"),
        ({"roles_claims": ("",)}, "roles_claims"),
        ({"jwks_timeout": 0.0}, "jwks_timeout"),
        ({"jwks_min_refetch": float("nan")}, "jwks_min_refetch"),
        ({"jwks_refresh_interval": 5.0}, "jwks_refresh_interval"),
        ({"jwks_url": "issuer.example"}, "JWT_JWKS_URL"),
        ({"jwks_url": "ftp://issuer.example/"}, "JWT_JWKS_URL"),
        ({"jwks_url": "https://"}, "JWT_JWKS_URL"),
        ({"jwks_url": "https://[::1/"}, "JWT_JWKS_URL"),
        ({"jwks_url": "https://me:secret@issuer.example/"}, "JWT_JWKS_URL"),
        ({"jwks_url": "http://issuer.example/", "require_https": True}, "https"),
        ({"jwks_url": "http://127.0.0.1.issuer.example/", "require_https": True}, "https"),
    ],
)
def test_faults_are_named(settings, said):
    with pytest.raises(ConfigurationError, match=said) as caught:
        VerifierConfig(**settings)
    assert "me:secret" not in str(caught.value)


def test_all_faults_come_at_once():
    with pytest.raises(ConfigurationError) as caught:
        VerifierConfig(secret="", leeway=-1, jwks_url="x")
    assert len(caught.value.faults) == 3


@pytest.mark.parametrize("host", ["127.0.0.1:9000", "localhost", "[::1]:9000", "127.8.9.10"])
def test_loopback_may_be_plain_http(host):
    VerifierConfig(jwks_url=f"http://{host}/jwks.json", require_https=True)


@pytest.mark.parametrize(
    ("settings", "accepted"),
    [
        ({}, set()),
        ({"secret": "x"}, {"HS256"}),
        ({"jwks_url": URL}, {"RS256", "PS256", "ES256", "ES384", "EdDSA"}),
        ({"jwks_url": URL, "algorithms": ("HS256", "RS256")}, {"RS256"}),
        ({"jwks_url": URL, "secret": "x", "algorithms": ("HS256", "RS256")}, {"HS256", "RS256"}),
    ],
)
def test_an_algorithm_needs_a_source_of_keys(settings, accepted):
    assert VerifierConfig(**settings).accepted == accepted


def test_the_secret_is_not_shown():
    assert "hush" not in repr(VerifierConfig(secret="hush"))
