"""Each rule of the table: what triggers it, what satisfies it."""

from __future__ import annotations

import pytest

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.settings import load_settings, warnings
from brain_gateway.settings.fields import Profile
from brain_gateway.settings.rules import RULES, Severity

SECRET = "kT8zQ1vR5xW9cB3nM7pL2sD6fG0hJ4yA"
SAFE = {"BRAIN_GATEWAY_PROFILE": "production", "JWT_SECRET": SECRET, "METRICS_TOKEN": "0123456789abcdef"}


def refusals(environ: dict[str, str]) -> str:
    try:
        load_settings(environ)
    except ConfigurationError as error:
        return "\n".join(error.faults)
    return ""


def test_safe_production_starts_without_a_word():
    assert warnings(load_settings(SAFE)) == ()


def test_development_starts_without_anything():
    assert warnings(load_settings({})) == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"JWT_SECRET": ""}, "JWT_SECRET: must be set in the production profile"),
        ({"JWT_SECRET": "x9!"}, "at least 32 bytes in production, not 3"),
        ({"JWT_SECRET": "x9!", "JWT_JWKS_URL": "https://idp.example/k"}, "at least 32 bytes"),
        ({"JWT_SECRET": "a" * 64}, "well known or easily guessed"),
        ({"JWT_SECRET": "change-me-this-is-my-super-secret-key"}, "well known or easily guessed"),
        ({"JWT_SECRET": "a-string-secret-at-least-256-bits-long"}, "well known or easily guessed"),
        ({"JWT_JWKS_URL": "http://idp.example/keys"}, "JWT_JWKS_URL=http://idp.example/keys: must be https"),
        ({"TRUSTED_PROXIES": "0.0.0.0/0"}, "TRUSTED_PROXIES=0.0.0.0/0: must name"),
        ({"TRUSTED_PROXIES": "::/0"}, "TRUSTED_PROXIES=::/0: must name"),
        ({"VAULT_TOKEN": "root"}, "VAULT_TOKEN: must be a token that your Vault issued"),
        ({"VAULT_ADDR": "https://vault"}, "VAULT_TOKEN: must be set for VAULT_ADDR"),
        ({"VAULT_ADDR": "https://vault", "VAULT_ROLE_ID": "r"}, "VAULT_SECRET_ID: must be set together with"),
        ({"VAULT_SECRET_ID": "s"}, "VAULT_ROLE_ID: must be set together with VAULT_SECRET_ID"),
        ({"VAULT_CA_FILE": "/nowhere"}, "VAULT_CA_FILE=/nowhere: must be a file that exists"),
        ({"SECRETS_KEY": "c2hvcnQ="}, "a key has 5 bytes, not 32"),
    ],
)
def test_production_refuses(change, said):
    assert said in refusals(SAFE | change)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"LOG_LEVEL": "debug"}, "LOG_LEVEL=debug"),
        ({"VAULT_ADDR": "http://vault:8200", "VAULT_TOKEN": "hvs.x"}, "VAULT_ADDR=http://vault:8200"),
        ({"JWT_JWKS_URL": "https://idp.example/keys"}, "JWT_ISSUER, JWT_AUDIENCE"),
        ({"METRICS_TOKEN": ""}, "METRICS_TOKEN"),
    ],
)
def test_production_warns(change, said):
    (warning,) = warnings(load_settings(SAFE | change))
    assert said in warning


@pytest.mark.parametrize(
    "change",
    [
        {"JWT_SECRET": "", "JWT_JWKS_URL": "https://idp.example/keys"},
        {"JWT_JWKS_URL": "http://127.0.0.1:9000/keys"},
        {"TRUSTED_PROXIES": "10.0.0.0/8"},
        {"JWT_SECRET": "prod-secret-9f86d081884c7d659a2feaa0c55ad015"},
        {"VAULT_ADDR": "http://localhost:8200", "VAULT_ROLE_ID": "r", "VAULT_SECRET_ID": "s"},
        {"JWT_SECRET": "secret:jwt#key"},
    ],
)
def test_production_takes(change):
    assert refusals(SAFE | change) == ""


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.2", "gateway.example"])
def test_development_stays_on_loopback(host):
    assert f"BRAIN_GATEWAY_HOST={host}: must be a loopback address" in refusals({"BRAIN_GATEWAY_HOST": host})


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_development_takes_loopback(host):
    assert refusals({"BRAIN_GATEWAY_HOST": host}) == ""


@pytest.mark.parametrize("change", [{}, SAFE])
def test_both_profiles_refuse(change, tmp_path):
    file = tmp_path / "file"
    file.touch()
    half = refusals(change | {"TLS_CERT_FILE": str(file)})
    assert half == "TLS_KEY_FILE: must be set together with TLS_CERT_FILE"
    absent = refusals(
        change | {"BRAIN_GATEWAY_CONFIG": "/nowhere", "TLS_CERT_FILE": "/no", "TLS_KEY_FILE": str(file)}
    )
    assert [line.partition("=")[0] for line in absent.splitlines()] == [
        "BRAIN_GATEWAY_CONFIG",
        "TLS_CERT_FILE",
    ]
    useless = refusals(change | {"JWT_SECRET": SECRET, "JWT_ALGORITHMS": "ES256"})
    assert useless == "JWT_ALGORITHMS=ES256: must contain HS256 for JWT_SECRET"
    hasty = refusals(change | {"JWKS_REFRESH_INTERVAL": "10", "JWKS_MIN_REFETCH": "20"})
    assert "must be at least JWKS_MIN_REFETCH (20 s)" in hasty


def test_a_key_set_needs_an_asymmetric_algorithm():
    environ = {"JWT_JWKS_URL": "https://idp.example/keys", "JWT_ALGORITHMS": "HS256"}
    assert "must contain RS256, ES256 or EdDSA for JWT_JWKS_URL" in refusals(environ)


def test_every_rule_gives_a_reason():
    assert all(rule.reason.endswith(".") and rule.variables and rule.profiles for rule in RULES)
    assert {rule.severity for rule in RULES} == set(Severity)
    assert {profile for rule in RULES for profile in rule.profiles} == set(Profile)
