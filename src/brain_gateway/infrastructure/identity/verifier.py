"""Verifies bearer tokens: which key may answer for a token, whether it signed it, what the claims say.

The algorithm in a token's header only selects among the keys that are configured for that algorithm: HS256
goes to the shared secret alone, all else to a published key of the right kind (RFC 8725 section 3.1).
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from brain_gateway.application.ports.token_verifier import PENDING, Pending
from brain_gateway.domain.errors import CredentialsInvalid, IdentityUnavailable
from brain_gateway.domain.tenancy import Principal
from brain_gateway.infrastructure.identity.claims import principal_of
from brain_gateway.infrastructure.identity.compact import CompactToken, parse
from brain_gateway.infrastructure.identity.config import SHARED_SECRET_ALGORITHM, VerifierConfig
from brain_gateway.infrastructure.identity.denylist import Denylist
from brain_gateway.infrastructure.identity.jwks import JwksCache
from brain_gateway.infrastructure.identity.keys import VerificationKey, shared_secret

if TYPE_CHECKING:
    import httpx


class TokenVerifier:
    """Implements the port TokenVerifier. Enter it (async) to keep published keys fresh.

    `on_withdrawn` is called when the issuer stopped publishing a key, or the secret is another: end remembered
    sessions of tokens then.
    """

    def __init__(
        self,
        config: VerifierConfig,
        *,
        denylist: Denylist | None = None,
        on_withdrawn: Callable[[], None] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        jwks: JwksCache | None = None,
    ) -> None:
        """`jwks` replaces the cache made from the configuration (tests give it a clock of their own)."""
        self._config = config
        self._accepted = config.accepted
        self._denylist = Denylist() if denylist is None else denylist
        self._on_withdrawn = on_withdrawn
        self._secret_text = config.secret
        self._secret = shared_secret(config.secret) if config.secret else None
        if jwks is None and config.jwks_url is not None:
            jwks = JwksCache(config, on_withdrawn=on_withdrawn, transport=transport)
        self._jwks = jwks

    async def __aenter__(self) -> Self:
        if self._jwks is not None:
            await self._jwks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._jwks is not None:
            await self._jwks.__aexit__(kind, error, trace)

    def use_secret(self, secret: str) -> None:
        """Verify tokens of HS256 with this one from now on. Raises ConfigurationError, and keeps the one before."""
        if secret == self._secret_text:
            return
        self._secret, self._secret_text = shared_secret(secret), secret
        if self._on_withdrawn is not None:
            self._on_withdrawn()

    def verify(self, token: bytes, now_unix: float) -> Principal | Pending:
        """See the port. `token` is the part after "Bearer "; `now_unix` is seconds since the epoch."""
        compact = parse(token)
        key = self._key(compact)
        if key is PENDING:
            return PENDING
        if not key.verifies(compact):
            raise CredentialsInvalid("the token's signature does not verify")
        principal = principal_of(compact.claims, self._config, now_unix)
        if principal.token_id is not None and self._denylist.revoked(principal.token_id, now_unix):
            raise CredentialsInvalid("the token was revoked")
        return principal

    async def resolve(self, token: bytes) -> None:
        """See the port."""
        try:
            compact = parse(token)
        except CredentialsInvalid:  # verify says so; no key is fetched for it
            return
        if self._jwks is not None and self._is_published(compact):
            await self._jwks.look_for(compact.key_id)

    def _key(self, token: CompactToken) -> VerificationKey | Pending:
        if token.algorithm not in self._accepted:
            expected = ", ".join(sorted(self._accepted)) or "no token at all"
            raise CredentialsInvalid(f"the token's algorithm (alg) is not accepted; accepted: {expected}")
        if token.algorithm == SHARED_SECRET_ALGORITHM:
            if self._secret is None:
                raise IdentityUnavailable(
                    "the secret that verifies this token could not be read yet: try again"
                )
            return self._secret
        return self._published_key(token)

    def _published_key(self, token: CompactToken) -> VerificationKey | Pending:
        assert self._jwks is not None  # `accepted` holds published algorithms only when there is a URL
        try:
            named = self._jwks.keys.named(token.key_id)
        except IdentityUnavailable:
            if self._jwks.may_refetch:
                return PENDING
            raise
        if not named:
            if self._jwks.may_refetch:
                return PENDING
            raise CredentialsInvalid("the token's key (kid) is not among those that the issuer publishes")
        return _fitting(named, token)

    def _is_published(self, token: CompactToken) -> bool:
        return token.algorithm in self._accepted and token.algorithm != SHARED_SECRET_ALGORITHM


def _fitting(keys: tuple[VerificationKey, ...], token: CompactToken) -> VerificationKey:
    """The one key of those named that is for the token's algorithm."""
    fitting = [key for key in keys if token.algorithm in key.algorithms]
    if not fitting:
        raise CredentialsInvalid("the token's key (kid) is not for the token's algorithm (alg)")
    if len(fitting) > 1:
        raise CredentialsInvalid("the token must name its key (kid): the issuer publishes several")
    return fitting[0]
