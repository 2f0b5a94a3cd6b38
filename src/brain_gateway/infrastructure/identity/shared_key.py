"""HS256 with the shared secret (RFC 7518 section 3.2): the one kind of signature that needs no library.

PyJWT and the cryptography behind it are 9 MiB and a twentieth of a start; they are imported for published keys.
"""

from __future__ import annotations

import hmac
import re

# What PyJWT refuses as a secret has one of these: DER, OpenSSH, PEM, JSON (a JWK).
_MAY_BE_A_KEY = re.compile(rb'\A0|\A(?:ssh|ecdsa)-|----|[{\["]')


def is_secret(text: str) -> bool:
    """False for empty text, and for a key of another kind: everybody could sign with a public one (RFC 8725, 2.1).

    PyJWT has the last word on what may be one.
    """
    key = text.encode()
    if not key or not _MAY_BE_A_KEY.search(key):
        return bool(key)
    import jwt

    try:
        jwt.get_algorithm_by_name("HS256").prepare_key(key)
    except jwt.InvalidKeyError:
        return False
    return True


def sign(key: bytes, signing_input: bytes) -> bytes:
    """The signature of a token."""
    return hmac.digest(key, signing_input, "sha256")


def verifies(key: bytes, signing_input: bytes, signature: bytes) -> bool:
    """Whether it is the signature; it takes as long when it is not."""
    return hmac.compare_digest(signature, sign(key, signing_input))
