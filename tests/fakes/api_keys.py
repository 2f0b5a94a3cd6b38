"""ApiKeys that a test hands out."""

from __future__ import annotations

from brain_gateway.domain.errors import CredentialsExpired, CredentialsInvalid
from brain_gateway.domain.tenancy import Principal


class KnownKeys:
    """`keys`: whom each key stands for; take one out to revoke it."""

    def __init__(self) -> None:
        self.keys: dict[bytes, Principal] = {}
        self.verified: list[bytes] = []

    def recognises(self, credential: bytes) -> bool:
        """See the port ApiKeys."""
        return credential.startswith(b"bgk_")

    def verify(self, key: bytes, now_unix: float) -> Principal:
        """See the port ApiKeys."""
        self.verified.append(key)
        known = self.keys.get(key)
        if known is None:
            raise CredentialsInvalid("unknown key")
        if known.expires_at <= now_unix:
            raise CredentialsExpired("the key's time is over")
        return known
