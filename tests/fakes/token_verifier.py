"""A TokenVerifier that knows the tokens a test tells it."""

from __future__ import annotations

from brain_gateway.application.ports.token_verifier import PENDING, Pending
from brain_gateway.domain.errors import CredentialsExpired, CredentialsInvalid, GatewayError
from brain_gateway.domain.tenancy import Principal


class KnownTokens:
    """`tokens`: what each means; `arriving`: what is known only once `resolve` has been awaited."""

    def __init__(self) -> None:
        self.tokens: dict[bytes, Principal | GatewayError | Pending] = {}
        self.arriving: dict[bytes, Principal | GatewayError] = {}
        self.verified: list[bytes] = []
        self.resolved: list[bytes] = []

    def verify(self, token: bytes, now_unix: float) -> Principal | Pending:
        """See the port TokenVerifier."""
        self.verified.append(token)
        known = self.tokens.get(token)
        if known is None:
            if token in self.arriving:
                return PENDING
            raise CredentialsInvalid("unknown token")
        if isinstance(known, GatewayError):
            raise known
        if isinstance(known, Principal) and known.expires_at <= now_unix:
            raise CredentialsExpired("the token's time is over")
        return known

    async def resolve(self, token: bytes) -> None:
        """See the port TokenVerifier."""
        self.resolved.append(token)
        if token in self.arriving:
            self.tokens[token] = self.arriving.pop(token)
