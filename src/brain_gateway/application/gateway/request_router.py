"""RequestRouter: every policy of the path in one place. Synchronous, no I/O, no await.

    admit(head, client)      who asks, for what, may they, is there room, which target

`settlement.py` has the other half: recover (an attempt failed) and settle (it is over).

What needs I/O happens beside the path and leaves its answer in memory: a `Deferred` (keys of a token, tokens of a
shared limit) asks the entry to await `decide`.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import TYPE_CHECKING, cast

from brain_gateway.application.gateway import cors
from brain_gateway.application.gateway.caching.stand_in import stand_in
from brain_gateway.application.gateway.deferred import Deferred
from brain_gateway.application.gateway.exchange import ClientAddress, Exchange, Refusal, Reply
from brain_gateway.application.gateway.forwarding import caller_of
from brain_gateway.application.gateway.identification import Identification
from brain_gateway.application.gateway.lanes import Lane, LimitRegistry, make_lane
from brain_gateway.application.gateway.routing_table import RoutingTable, ServiceEntry
from brain_gateway.application.gateway.sessions import Session
from brain_gateway.application.gateway.target_choice import choose
from brain_gateway.application.gateway.trace_ids import TraceIds, TracePolicy
from brain_gateway.domain.errors import (
    BodyTooLarge,
    CircuitOpen,
    GatewayError,
    LimitsUnavailable,
    MalformedRequest,
    MethodNotAllowed,
    NoHealthyTarget,
    RateLimitExceeded,
    RouteNotFound,
    TenantMismatch,
    UpgradeRefused,
    UpstreamUnreachable,
)
from brain_gateway.domain.http import fields
from brain_gateway.domain.http.fields import value_of
from brain_gateway.domain.resilience.leases import LeasedWindow
from brain_gateway.domain.routing.request_path import normal_form, other_forms
from brain_gateway.domain.routing.route_matcher import Match, MethodMismatch

if TYPE_CHECKING:
    from brain_gateway.application.gateway.caching.response_cache import ResponseCache
    from brain_gateway.domain.http.requests import Request, RequestLine
    from brain_gateway.domain.routing.route import Route


class RequestRouter:
    """Admits requests against one snapshot of the routing table; a request keeps the one it began with."""

    def __init__(
        self,
        table: RoutingTable,
        identification: Identification,
        limits: LimitRegistry,
        ids: TraceIds,
        traces: TracePolicy | None,
        clock: Callable[[], float],
        random: Callable[[], float],
        trusts: Callable[[str], bool],
    ) -> None:
        self.table = table
        self._identification = identification
        self._sessions = identification.sessions
        self._limits = limits
        self._ids = ids
        self._traces = traces
        self._clock = clock
        self._random = random
        self._trusts = trusts
        self.cache: ResponseCache | None = None  # without one, policies of caching have no effect
        limits.on_forgotten = self._renew_lanes

    def admit(self, head: Request, client: ClientAddress) -> Exchange | Refusal | Reply | Deferred:
        """Decide on one request."""
        now = self._clock()
        block = head.fields
        session = client.session
        if session is None or client.fields is not block or session.expires <= now:
            found = self._identify(head, client)
            if not isinstance(found, Session):
                return found
            session = found
        if session.table is not self.table:
            session.table, session.lanes = self.table, {}
        line = head.line
        lane = session.lanes.get(line.service) or self._lane(session, line.service, now)
        if lane is None:
            return Refusal(self.table.absent())
        entry = lane.entry
        if block.unusual or entry.matcher is not None or lane.error is not None:
            checked = self._check(head, lane, now)
            if not isinstance(checked, Lane):
                return checked
            lane = checked
        if not lane.window.admit(now):
            return self._not_now(lane, now)
        target = entry.single
        if target is None or not target.breaker.calm:
            chosen = choose(entry, head, session.caller, now, self._random)
            if isinstance(chosen, GatewayError):
                if lane.carrier is None or not entry.targets or line.method not in (b"GET", b"HEAD"):
                    return unavailable(chosen, lane, now)
                chosen = stand_in(entry, chosen)  # what is stored may be served all the same
            target = chosen
        entry.budget.requests += 1
        target.in_flight += 1
        exchange = Exchange(head, lane, client, target, now, now + entry.response_timeout)
        special = block.special
        if 19 not in special:  # fields.REQUEST_ID
            exchange.id_line = self._ids.request_id_line()
        brought = special.get(11)  # fields.TRACEPARENT
        if self._traces is None:
            exchange.trace_line = brought or self._ids.traceparent_line()
        else:
            exchange.trace_line = self._traces.line(brought)
        if block.unusual:
            # Any other upgrade is not passed on, and HTTP/1.0 knows none (RFC 9110 section 7.8).
            exchange.upgrading = block.upgrade == b"websocket" and not line.http_1_0
            exchange.body_done = block.length == 0
        if entry.total_timeout:
            exchange.deadline = now + entry.total_timeout
        return exchange

    async def decide(
        self, deferred: Deferred, head: Request, client: ClientAddress
    ) -> Exchange | Refusal | Reply:
        """What admit() says once it has what it waits for; the waits are bounded in time and in number."""
        waits: dict[type[Deferred], int] = {}
        admitted: Exchange | Refusal | Reply | Deferred = deferred
        while isinstance(admitted, Deferred):
            kind = type(admitted)
            waits[kind] = waits.get(kind, 0) + 1
            if waits[kind] > kind.most:
                return admitted.refusal()
            await admitted.wait()
            admitted = self.admit(head, client)
        return admitted

    def _not_now(self, lane: Lane, now: float) -> Refusal | Deferred:
        """No token: the window is full, or the store of a shared limit must be asked, or cannot be."""
        window = lane.window
        if isinstance(window, LeasedWindow):
            if self._limits.desk is not None and window.undecided(now):
                return self._limits.desk.awaited(window)
            if window.unavailable():
                lane.entry.metrics.refuse(lane.limit_class)
                return Refusal(LimitsUnavailable(), (("Retry-After", "1"),), lane)
        return _limited(lane, now)

    def _renew_lanes(self) -> None:
        self.table = self.table.renewed()

    def id_line(self, head: Request) -> bytes:
        """A new X-Request-ID line for a request that brought none; empty for one that did."""
        return b"" if fields.REQUEST_ID in head.special else self._ids.request_id_line()

    def _identify(self, head: Request, client: ClientAddress) -> Session | Refusal | Reply | Deferred:
        """The session; wrong credentials are none on a public route, and refused elsewhere."""
        if client.trusted:
            client.caller = caller_of(head.fields, client.address, self._trusts)
        preflight = cors.preflight(self.table, head)
        if preflight is not None:
            return preflight
        found = self._identification.identify(head, client)
        if isinstance(found, GatewayError):
            entry = self.table.find(head.line.service, None)
            if entry is None or not entry.proxied:
                return Refusal(self.table.absent())
            if entry.matcher is None or not _public(entry, head):
                return Refusal(found, entry=entry)
            return self._identification.anonymous(client)
        if isinstance(found, Session) and fields.PREFLIGHT not in head.special:
            client.session, client.fields = found, head.fields
        return found

    def _lane(self, session: Session, name: bytes, now: float) -> Lane | None:
        entry = self.table.find(name, session.tenant_id)
        if entry is None or not entry.proxied:
            return None
        lane = session.lanes[name] = self._new_lane(session, entry, None, now)
        return lane

    def _new_lane(self, session: Session, entry: ServiceEntry, route: Route | None, now: float) -> Lane:
        lane = make_lane(session, entry, route, self.table, self._limits, now)
        if entry.cached and self.cache is not None:
            lane.carrier = self.cache.carrier(route.cache if route is not None else None)
        return lane

    def _check(self, head: Request, lane: Lane, now: float) -> Lane | Refusal | Deferred:
        """What only some requests need: a route's own policy, and what unusual fields ask for."""
        entry = lane.entry
        if entry.matcher is not None:
            found = self._route_lane(entry, head, lane, now)
            if not isinstance(found, Lane):
                return found
            lane = found
        error = lane.error or _unusual(head, lane) or self._too_many_tunnels(head, lane)
        return Refusal(error, lane=lane) if error is not None else lane

    def _no_route(self, mismatch: MethodMismatch | None, lane: Lane, now: float) -> Refusal | Deferred:
        """A strict service without such a route; who may not ask learns nothing of its routes."""
        if lane.error is not None:
            return Refusal(lane.error, lane=lane)
        if not lane.window.admit(now):
            return self._not_now(lane, now)
        if mismatch is None:
            return Refusal(RouteNotFound(), lane=lane)
        return Refusal(MethodNotAllowed(), (("Allow", ", ".join(sorted(mismatch.allowed))),), lane)

    def _too_many_tunnels(self, head: Request, lane: Lane) -> GatewayError | None:
        most = self._limits.most_tunnels
        if (
            head.fields.upgrade != b"websocket"
            or self._limits.tunnels(lane.session.caller, lane.entry.key) < most
        ):
            return None
        return RateLimitExceeded(f"at most {most} WebSocket connections at a time; close one first")

    def _route_lane(
        self, entry: ServiceEntry, head: Request, lane: Lane, now: float
    ) -> Lane | Refusal | Deferred:
        match = _match(entry, head)
        if isinstance(match, MalformedRequest):
            return Refusal(match, lane=lane)
        if not isinstance(match, Match):
            if not entry.service.strict:
                return lane
            return self._no_route(match, lane, now)
        route = match.route
        found = lane.by_route.get(route.id)
        if found is None:
            found = lane.by_route[route.id] = self._new_lane(lane.session, entry, route, now)
        return found


Found = Match | MethodMismatch | MalformedRequest | None


def _match(entry: ServiceEntry, head: Request) -> Found:
    """The route of a request; one that comes again is not looked up again."""
    line = head.line
    if line.matched_by is not entry.matcher:
        line.match, line.matched_by = _found(entry, line), entry.matcher
    return cast("Found", line.match)


def _found(entry: ServiceEntry, line: RequestLine) -> Found:
    """MalformedRequest where two readings of the path lead to different routes."""
    assert entry.matcher is not None
    method = line.method.decode("ascii")
    found = entry.matcher.match(method, normal_form(line.rest))
    for other in other_forms(line.rest):
        if _route(entry.matcher.match(method, other)) is not _route(found):
            return MalformedRequest("an encoded slash or a path parameter makes this path ambiguous here")
    return found


def _route(match: Found) -> object:
    return match.route if isinstance(match, Match) else None


def _public(entry: ServiceEntry, head: Request) -> bool:
    match = _match(entry, head)
    return isinstance(match, Match) and match.route.public


def _unusual(head: Request, lane: Lane) -> GatewayError | None:
    service = lane.entry.service
    named = head.special.get(fields.TENANT)
    tenant_id = lane.session.tenant_id
    if named is not None and tenant_id is not None and value_of(named).lower() != tenant_id.encode():
        return TenantMismatch("X-Tenant-ID may only repeat the token's tenant; leave it out")
    if service.max_body and head.length > service.max_body:
        return BodyTooLarge(f"this service takes at most {service.max_body} bytes")
    if head.fields.upgrade == b"websocket" and not service.websocket:
        return UpgradeRefused("this service takes no WebSocket connections")
    return None


def _limited(lane: Lane, now: float) -> Refusal:
    """429 with Retry-After (RFC 9110 10.2.3) and RateLimit fields (draft-ietf-httpapi-ratelimit-headers-10)."""
    window, limit = lane.window, lane.window.limit
    wait = max(1, ceil(window.retry_after(now)))
    lane.entry.metrics.refuse(lane.limit_class)
    headers = (
        ("Retry-After", str(wait)),
        ("RateLimit-Policy", f'"{lane.limit_class}";q={limit.requests};w={max(1, ceil(limit.window))}'),
        ("RateLimit", f'"{lane.limit_class}";r={window.remaining(now)};t={wait}'),
    )
    return Refusal(RateLimitExceeded(f"try again in {wait} s"), headers, lane)


def unavailable(error: GatewayError, lane: Lane, now: float) -> Refusal:
    """A refusal on the service's account; a 503 says after what time a target may be tried again."""
    if not isinstance(error, (CircuitOpen, NoHealthyTarget, UpstreamUnreachable)):
        return Refusal(error, lane=lane)
    waits = [state.breaker.retry_after(now) for state in lane.entry.targets]
    wait = max(1, ceil(min(waits, default=lane.entry.service.probe.interval)))
    return Refusal(error, (("Retry-After", str(wait)),), lane)
