"""Who asks for one of the gateway's own resources: the same identities, limits and refusals as on the proxied path."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.requests import HTTPConnection

from brain_gateway.application.authorization import Actor
from brain_gateway.application.gateway.deferred import Deferred
from brain_gateway.application.gateway.exchange import ClientAddress, Refusal
from brain_gateway.application.gateway.identification import credential_line
from brain_gateway.application.gateway.lanes import LimitWindow
from brain_gateway.application.gateway.sessions import Session
from brain_gateway.domain.errors import (
    CallerError,
    CredentialsMissing,
    GatewayError,
    LimitsUnavailable,
    RateLimitExceeded,
    TenantMismatch,
    TenantSuspended,
)
from brain_gateway.domain.http import fields
from brain_gateway.domain.http.fields import value_of
from brain_gateway.domain.http.requests import Request, RequestLine, RequestParser
from brain_gateway.domain.resilience.leases import LeasedWindow
from brain_gateway.domain.resilience.rate_limit import LimitClasses

if TYPE_CHECKING:
    from brain_gateway.application.gateway.identification import Identification
    from brain_gateway.application.gateway.lanes import LimitRegistry
    from brain_gateway.domain.tenancy import Principal

SERVICE = "api"
"""Under this name the windows of the gateway's own resources are counted; no service can have it."""

_IDENTITY = frozenset((b"authorization", b"x-api-key", b"x-tenant-id"))
_LINE = RequestLine(b"GET", b"/api/", False)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. The session tells when the credentials end: `session.expires` in monotonic seconds."""

    actor: Actor
    session: Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Lets callers in, or says why not.

    `classes()` are the limits in force; `is_served(tenant_id)`: neither suspended nor deleted; `clock` is monotonic
    seconds.
    """

    identification: Identification
    limits: LimitRegistry
    classes: Callable[[], LimitClasses]
    is_served: Callable[[str], bool]
    clock: Callable[[], float]
    parser: RequestParser = field(default_factory=RequestParser)

    async def enter(self, asked: HTTPConnection, request_id: str) -> Caller | Refusal:
        """The caller of a request, once its keys and its share of the limit are known."""
        try:
            head = self._head(asked)
        except CallerError as error:
            return Refusal(error)
        waits: dict[type[Deferred], int] = {}
        while isinstance(found := self._admit(head), Deferred):
            kind = type(found)
            waits[kind] = waits.get(kind, 0) + 1
            if waits[kind] > kind.most:
                return found.refusal()
            await found.wait()
        if isinstance(found, Refusal):
            return found
        assert found.principal is not None
        return Caller(Actor.of(found.principal, request_id), found)

    def _head(self, asked: HTTPConnection) -> Request:
        """The lines that say who asks, read as strictly as on the proxied path."""
        given = (line for line in asked.headers.raw if line[0].lower() in _IDENTITY)
        block = b"".join(b"\r\n%b: %b" % line for line in given)
        return Request(_LINE, self.parser.fields(block), True)

    def _admit(self, head: Request) -> Session | Refusal | Deferred:
        """Identity first, then the tenant, then the limit."""
        if credential_line(head) is None:
            return Refusal(CredentialsMissing("send a token: 'Authorization: Bearer …' or 'X-API-Key: …'"))
        found = self.identification.identify(head, ClientAddress("unknown", 0, "http", False))
        if isinstance(found, GatewayError):
            return Refusal(found)
        if isinstance(found, Deferred):
            return found
        principal = found.principal
        if principal is None:
            return Refusal(
                CredentialsMissing("send a bearer token or an API key; other schemes are not taken")
            )
        error = self._tenant_fault(head, principal)
        return Refusal(error) if error is not None else self._counted(found, principal)

    def _tenant_fault(self, head: Request, principal: Principal) -> GatewayError | None:
        named = head.special.get(fields.TENANT)
        if named is not None and value_of(named).lower() != principal.tenant_id.encode():
            return TenantMismatch("X-Tenant-ID may only repeat the token's tenant; leave it out")
        if not self.is_served(principal.tenant_id):
            return TenantSuspended("the tenant is suspended, or has been deleted")
        return None

    def _counted(self, session: Session, principal: Principal) -> Session | Refusal | Deferred:
        name, limit = self.classes().pick(SERVICE, principal.roles, False)
        now = self.clock()
        window = self.limits.window(session.caller, SERVICE, name, limit, now)
        if window.admit(now):
            return session
        if isinstance(window, LeasedWindow):
            if self.limits.desk is not None and window.undecided(now):
                return self.limits.desk.awaited(window)
            if window.unavailable():
                return Refusal(LimitsUnavailable(), (("Retry-After", "1"),))
        return _too_many(window, name, now)


def _too_many(window: LimitWindow, name: str, now: float) -> Refusal:
    """429 with the fields of draft-ietf-httpapi-ratelimit-headers."""
    wait, limit = max(1, math.ceil(window.retry_after(now))), window.limit
    headers = (
        ("Retry-After", str(wait)),
        ("RateLimit-Policy", f'"{name}";q={limit.requests};w={max(1, math.ceil(limit.window))}'),
        ("RateLimit", f'"{name}";r={window.remaining(now)};t={wait}'),
    )
    return Refusal(RateLimitExceeded(f"try again in {wait} s"), headers)
