"""Keys of the secrets file: the first encrypts, all decrypt, so that keys can be replaced one after another.

AES-256-GCM (NIST SP 800-38D) with random nonces of 96 bits. Neither a key itself nor a hash of it is used or shown:
what encrypts and what names a key are two texts derived from it (HKDF, RFC 5869). The library for both is imported
with the first ring: a gateway without secrets has none (7 MiB).
"""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence
from typing import Any

KEY_BYTES = 32
_NONCE_BYTES = 12


class UnknownKeyError(Exception):
    """The box was closed with a key that is not in the ring."""


class DamagedError(Exception):
    """The box is not what was closed: changed, cut off, or moved to another place."""


class Keyring:
    """At least one key of 32 bytes each; ValueError otherwise."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise ValueError(f"at least one key is needed, each of {KEY_BYTES} bytes")
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._ciphers = {
            _derived(key, b"name", 8).hex(): AESGCM(_derived(key, b"cipher", 32)) for key in keys
        }
        self.first = next(iter(self._ciphers))

    def close(self, plain: bytes, context: bytes) -> dict[str, str]:
        """A box of JSON values: `plain` encrypted and bound to `context`, which must be given again to open it."""
        nonce = os.urandom(_NONCE_BYTES)
        data = self._ciphers[self.first].encrypt(nonce, plain, context)
        return {"key": self.first, "nonce": b64encode(nonce).decode(), "data": b64encode(data).decode()}

    def open(self, box: Any, context: bytes) -> bytes:  # noqa: ANN401 - whatever JSON was read
        """What was closed under `context`; raises UnknownKeyError or DamagedError."""
        try:
            name, nonce, data = box["key"], b64decode(box["nonce"], validate=True), b64decode(box["data"])
            cipher = self._ciphers.get(name)
        except (KeyError, TypeError, NotBase64, ValueError):
            raise DamagedError from None
        if cipher is None:
            raise UnknownKeyError
        from cryptography.exceptions import InvalidTag

        try:
            return cipher.decrypt(nonce, data, context)
        except (InvalidTag, ValueError):  # ValueError: a nonce that is too short
            raise DamagedError from None


def _derived(key: bytes, purpose: bytes, size: int) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), size, salt=None, info=b"brain-gateway secrets file: " + purpose).derive(key)
