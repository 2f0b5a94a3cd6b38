"""Access tokens: JWTs (RFC 7519) signed with HS256 and a shared secret, or with RS256 and our own key."""

import base64
import hashlib
import json
import os
import uuid
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.algorithms import RSAAlgorithm

from accounts.settings import Settings
from accounts.store import User


class TokenIssuer:
    """Issues and verifies this service's access tokens."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._headers: dict[str, str] = {}
        self.jwks: dict[str, list[dict[str, Any]]] = {"keys": []}  # RFC 7517; empty with HS256
        if settings.jwt_algorithm == "RS256":
            private = _load_or_create_key(settings.data_dir / "signing_key.pem")
            public = RSAAlgorithm.to_jwk(private.public_key(), as_dict=True)
            kid = _thumbprint(public)
            self._headers = {"kid": kid}
            self.jwks = {"keys": [{**public, "kid": kid, "use": "sig", "alg": "RS256"}]}
            self._signing: Any = private
            self._verifying: Any = private.public_key()
        else:
            self._signing = self._verifying = settings.jwt_secret

    def issue(self, user: User, now: int) -> str:
        """Return a signed token for the user; `now` is in seconds since the epoch."""
        claims = {
            "iss": self._settings.issuer,
            "sub": user.id,
            "tenant_id": user.tenant_id,
            "roles": list(user.roles),
            "email": user.email,
            "iat": now,
            "exp": now + self._settings.access_seconds,
            "jti": str(uuid.uuid4()),
        }
        if self._settings.audience:
            claims["aud"] = self._settings.audience
        return jwt.encode(
            claims, self._signing, algorithm=self._settings.jwt_algorithm, headers=self._headers
        )

    def subject(self, token: str) -> str:
        """Return the id of the user whose token this is; raises jwt.InvalidTokenError."""
        claims = jwt.decode(
            token,
            self._verifying,
            algorithms=[self._settings.jwt_algorithm],
            issuer=self._settings.issuer,
            audience=self._settings.audience,
            options={"require": ["sub", "exp", "iss"]},
        )
        return str(claims["sub"])


def _load_or_create_key(path: Path) -> rsa.RSAPrivateKey:
    if not path.exists():
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
    loaded = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(loaded, rsa.RSAPrivateKey):
        raise ValueError(f"{path} holds no RSA key")
    return loaded


def _thumbprint(jwk: dict[str, Any]) -> str:
    """The key's identifier, RFC 7638: SHA-256 over its required members in lexical order."""
    members = json.dumps({name: jwk[name] for name in ("e", "kty", "n")}, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(members.encode()).digest()).rstrip(b"=").decode()
