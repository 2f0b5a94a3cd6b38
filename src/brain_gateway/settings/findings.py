"""The predicates of the rules in rules.py: each returns what is wrong and what to do, or None."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from brain_gateway.settings.addresses import is_loopback, leaves_in_clear
from brain_gateway.settings.references import is_reference

if TYPE_CHECKING:
    from brain_gateway.settings.model import Settings

MIN_SECRET_BYTES = 32
"""RFC 7518 section 3.2: as long as the output of SHA-256."""

_MIN_DISTINCT = 8
_MAKE_ONE = "make one with `openssl rand -base64 48`"
_TUTORIAL_WORDS = (
    *(
        "changeme",
        "change-me",
        "change_me",
        "change",
        "example",
        "password",
        "insecure",
        "default",
        "supersecret",
    ),
    *(
        "development",
        "production",
        "secret",
        "super",
        "token",
        "256-bit",
        "your",
        "this",
        "jwt",
        "key",
        "dev",
        "test",
    ),
    *("-", "_", " ", "."),
)
_TUTORIAL_SECRETS = frozenset(
    {
        "a-string-secret-at-least-256-bits-long",
        "super-secret-jwt-token-with-at-least-32-characters-long",
        "your-256-bit-secret",
        "0123456789abcdef0123456789abcdef",
        "abcdefghijklmnopqrstuvwxyz123456",
        "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
    }
)
_DEVELOPMENT_VAULT_TOKENS = frozenset(
    {"root", "myroot", "dev-only-token", "dev-root-token", "vault-root-token", "token"}
)


def half_a_key_pair(settings: Settings) -> str | None:
    """One of certificate and key without the other."""
    given = {"TLS_CERT_FILE": settings.tls_cert_file, "TLS_KEY_FILE": settings.tls_key_file}
    missing = [name for name, path in given.items() if path is None]
    if len(missing) != 1:
        return None
    return f"{missing[0]}: must be set together with {(given.keys() - set(missing)).pop()}"


def missing_file(settings: Settings) -> str | None:
    """A path that is set and is no file."""
    given: dict[str, Path | None] = {
        "BRAIN_GATEWAY_CONFIG": settings.config,
        "TLS_CERT_FILE": settings.tls_cert_file,
        "TLS_KEY_FILE": settings.tls_key_file,
        "VAULT_CA_FILE": settings.vault_ca_file,
    }
    absent = [
        f"{name}={path}: must be a file that exists"
        for name, path in given.items()
        if path and not path.is_file()
    ]
    return "\n".join(absent) or None


def algorithms_without_key(settings: Settings) -> str | None:
    """Keys are given, and none of the accepted algorithms can use one."""
    symmetric = any(name.startswith("HS") for name in settings.jwt_algorithms)
    asymmetric = any(not name.startswith("HS") for name in settings.jwt_algorithms)
    usable = (settings.jwt_secret and symmetric) or (settings.jwt_jwks_url and asymmetric)
    if usable or not (settings.jwt_secret or settings.jwt_jwks_url):
        return None
    key, kind = ("JWT_SECRET", "HS256") if settings.jwt_secret else ("JWT_JWKS_URL", "RS256, ES256 or EdDSA")
    return f"JWT_ALGORITHMS={','.join(settings.jwt_algorithms)}: must contain {kind} for {key}"


def refresh_before_refetch(settings: Settings) -> str | None:
    """Scheduled fetches closer together than the shortest time between two fetches."""
    if settings.jwks_refresh_interval >= settings.jwks_min_refetch:
        return None
    return (
        f"JWKS_REFRESH_INTERVAL={settings.jwks_refresh_interval:g}: must be at least JWKS_MIN_REFETCH "
        f"({settings.jwks_min_refetch:g} s)"
    )


def development_on_the_network(settings: Settings) -> str | None:
    """A development start on an address that others reach."""
    if is_loopback(settings.host):
        return None
    return (
        f"BRAIN_GATEWAY_HOST={settings.host}: must be a loopback address (127.0.0.1) in the development "
        "profile; set BRAIN_GATEWAY_PROFILE=production to listen on the network"
    )


def no_key_at_all(settings: Settings) -> str | None:
    """Neither secret nor key set."""
    if settings.jwt_secret or settings.jwt_jwks_url:
        return None
    return f"JWT_SECRET: must be set in the production profile, or JWT_JWKS_URL instead; {_MAKE_ONE}"


def short_secret(settings: Settings) -> str | None:
    """A secret below 32 bytes; beside a key set too, since the secret would verify tokens all the same."""
    secret = _secret(settings)
    size = len(secret.encode())
    if not secret or size >= MIN_SECRET_BYTES:
        return None
    return f"JWT_SECRET: must be at least {MIN_SECRET_BYTES} bytes in production, not {size}; {_MAKE_ONE}"


def well_known_secret(settings: Settings) -> str | None:
    """A secret out of a tutorial, or with hardly any different characters beside such words."""
    secret = _secret(settings).strip().lower()
    if not secret:
        return None
    rest = secret
    for word in _TUTORIAL_WORDS:
        rest = rest.replace(word, "")
    if secret not in _TUTORIAL_SECRETS and len(set(rest)) >= _MIN_DISTINCT:
        return None
    return f"JWT_SECRET: must be random, and this one is well known or easily guessed; {_MAKE_ONE}"


def keys_in_clear(settings: Settings) -> str | None:
    """Public keys fetched over http from another machine."""
    if not settings.jwt_jwks_url or not leaves_in_clear(settings.jwt_jwks_url):
        return None
    return f"JWT_JWKS_URL={settings.jwt_jwks_url}: must be https in production (http on loopback only)"


def everyone_is_a_proxy(settings: Settings) -> str | None:
    """A trusted network of prefix length 0."""
    wide = next((network for network in settings.trusted_proxies if network.prefixlen == 0), None)
    if wide is None:
        return None
    return f"TRUSTED_PROXIES={wide}: must name the networks of your own proxies, not every address"


def well_known_vault_token(settings: Settings) -> str | None:
    """A development server's root token."""
    token = settings.vault_token.get_secret_value() if settings.vault_token else ""
    if token not in _DEVELOPMENT_VAULT_TOKENS:
        return None
    return "VAULT_TOKEN: must be a token that your Vault issued, not the root token of a development server"


def vault_in_clear(settings: Settings) -> str | None:
    """Vault over http on another machine."""
    if not settings.vault_addr or not leaves_in_clear(settings.vault_addr):
        return None
    return f"VAULT_ADDR={settings.vault_addr}: use https, secrets travel readable otherwise"


def debug_log(settings: Settings) -> str | None:
    """Debug logging in production."""
    return "LOG_LEVEL=debug: use info in production" if settings.log_level == "debug" else None


def tokens_for_others(settings: Settings) -> str | None:
    """A shared issuer whose tokens are taken whoever they are for."""
    if not settings.jwt_jwks_url or (settings.jwt_issuer and settings.jwt_audience):
        return None
    return "JWT_ISSUER, JWT_AUDIENCE: set both, tokens for other applications open this one too"


def public_metrics(settings: Settings) -> str | None:
    """Metrics without a token."""
    return (
        None
        if settings.metrics_token
        else "METRICS_TOKEN: set it, /metrics is readable by everyone otherwise"
    )


def vault_credentials(settings: Settings) -> str | None:
    """Vault without a way in, or with half of one."""
    role, secret = settings.vault_role_id is not None, settings.vault_secret_id is not None
    if role != secret:
        given, missing = (
            ("VAULT_ROLE_ID", "VAULT_SECRET_ID") if role else ("VAULT_SECRET_ID", "VAULT_ROLE_ID")
        )
        return f"{missing}: must be set together with {given}"
    if settings.vault_addr is None or role or settings.vault_token is not None:
        return None
    return "VAULT_TOKEN: must be set for VAULT_ADDR, or VAULT_ROLE_ID and VAULT_SECRET_ID instead"


def _secret(settings: Settings) -> str:
    """The secret; empty as long as it is only referred to (the rules are applied again when it is known)."""
    secret = settings.jwt_secret.get_secret_value() if settings.jwt_secret else ""
    return "" if is_reference(secret) else secret
