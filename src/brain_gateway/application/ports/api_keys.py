"""Port: from an API key to the principal that it stands for."""

from __future__ import annotations

from typing import Protocol

from brain_gateway.domain.tenancy import Principal


class ApiKeys(Protocol):
    """The registered API keys, held in memory: looking one up needs no I/O."""

    def recognises(self, credential: bytes) -> bool:
        """Whether the credential has the shape of an API key, so that it may also come as a bearer token."""
        ...

    def verify(self, key: bytes, now_unix: float) -> Principal:
        """The principal of a key; its `token_id` is the key's hash, by which it is revoked.

        Raises CredentialsInvalid (unknown, revoked) or CredentialsExpired.
        """
        ...
