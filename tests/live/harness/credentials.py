"""Tenants, tokens and API keys that the gateways of the tests know."""

from __future__ import annotations

import hashlib
import time

import jwt

from tests.builders.planted import API_KEY, JWT_SECRET

SECRET = JWT_SECRET
TENANT = "0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a"
OTHER_TENANT = "5f1d3c2b-9a8e-4f70-b6c5-0d9e8f7a6b5c"
API_KEY_HASH = "sha256:" + hashlib.sha256(API_KEY.encode()).hexdigest()


def token(
    *,
    tenant: str = TENANT,
    user: str = "user-1",
    roles: tuple[str, ...] = ("client",),
    lifetime: float = 3600.0,
    secret: str = SECRET,
    algorithm: str = "HS256",
) -> str:
    """A token that holds for `lifetime` seconds from now (negative: expired)."""
    now = time.time()
    claims = {"sub": user, "tenant_id": tenant, "roles": list(roles), "iat": now - 1, "exp": now + lifetime}
    return jwt.encode(claims, secret, algorithm)


def bearer(**claims: object) -> str:
    """The Authorization line of a token."""
    return f"Authorization: Bearer {token(**claims)}"  # type: ignore[arg-type]  # passed through as they are
