"""A token issuer for tests: keys of every kind, tokens signed with them, the JWK Set that publishes them."""

from __future__ import annotations

import base64
import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

NOW = 1_800_000_000.0
TENANT = "0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a"
SECRET = "a-secret-of-at-least-thirty-two-bytes"
KINDS = ("RS256", "PS256", "ES256", "ES384", "EdDSA")


class Body(httpx.AsyncByteStream):
    """A body that comes in pieces, as from a socket (httpx reads `content=` ahead)."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = pieces

    async def __aiter__(self):
        for piece in self._pieces:
            yield piece


def private_key(algorithm: str, serial: int = 0) -> Any:
    """A private key; the same one for the same arguments (making RSA keys is slow)."""
    return _generate(algorithm, serial)


@functools.cache
def _generate(algorithm: str, serial: int) -> Any:
    if algorithm in {"RS256", "PS256"}:
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    if algorithm == "ES384":
        return ec.generate_private_key(ec.SECP384R1())
    return ed25519.Ed25519PrivateKey.generate()


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a valid token at NOW; a change to None removes the claim."""
    usual = {"sub": "user-1", "tenant_id": TENANT, "roles": ["client"], "exp": NOW + 600, "jti": "token-1"}
    return {name: value for name, value in {**usual, **changes}.items() if value is not None}


def part(value: Any) -> bytes:
    """base64url of bytes, or of JSON."""
    raw = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def sign(algorithm: str, key: Any, header: Any, payload: Any) -> bytes:
    """A token with exactly this header and payload (objects, or raw bytes), signed as `algorithm`."""
    signing_input = part(header) + b"." + part(payload)
    return signing_input + b"." + part(jwt.get_algorithm_by_name(algorithm).sign(signing_input, key))


def hs256(payload: Any = None, header: Mapping[str, Any] | None = None, secret: str = SECRET) -> bytes:
    """A token signed with the shared secret."""
    head = {"alg": "HS256", "typ": "JWT", **(header or {})}
    return sign("HS256", secret.encode(), head, claims() if payload is None else payload)


@dataclass
class Issuer:
    """Publishes keys by key id: `keys[kid] = (algorithm, private key)`."""

    keys: dict[str, tuple[str, Any]] = field(default_factory=dict)

    def add(self, kid: str, algorithm: str = "ES256", serial: int = 0) -> None:
        """Publish a key."""
        self.keys[kid] = (algorithm, private_key(algorithm, serial))

    def token(self, kid: str, payload: Any = None, header: Mapping[str, Any] | None = None) -> bytes:
        """A token signed with a key of the issuer."""
        algorithm, key = self.keys[kid]
        head = {"alg": algorithm, "typ": "JWT", "kid": kid, **(header or {})}
        return sign(algorithm, key, head, claims() if payload is None else payload)

    def jwk(self, kid: str, /, **changes: Any) -> dict[str, Any]:
        """One public JWK; a change to None removes the member."""
        algorithm, key = self.keys[kid]
        public = jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key(), as_dict=True)
        members = {**public, "kid": kid, "use": "sig", "alg": algorithm, **changes}
        if "key_ops" not in changes:  # PyJWT writes them unasked
            members.pop("key_ops", None)
        return {name: value for name, value in members.items() if value is not None}

    def jwks(self) -> bytes:
        """The JWK Set document."""
        return json.dumps({"keys": [self.jwk(kid) for kid in self.keys]}).encode()
