"""Who is asking: from the credential lines of a head to a Session (design: a token decides, nothing else)."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv6Address
from typing import TYPE_CHECKING

from brain_gateway.application.gateway.deferred import Deferred
from brain_gateway.application.gateway.exchange import Refusal
from brain_gateway.application.gateway.forwarding import plain_address
from brain_gateway.application.gateway.sessions import Session, SessionCache
from brain_gateway.application.ports.token_verifier import Pending
from brain_gateway.domain.errors import CredentialsInvalid, GatewayError, IdentityUnavailable
from brain_gateway.domain.http import fields
from brain_gateway.domain.http.fields import value_of

if TYPE_CHECKING:
    from brain_gateway.application.gateway.exchange import ClientAddress
    from brain_gateway.application.ports.api_keys import ApiKeys
    from brain_gateway.application.ports.token_verifier import TokenVerifier
    from brain_gateway.domain.http.requests import Request
    from brain_gateway.domain.tenancy import Principal

NEVER = float("inf")


class Unverified(Deferred):
    """The token needs keys that are not in memory."""

    __slots__ = ("_verifier", "token")

    def __init__(self, token: bytes, verifier: TokenVerifier) -> None:
        self.token = token
        self._verifier = verifier

    async def wait(self) -> None:
        """See Deferred: the issuer's keys are fetched."""
        await self._verifier.resolve(self.token)

    def refusal(self) -> Refusal:
        """The issuer is away."""
        return Refusal(IdentityUnavailable())


class Identification:
    """Sessions by credential. `clock` is monotonic seconds, `unix` seconds since the epoch."""

    def __init__(
        self,
        verifier: TokenVerifier,
        keys: ApiKeys,
        sessions: SessionCache,
        clock: Callable[[], float],
        unix: Callable[[], float],
    ) -> None:
        self._verifier = verifier
        self._keys = keys
        self._clock = clock
        self._unix = unix
        self.sessions = sessions
        self._anonymous = SessionCache(20_000)

    def identify(self, head: Request, client: ClientAddress) -> Session | Unverified | GatewayError:
        """The caller's session; an anonymous one when there are no credentials; an error when they are wrong."""
        line = credential_line(head)
        if line is None:
            return self.anonymous(client)
        if (
            fields.API_KEY in head.special
            and token_of(head.special.get(fields.AUTHORIZATION, b":")) is not None
        ):
            return CredentialsInvalid("send a token or an API key, not both")
        session = self.sessions.get(line)
        if session is not None and session.expires > self._clock():
            return session
        return self._verify(line, client)

    def anonymous(self, client: ClientAddress) -> Session:
        """The session of a caller without credentials: known by address alone (IPv6 by its /64)."""
        caller = network_of(client.caller)
        key = caller.encode()
        session = self._anonymous.get(key)
        if session is None:
            session = Session(None, caller, NEVER)
            self._anonymous.put(key, session)
        return session

    def _verify(self, line: bytes, client: ClientAddress) -> Session | Unverified | GatewayError:
        credential = token_of(line)
        if credential is None:
            return self.anonymous(client)  # Basic and the like: a service's own affair
        try:
            verified = self._principal(credential)
        except GatewayError as error:
            self.sessions.drop(line)
            return error
        if verified is None:
            return Unverified(credential, self._verifier)
        now = self._clock()
        session = Session(verified, verified.tenant_id, now + (verified.expires_at - self._unix()))
        self.sessions.put(line, session)
        return session

    def _principal(self, credential: bytes) -> Principal | None:
        if self._keys.recognises(credential):
            return self._keys.verify(credential, self._unix())
        verified = self._verifier.verify(credential, self._unix())
        return None if isinstance(verified, Pending) else verified


def credential_line(head: Request) -> bytes | None:
    """The line that says who asks: an API key before Authorization."""
    return head.special.get(fields.API_KEY) or head.special.get(fields.AUTHORIZATION)


def token_of(line: bytes) -> bytes | None:
    """The token of a Bearer line (RFC 6750 section 2.1) or the key of an X-API-Key line; None for other schemes."""
    value = value_of(line)
    if line[:10].lower() == b"x-api-key:":
        return value
    scheme, _, token = value.partition(b" ")
    return token.strip(b" ") if scheme.lower() == b"bearer" else None


def network_of(address: str) -> str:
    """The part of an address that one household holds: IPv4 whole, IPv6 its first 64 bits."""
    try:
        address = plain_address(address)
        if ":" not in address:
            return "address:" + address
        packed = IPv6Address(address).packed
    except ValueError:
        return "address:" + address
    return "address:" + packed[:8].hex()
