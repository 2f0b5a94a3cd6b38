"""Tokens and a tenant for development; production never mints, it only verifies."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from brain_gateway.infrastructure.identity.compact import encode_part
from brain_gateway.infrastructure.identity.config import SHARED_SECRET_ALGORITHM
from brain_gateway.infrastructure.identity.keys import shared_secret
from brain_gateway.infrastructure.identity.shared_key import sign

DEMO_TENANT_ID: Final = "0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a"
DEMO_TENANT_NAME: Final = "Demo"
DEMO_USER_ID: Final = "demo"


def mint(
    secret: str,
    tenant_id: str,
    user_id: str,
    roles: Iterable[str],
    lifetime: float,
    now: float,
    *,
    token_id: str | None = None,
    issuer: str | None = None,
    audience: str | None = None,
) -> str:
    """Sign a token with HS256: `now` is seconds since the epoch, `lifetime` seconds from then.

    Raises ConfigurationError when the secret is empty or is really a public key.
    """
    claims: dict[str, object] = {"sub": user_id, "tenant_id": tenant_id, "roles": sorted(roles)}
    claims |= {"iat": int(now), "exp": int(now + lifetime)}
    optional = {"jti": token_id, "iss": issuer, "aud": audience}
    claims |= {name: value for name, value in optional.items() if value is not None}
    signing_input = _part({"alg": SHARED_SECRET_ALGORITHM, "typ": "JWT"}) + b"." + _part(claims)
    shared_secret(secret)
    signature = sign(secret.encode(), signing_input)
    return (signing_input + b"." + encode_part(signature)).decode("ascii")


def _part(value: dict[str, object]) -> bytes:
    return encode_part(json.dumps(value, separators=(",", ":")).encode())
