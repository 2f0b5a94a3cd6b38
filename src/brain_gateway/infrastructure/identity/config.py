"""What the token verifier is told: whose tokens it accepts and where their claims stand."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from brain_gateway.domain.errors import ConfigurationError

SHARED_SECRET_ALGORITHM = "HS256"
ALGORITHMS = (SHARED_SECRET_ALGORITHM, "RS256", "PS256", "ES256", "ES384", "EdDSA")


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierConfig:
    """Tokens signed with `secret` (HS256), with a key published at `jwks_url` (all others), or either.

    `secret_awaited`: there is one, which will be told later. Times are seconds. `*_claims` name the claims that
    are read: the first one present wins. `issuer` and `audience` are checked when set. `require_https`
    (production) takes https or a loopback address only. Raises ConfigurationError that lists every fault.
    """

    secret: str | None = field(default=None, repr=False)
    secret_awaited: bool = False
    jwks_url: str | None = None
    issuer: str | None = None
    audience: str | None = None
    leeway: float = 0.0
    user_claims: tuple[str, ...] = ("sub", "user_id")
    tenant_claims: tuple[str, ...] = ("tenant_id",)
    roles_claims: tuple[str, ...] = ("roles", "role")
    algorithms: tuple[str, ...] = ALGORITHMS
    jwks_min_refetch: float = 10.0
    jwks_refresh_interval: float = 300.0
    jwks_max_stale: float = 86_400.0
    jwks_timeout: float = 5.0
    require_https: bool = False

    def __post_init__(self) -> None:
        faults = (*_token_faults(self), *_jwks_faults(self))
        if faults:
            raise ConfigurationError(faults=faults)

    @property
    def _by_secret(self) -> bool:
        return self.secret_awaited or bool(self.secret)

    @property
    def accepted(self) -> frozenset[str]:
        """The algorithms that a token may be signed with: those allowed that there is a key source for."""
        allowed = frozenset(self.algorithms)
        by_secret = allowed & {SHARED_SECRET_ALGORITHM} if self._by_secret else frozenset()
        by_key_set = allowed - {SHARED_SECRET_ALGORITHM} if self.jwks_url else frozenset()
        return by_secret | by_key_set


def _token_faults(config: VerifierConfig) -> Iterator[str]:
    unknown = sorted(set(config.algorithms) - set(ALGORITHMS))
    if unknown or not config.algorithms:
        yield f"token algorithms: {unknown or 'none'} cannot be used; choose from {', '.join(ALGORITHMS)}"
    if config.secret is not None and not config.secret:
        yield "JWT_SECRET is empty: give it at least 32 random bytes, or leave it out"
    if not 0 <= config.leeway <= 600:
        yield f"token leeway: {config.leeway} s is out of range; give 0 to 600 seconds"
    for name in ("user_claims", "tenant_claims", "roles_claims"):
        if not all(getattr(config, name)) or not getattr(config, name):
            yield f"{name}: name at least one claim, none of them empty"


def _jwks_faults(config: VerifierConfig) -> Iterator[str]:
    for name in ("jwks_min_refetch", "jwks_refresh_interval", "jwks_max_stale", "jwks_timeout"):
        if not getattr(config, name) > 0:
            yield f"{name}: {getattr(config, name)} s is not a time; give more than 0 seconds"
    if config.jwks_refresh_interval < config.jwks_min_refetch:
        yield "jwks_refresh_interval is shorter than jwks_min_refetch: make it at least as long"
    if config.jwks_url is not None:
        yield from _url_faults(config.jwks_url, config.require_https)


def _url_faults(text: str, require_https: bool) -> Iterator[str]:
    try:
        url = urlsplit(text)
        loopback = _is_loopback(url)
    except ValueError:
        yield "JWT_JWKS_URL is not a URL: give https://issuer.example/path/jwks.json"
        return
    if url.scheme not in {"http", "https"} or not url.hostname or url.username is not None:
        yield "JWT_JWKS_URL must be http(s)://host/path without user and password"
    elif require_https and url.scheme != "https" and not loopback:
        yield "JWT_JWKS_URL must be https (plain http is taken from loopback only): keys decide who may enter"


def _is_loopback(url: SplitResult) -> bool:
    if url.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(url.hostname or "").is_loopback
    except ValueError:  # a name, not an address
        return False
