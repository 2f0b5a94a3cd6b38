"""Port: from the bytes of a bearer token to the principal that it stands for."""

from __future__ import annotations

from enum import Enum
from typing import Final, Protocol

from brain_gateway.domain.tenancy import Principal


class Pending(Enum):
    """What `verify` answers when it must wait for the issuer: the token names a key that is not in memory."""

    KEYS = "keys"


PENDING: Final = Pending.KEYS


class TokenVerifier(Protocol):
    """Verifies tokens from memory; fetching keys is a second, asynchronous step beside the request's path."""

    def verify(self, token: bytes, now_unix: float) -> Principal | Pending:
        """The principal of a token (the part after "Bearer "), at `now_unix` seconds since the epoch.

        `principal.expires_at` is the first moment at which the same token is refused, leeway included.
        Answers `PENDING` when keys must be fetched first: await `resolve(token)` and call `verify` again; it
        decides then, so a second `PENDING` in a row means IdentityUnavailable. Raises CredentialsInvalid,
        CredentialsExpired or IdentityUnavailable; their details never repeat the token.
        """
        ...

    async def resolve(self, token: bytes) -> None:
        """Fetch the issuer's keys unless that was tried a moment ago; no error if it is away."""
        ...
