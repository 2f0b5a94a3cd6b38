"""From the claims of a token whose signature verified to a principal (RFC 7519 section 4.1)."""

from __future__ import annotations

import math
from collections.abc import Mapping

from brain_gateway.domain.errors import CredentialsExpired, CredentialsInvalid
from brain_gateway.domain.tenancy import Principal, tenant_id
from brain_gateway.infrastructure.identity.compact import strict_object
from brain_gateway.infrastructure.identity.config import VerifierConfig
from brain_gateway.infrastructure.identity.header_safe import (
    MAX_ROLE_LENGTH,
    MAX_ROLES,
    MAX_USER_ID_LENGTH,
    is_role,
    is_user_id,
)

MAX_TOKEN_ID_LENGTH = 255
Claims = Mapping[str, object]


def principal_of(raw: bytes, config: VerifierConfig, now_unix: float) -> Principal:
    """Check every claim at `now_unix` seconds. Raises CredentialsInvalid or CredentialsExpired."""
    claims = strict_object(raw, "claims")
    expires_at = _expires_at(claims, config.leeway, now_unix)
    _check_start(claims, config.leeway, now_unix)
    _check_issuer(claims, config.issuer)
    _check_audience(claims, config.audience)
    return Principal(
        tenant_id=_tenant(claims, config.tenant_claims),
        user_id=_user(claims, config.user_claims),
        roles=_roles(claims, config.roles_claims),
        expires_at=expires_at,
        token_id=_token_id(claims),
        scheme="jwt",
    )


def _expires_at(claims: Claims, leeway: float, now_unix: float) -> float:
    expiry = _numeric_date(claims, "exp")
    if expiry is None:
        raise CredentialsInvalid("the token has no expiry (exp)")
    if expiry + leeway <= now_unix:
        raise CredentialsExpired("the token has expired: obtain a new one")
    return expiry + leeway


def _check_start(claims: Claims, leeway: float, now_unix: float) -> None:
    for name in ("nbf", "iat"):
        start = _numeric_date(claims, name)
        if start is not None and start > now_unix + leeway:
            raise CredentialsInvalid(f"the token is not valid yet ({name} is in the future)")


def _numeric_date(claims: Claims, name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            seconds = float(value)
        except OverflowError:  # an integer of hundreds of digits
            seconds = math.inf
        if math.isfinite(seconds):
            return seconds
    raise CredentialsInvalid(f"the token's {name} is not a number of seconds")


def _check_issuer(claims: Claims, issuer: str | None) -> None:
    if issuer is not None and claims.get("iss") != issuer:
        raise CredentialsInvalid("the token is from another issuer (iss)")


def _check_audience(claims: Claims, audience: str | None) -> None:
    if audience is None:
        return
    named = claims.get("aud")
    if named != audience and not (isinstance(named, list) and audience in named):
        raise CredentialsInvalid("the token is for another audience (aud)")


def _first(claims: Claims, names: tuple[str, ...]) -> object:
    return next((value for name in names if (value := claims.get(name)) is not None), None)


def _tenant(claims: Claims, names: tuple[str, ...]) -> str:
    value = _first(claims, names)
    if not isinstance(value, str):
        raise CredentialsInvalid(f"the token names no tenant ({' or '.join(names)})")
    try:
        return tenant_id(value)
    except CredentialsInvalid:
        raise CredentialsInvalid(f"the token's tenant ({' or '.join(names)}) is not a UUID") from None


def _user(claims: Claims, names: tuple[str, ...]) -> str:
    value = _first(claims, names)
    if isinstance(value, int) and not isinstance(value, bool):  # a database key, as older issuers write it
        value = str(value) if abs(value) < 10**20 else ""
    if not isinstance(value, str):
        raise CredentialsInvalid(f"the token names no user ({' or '.join(names)})")
    if not is_user_id(value):
        limit = f"1 to {MAX_USER_ID_LENGTH} visible ASCII characters"
        raise CredentialsInvalid(f"the token's user ({' or '.join(names)}) is not {limit}")
    return value


def _roles(claims: Claims, names: tuple[str, ...]) -> frozenset[str]:
    value = _first(claims, names)
    roles = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(roles, list) or len(roles) > MAX_ROLES:
        raise CredentialsInvalid(f"the token's roles are not a name or a list of at most {MAX_ROLES} names")
    if not all(isinstance(role, str) and is_role(role) for role in roles):
        limit = f"letters, digits or !#$%&'*+.^_`|~-, at most {MAX_ROLE_LENGTH} of them"
        raise CredentialsInvalid(f"a role in the token is not made of {limit}")
    return frozenset(roles)


def _token_id(claims: Claims) -> str | None:
    value = claims.get("jti")
    if value is None or (isinstance(value, str) and len(value) <= MAX_TOKEN_ID_LENGTH):
        return value
    raise CredentialsInvalid(f"the token's id (jti) is not text of at most {MAX_TOKEN_ID_LENGTH} characters")
