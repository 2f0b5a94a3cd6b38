"""Passwords are kept as Argon2id hashes (RFC 9106), with the library's default cost."""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher()


def hash_password(password: str) -> str:
    """Return the hash to keep, in the PHC string format."""
    return _hasher.hash(password)


def matches(password_hash: str | None, password: str) -> bool:
    """Tell whether the password belongs to the hash; None never matches and costs the same time."""
    try:
        _hasher.verify(password_hash or _hash_of_nobody(), password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def is_outdated(password_hash: str) -> bool:
    """Tell whether the hash was made with another cost than today's."""
    return _hasher.check_needs_rehash(password_hash)


@cache
def _hash_of_nobody() -> str:
    """Verified in place of a missing user's hash, so that the answer takes as long for an unknown address."""
    return _hasher.hash("nobody has this password")
