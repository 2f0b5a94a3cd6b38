"""From the environment to Settings, and how wrong values name themselves."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.settings import Profile, Settings, load_settings
from brain_gateway.settings.documentation import describe_settings


def faults(environ: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(environ)
    return caught.value.faults


def test_defaults():
    settings = load_settings({})
    assert (settings.host, settings.port, settings.log_level) == ("127.0.0.1", 8001, "info")
    assert settings.profile is Profile.DEVELOPMENT
    assert settings.service_registry_enabled
    assert settings.auto_discovery
    assert settings.health_check_interval == 30.0
    assert settings == Settings()


def test_every_variable_is_read():
    """Each variable changes the setting that documents it, and no other."""
    values = {
        "BRAIN_GATEWAY_PROFILE": "Production",
        "BRAIN_GATEWAY_HOST": "10.0.0.1",
        "BRAIN_GATEWAY_PORT": "9",
        "BRAIN_GATEWAY_WORKERS": "3",
        "BRAIN_GATEWAY_CONFIG": __file__,
        "BRAIN_GATEWAY_DATA_DIR": "/tmp/x",
        "TLS_CERT_FILE": __file__,
        "TLS_KEY_FILE": __file__,
        "TRUSTED_PROXIES": "10.0.0.0/8, fd00::/8,127.0.0.1",
        "MAX_HEADER_BYTES": "2048",
        "MAX_HEADER_COUNT": "10",
        "MAX_TARGET_BYTES": "256",
        "HEADER_TIMEOUT": "500ms",
        "BODY_TIMEOUT": "1m",
        "SEND_TIMEOUT": "5",
        "KEEP_ALIVE_TIMEOUT": "0",
        "DRAIN_TIMEOUT": "1.5",
        "DRAIN_DELAY": "2",
        "MAX_CONNECTIONS": "7",
        "POOL_SIZE": "0",
        "MAX_TUNNELS": "9",
        "TRACE_SAMPLE": "0.5",
        "JWT_SECRET": "kT8zQ1vR5xW9cB3nM7pL2sD6fG0hJ4yA",
        "JWT_JWKS_URL": "https://idp.example/keys",
        "JWT_ISSUER": "https://idp.example",
        "JWT_AUDIENCE": "gateway",
        "JWT_LEEWAY": "5",
        "JWT_CLAIM_USER": "uid, sub",
        "JWT_CLAIM_TENANT": "org",
        "JWT_CLAIM_ROLES": "groups",
        "JWT_ALGORITHMS": "ES256,HS256",
        "JWKS_REFRESH_INTERVAL": "2m",
        "JWKS_MIN_REFETCH": "1",
        "DATABASE_URL": "postgresql+asyncpg://u:pw@h/db",
        "MIGRATION_DATABASE_URL": "postgres://owner:pw@h/db",
        "DATABASE_POOL_SIZE": "2",
        "DATABASE_TIMEOUT": "2s",
        "REDIS_URL": "redis://:pw@h:6379/0",
        "CONFIG_POLL_INTERVAL": "2s",
        "TENANT_TARGET_NETWORKS": "10.20.0.0/16",
        "LIMITS_WITHOUT_STORE": "refuse",
        "REDIS_TIMEOUT": "50ms",
        "RESPONSE_CACHE_BYTES": "1048576",
        "RESPONSE_CACHE_TENANT_BYTES": "1048576",
        "VAULT_ADDR": "https://vault:8200",
        "VAULT_ROLE_ID": "role",
        "VAULT_SECRET_ID": "abc",
        "VAULT_NAMESPACE": "team",
        "VAULT_KV_MOUNT": "kv",
        "VAULT_PATH_TEMPLATE": "apps/{tenant}/{name}",
        "VAULT_CA_FILE": __file__,
        "VAULT_TIMEOUT": "1",
        "VAULT_CACHE_TIME": "0",
        "VAULT_STALE_TIME": "1h",
        "SECRETS_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "VAULT_TOKEN": "hvs.abc",
        "SERVICE_REGISTRY_ENABLED": "false",
        "AUTO_DISCOVERY": "off",
        "DNS_RESOLVER": "[::1]:5353",
        "HEALTH_CHECK_INTERVAL": "10s",
        "LOG_LEVEL": "DEBUG",
        "LOG_FORMAT": "console",
        "ACCESS_LOG": "off",
        "ACCESS_LOG_SAMPLE": "1",
        "ACCESS_LOG_SLOW_MS": "250",
        "METRICS_TOKEN": "0123456789abcdef",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
    }
    assert set(values) == {about.variable for about in describe_settings()}
    loaded, default = load_settings(values), Settings()
    same = [
        a.variable
        for a in describe_settings()
        if getattr(loaded, a.attribute) == getattr(default, a.attribute)
    ]
    assert same == []
    assert loaded.trusted_proxies == tuple(map(ip_network, ("10.0.0.0/8", "fd00::/8", "127.0.0.1/32")))
    assert loaded.jwt_claim_user == ("uid", "sub")
    assert (loaded.header_timeout, loaded.body_timeout, loaded.log_level) == (0.5, 60.0, "debug")
    assert loaded.config == Path(__file__)


def test_empty_counts_as_unset():
    assert load_settings({"BRAIN_GATEWAY_PORT": "", "JWT_SECRET": "", "TRUSTED_PROXIES": " "}) == Settings()


def test_overrides_win_and_none_is_not_given():
    overrides = {"BRAIN_GATEWAY_PORT": 0, "BRAIN_GATEWAY_WORKERS": None}
    settings = load_settings({"BRAIN_GATEWAY_PORT": "5", "BRAIN_GATEWAY_WORKERS": "2"}, overrides)
    assert (settings.port, settings.workers) == (0, 2)


def test_the_host_follows_the_profile():
    secret = "kT8zQ1vR5xW9cB3nM7pL2sD6fG0hJ4yA"
    assert load_settings({"BRAIN_GATEWAY_PROFILE": "production", "JWT_SECRET": secret}).host == "0.0.0.0"


@pytest.mark.parametrize(
    ("variable", "value", "wanted"),
    [
        ("BRAIN_GATEWAY_PORT", "70000", "a whole number from 0 to 65535"),
        ("BRAIN_GATEWAY_WORKERS", "0", "a whole number from 1 to 512"),
        ("BRAIN_GATEWAY_HOST", "a b", "an IP address or a host name of this machine"),
        ("BRAIN_GATEWAY_PROFILE", "prod", "development or production"),
        ("LOG_LEVEL", "loud", "debug, info, warning, error or critical"),
        ("ACCESS_LOG", "perhaps", "on or off"),
        ("ACCESS_LOG_SAMPLE", "1.5", "a number from 0 to 1"),
        ("ACCESS_LOG_SAMPLE", "nan", "a number from 0 to 1"),
        ("ACCESS_LOG_SLOW_MS", "inf", "a number from 0 to 86400000"),
        ("HEADER_TIMEOUT", "0", "a duration from 100ms to 1h"),
        ("JWT_ALGORITHMS", "none", "a comma list of HS256"),
        ("JWT_CLAIM_USER", ",", "a comma list of claim names"),
        ("JWT_JWKS_URL", "idp.example", "an http or https URL"),
        ("TRUSTED_PROXIES", "10.0.0.1/8", "10.0.0.1/8 has host bits set"),
    ],
)
def test_a_wrong_value_names_itself(variable, value, wanted):
    (fault,) = faults({variable: value})
    assert fault.startswith(f"{variable}={value}: must be ")
    assert wanted in fault


@pytest.mark.parametrize("variable", ["DATABASE_URL", "REDIS_URL", "METRICS_TOKEN"])
def test_a_wrong_secret_is_not_shown(variable):
    (fault,) = faults({variable: "ftp://u:pw@h"})
    assert fault.startswith(f"{variable}: must be ")
    assert "pw" not in fault.partition("must be")[0]
    assert "u:pw@h" not in fault


def test_a_password_in_a_visible_url_is_not_shown():
    (fault,) = faults({"VAULT_ADDR": "http://u:pw@vault"})
    assert fault.startswith("VAULT_ADDR=http://u:****@vault: must be an http or https URL")


def test_all_faults_at_once():
    found = faults({"BRAIN_GATEWAY_PORT": "x", "LOG_LEVEL": "y", "BRAIN_GATEWAY_HOST": "0.0.0.0"})
    assert [fault.partition("=")[0] for fault in found] == [
        "BRAIN_GATEWAY_HOST",
        "BRAIN_GATEWAY_PORT",
        "LOG_LEVEL",
    ]


def test_no_rule_is_judged_on_a_value_that_cannot_be_read():
    assert len(faults({"BRAIN_GATEWAY_PROFILE": "x", "BRAIN_GATEWAY_HOST": "0.0.0.0"})) == 1


def test_what_kubernetes_sets_is_explained():
    (fault,) = faults({"BRAIN_GATEWAY_PORT": "tcp://10.0.0.1:8001"})
    assert "enableServiceLinks" in fault


def test_secrets_mask_themselves():
    environ = {
        "JWT_SECRET": "hush-hush",
        "DATABASE_URL": "postgresql://u:pw@h/db",
        "VAULT_TOKEN": "hush-hush",
    }
    shown = repr(load_settings(environ)) + str(load_settings(environ))
    assert "hush" not in shown
    assert "pw" not in shown


def test_unknown_fields_are_refused():
    with pytest.raises(ValueError, match="prot"):
        Settings(prot=1)
