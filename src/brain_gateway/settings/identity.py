"""How a token is verified and which of its claims are read."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from brain_gateway.settings.fields import CommaList, Group, Seconds, WebAddress, pieces, setting

Algorithm: TypeAlias = Literal["HS256", "RS256", "PS256", "ES256", "ES384", "EdDSA"]
AlgorithmList = Annotated[tuple[Algorithm, ...], NoDecode, BeforeValidator(pieces), Field(min_length=1)]
ClaimNames = Annotated[CommaList, Field(min_length=1)]

_CLAIMS = "a comma list of claim names"


class IdentitySettings(Group):
    """JSON Web Tokens (RFC 7519): keys, issuer, audience, claims."""

    jwt_secret: SecretStr | None = setting(
        "JWT_SECRET",
        None,
        "Shared secret of HS256 tokens. The development profile makes one when it is unset.",
        "a random text of at least 32 bytes, such as `openssl rand -base64 48` prints",
        shown="unset; in development random, once per data directory",
    )
    jwt_jwks_url: WebAddress | None = setting(
        "JWT_JWKS_URL",
        None,
        "Where the issuer publishes its public keys (RFC 7517) for RS, PS, ES and EdDSA tokens.",
        "an http or https URL",
    )
    jwt_issuer: str | None = setting(
        "JWT_ISSUER", None, "What claim `iss` must be. Unset: not checked.", "a text"
    )
    jwt_audience: str | None = setting(
        "JWT_AUDIENCE", None, "What claim `aud` must name. Unset: not checked.", "a text"
    )
    jwt_leeway: Seconds = setting(
        "JWT_LEEWAY",
        30.0,
        "How far the clocks of issuer and gateway may differ (claims exp, nbf, iat).",
        "a duration from 0 to 10m, such as 30 or 30s",
        "seconds",
        ge=0,
        le=600,
    )
    jwt_claim_user: ClaimNames = setting(
        "JWT_CLAIM_USER",
        ("sub", "user_id"),
        "Claims that hold the user's id; the first present wins.",
        _CLAIMS,
    )
    jwt_claim_tenant: ClaimNames = setting(
        "JWT_CLAIM_TENANT",
        ("tenant_id",),
        "Claims that hold the tenant's id; the first present wins.",
        _CLAIMS,
    )
    jwt_claim_roles: ClaimNames = setting(
        "JWT_CLAIM_ROLES",
        ("roles", "role"),
        "Claims that hold the roles, a list or one text; the first present wins.",
        _CLAIMS,
    )
    jwt_algorithms: AlgorithmList = setting(
        "JWT_ALGORITHMS",
        ("HS256", "RS256", "PS256", "ES256", "ES384", "EdDSA"),
        "Signature algorithms that are accepted, each only with a key of its own kind.",
        "a comma list of HS256, RS256, PS256, ES256, ES384 and EdDSA",
    )
    jwks_refresh_interval: Seconds = setting(
        "JWKS_REFRESH_INTERVAL",
        600.0,
        "How often the published keys are fetched again.",
        "a duration from 10s to 1d, such as 600 or 10m",
        "seconds",
        ge=10,
        le=86400,
    )
    jwks_min_refetch: Seconds = setting(
        "JWKS_MIN_REFETCH",
        30.0,
        "Shortest time between two fetches that tokens with an unknown key id cause.",
        "a duration from 1s to 1h, such as 30 or 30s",
        "seconds",
        ge=1,
        le=3600,
    )
