"""Public keys of token issuers, read from a JWK Set (RFC 7517, RFC 7518 section 6, RFC 8037).

A key is usable for the algorithms of its own kind alone, so a token can never choose how its key is used
(RFC 8725 sections 2.1 and 3.1). Private members are not read, symmetric keys are not taken from a key set.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.infrastructure.identity.compact import CompactToken
from brain_gateway.infrastructure.identity.config import SHARED_SECRET_ALGORITHM
from brain_gateway.infrastructure.identity.shared_key import is_secret, verifies

MAX_KEYS = 256
MIN_RSA_BITS = 2048  # RFC 7518 section 3.3
# (kty, crv) -> the algorithms of such a key, and the public members that make it
_FAMILIES: Mapping[tuple[str, str | None], tuple[tuple[str, ...], tuple[str, ...]]] = MappingProxyType(
    {
        ("RSA", None): (("RS256", "PS256"), ("n", "e")),
        ("EC", "P-256"): (("ES256",), ("crv", "x", "y")),
        ("EC", "P-384"): (("ES384",), ("crv", "x", "y")),
        ("OKP", "Ed25519"): (("EdDSA",), ("crv", "x")),
    }
)


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A key and the algorithms that it may be used with; equal when it is the same key for the same use."""

    key_id: str | None
    algorithms: frozenset[str]
    members: tuple[str, ...] = field(repr=False)
    material: object = field(compare=False, repr=False)  # bytes: of the shared secret

    def verifies(self, token: CompactToken) -> bool:
        """Whether the signature is this key's. False, too, when the key is not for the token's algorithm."""
        if token.algorithm not in self.algorithms:
            return False
        if isinstance(self.material, bytes):
            return verifies(self.material, token.signing_input, token.signature)
        import jwt

        algorithm = jwt.get_algorithm_by_name(token.algorithm)
        return algorithm.verify(token.signing_input, self.material, token.signature)


class KeySet:
    """The keys of one JWK Set, found by key id."""

    def __init__(self, keys: tuple[VerificationKey, ...] = ()) -> None:
        self.keys = frozenset(keys)
        self._by_id: dict[str | None, tuple[VerificationKey, ...]] = {None: keys}
        for key in keys:
            if key.key_id is not None:
                self._by_id[key.key_id] = (*self._by_id.get(key.key_id, ()), key)

    def named(self, key_id: str | None) -> tuple[VerificationKey, ...]:
        """The keys of that id (kinds may share one); all keys when the token names none."""
        return self._by_id.get(key_id, ())


def shared_secret(secret: str) -> VerificationKey:
    """The key of HS256. Raises ConfigurationError for what is a key of another kind."""
    if not is_secret(secret):
        raise ConfigurationError(
            "JWT_SECRET is empty, or is a public key, certificate or JWK: use random text"
        )
    return VerificationKey(None, frozenset({SHARED_SECRET_ALGORITHM}), (), secret.encode())


def parse_key_set(body: bytes) -> KeySet:
    """The usable keys of a JWK Set document; others are skipped (RFC 7517 section 5).

    Raises ValueError when the document is no JWK Set.
    """
    try:
        document = json.loads(body)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise ValueError('not an object with a list "keys"')
    keys = (verification_key(entry) for entry in entries[:MAX_KEYS] if isinstance(entry, dict))
    return KeySet(tuple(key for key in keys if key is not None))


def verification_key(jwk: Mapping[str, object]) -> VerificationKey | None:
    """The key of one JWK, or None when it is not one that tokens are verified with here."""
    kty, curve, key_id = jwk.get("kty"), jwk.get("crv"), jwk.get("kid")
    if not isinstance(kty, str) or not isinstance(curve, str | None) or not isinstance(key_id, str | None):
        return None
    if not _for_signatures(jwk) or (kty, curve) not in _FAMILIES:
        return None
    algorithms, names = _FAMILIES[kty, curve]
    usable = frozenset(name for name in algorithms if jwk.get("alg", name) == name)
    members = {name: value for name in names if isinstance(value := jwk.get(name), str)}
    material = _material(algorithms[0], {"kty": kty, **members}) if usable else None
    return VerificationKey(key_id, usable, (kty, *members.values()), material) if material else None


def _for_signatures(jwk: Mapping[str, object]) -> bool:
    operations = jwk.get("key_ops")
    allowed = operations is None or (isinstance(operations, list) and "verify" in operations)
    return allowed and jwk.get("use", "sig") == "sig"


def _material(algorithm: str, public: dict[str, str]) -> object:
    # Not imported with this module: a gateway that takes tokens of a shared secret alone uses neither.
    import jwt
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    try:
        material = jwt.get_algorithm_by_name(algorithm).from_jwk(public)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    if isinstance(material, RSAPublicKey) and material.key_size < MIN_RSA_BITS:
        return None
    return material
