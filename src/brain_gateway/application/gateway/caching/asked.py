"""A request as the cache sees it: under which key its answer is kept, what selects it, and what it asks of caches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brain_gateway.application.ports.response_store import ANONYMOUS, ResourceKey
from brain_gateway.domain.http import fields
from brain_gateway.domain.http.caching.directives import Directives, of_request
from brain_gateway.domain.http.caching.selection import selector
from brain_gateway.domain.http.caching.validation import CONDITIONS, FOR_THE_SERVICE
from brain_gateway.domain.http.caching.values import Values, combined
from brain_gateway.domain.http.fields import value_of
from brain_gateway.domain.http.requests import host_line

if TYPE_CHECKING:
    from brain_gateway.application.gateway.exchange import Exchange
    from brain_gateway.domain.http.requests import Request, RequestFields
    from brain_gateway.domain.routing.policies import CachePolicy

# Fields that the gateway makes anew for each request: an answer that depends on them is nobody else's.
MADE_ANEW = frozenset(
    (b"forwarded", b"via", b"x-forwarded-for", b"x-request-id", b"traceparent", b"tracestate")
)
_NOTHING: Directives = {}


class Views:
    """What blocks of fields mean, by their bytes: clients send the same ones again and again. Bounded in number and in
    bytes of each; who gets one changes nothing in it."""

    MOST = 2048
    LONGEST = 4096

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[Values, Directives]] = {}

    def of(self, block: RequestFields) -> tuple[Values, Directives]:
        """The fields' combined values, and the directives among them."""
        known = self._known.get(block.joined)
        if known is None:
            values = combined(block.lines)
            known = values, of_request(values)
            if len(block.joined) <= self.LONGEST:
                if len(self._known) >= self.MOST:
                    self._known.clear()
                self._known[block.joined] = known
        return known


class Asked:
    """`values`: what the service sees of the caller's fields; `control`: the caller's directives, as far as the route
    lets them count; `base`: what tells requests apart whatever Vary says."""

    __slots__ = ("_identity", "base", "control", "head", "key", "values")

    def __init__(self, exchange: Exchange, policy: CachePolicy, views: Views) -> None:
        head, lane = exchange.head, exchange.lane
        self.head = head
        self.values, control = views.of(head.fields)
        self.control = control if policy.client_control else _NOTHING
        self.key = key_of(exchange, head.line.rest)
        self.base = _base(exchange, policy)
        self._identity = lane.identity

    def value_of(self, name: bytes) -> bytes | None:
        """A selecting field's value (for `selection.selector`)."""
        if name in (b"x-tenant-id", b"x-user-id", b"x-user-roles"):
            return self.identity.get(name)
        return self.values.get(name)

    @property
    def identity(self) -> Values:
        """The fields by which the service knows the caller."""
        return combined(self._identity)

    def selector(self, vary: tuple[bytes, ...]) -> bytes:
        """What this request is among those that a response with this Vary tells apart."""
        return selector(vary, self.base, self.value_of)

    @property
    def conditional(self) -> bool:
        """Whether the caller has something already, and asks if it still holds."""
        return not CONDITIONS.isdisjoint(self.values)

    def bypass(self, upgrading: bool) -> str:
        """Why no cache can answer this; empty when one can."""
        if upgrading:
            return "upgrade"
        if self.head.fields.length:
            return "body"
        return "" if FOR_THE_SERVICE.isdisjoint(self.values) else "precondition"


def key_of(exchange: Exchange, target: bytes, tenant: str | None = None) -> ResourceKey:
    """The key of a target of this exchange's service, for its tenant or another part."""
    lane = exchange.lane
    return ResourceKey(tenant or lane.session.tenant_id or ANONYMOUS, lane.entry.key, target or b"/")


def authenticated(exchange: Exchange) -> bool:
    """Whether credentials were shown, even such that do not count (RFC 9111 section 3.5)."""
    special = exchange.head.special
    known = exchange.lane.session.principal is not None
    return known or fields.AUTHORIZATION in special or fields.API_KEY in special


def _base(exchange: Exchange, policy: CachePolicy) -> bytes:
    """Scheme and host as the service is told of them: it may write them into its answer. And the user, if asked for."""
    head, client = exchange.head, exchange.client
    host = host_line(head)
    parts = [client.scheme.encode(), value_of(host).lower() if host else b""]
    if client.trusted and fields.FORWARDED in head.special:
        parts += _told_by_proxies(head)
    principal = exchange.lane.session.principal
    if policy.per_user and principal is not None:
        parts.append(b"user=" + principal.user_id.encode())
    return b"\0".join(parts)


def _told_by_proxies(head: Request) -> list[bytes]:
    """What trusted proxies say beside the addresses on their way, which differ from caller to caller."""
    told = []
    for line in (*head.fields.more_forwarded, head.special[fields.FORWARDED]):
        name = line.partition(b":")[0].lower()
        if name == b"forwarded":
            elements = value_of(line).replace(b",", b";").split(b";")
            told += [
                part.strip().lower()
                for part in elements
                if part.strip().lower().startswith((b"host=", b"proto="))
            ]
        elif name != b"x-forwarded-for":
            told.append(line)
    return told
