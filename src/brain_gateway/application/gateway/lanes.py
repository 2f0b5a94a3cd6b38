"""A lane: all that is known in advance of one caller's requests to one service (and one route of it).

It is made at the first such request and kept with the caller's session, so that admission is look-ups.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from brain_gateway.domain.errors import (
    CredentialsMissing,
    GatewayError,
    RoleRequired,
    ServiceNotFound,
    TenantSuspended,
)
from brain_gateway.domain.resilience.leases import LeasedWindow
from brain_gateway.domain.resilience.rate_limit import RateLimit, SlidingWindow
from brain_gateway.domain.routing.route import Route

if TYPE_CHECKING:
    from brain_gateway.application.gateway.caching.carrier import CachingCarrier
    from brain_gateway.application.gateway.limit_leases import LimitDesk
    from brain_gateway.application.gateway.routing_table import RoutingTable, ServiceEntry
    from brain_gateway.application.gateway.sessions import Session

LimitWindow: TypeAlias = SlidingWindow | LeasedWindow


class Lane:
    """One caller on one service. `error` is set when every request of it is refused; `carrier`: what carries its
    exchanges where answers are cached, in the place of the target's pool."""

    __slots__ = ("by_route", "carrier", "entry", "error", "identity", "limit_class", "session", "window")

    def __init__(
        self,
        session: Session,
        entry: ServiceEntry,
        window: LimitWindow,
        limit_class: str,
        error: GatewayError | None,
    ) -> None:
        self.session = session
        self.entry = entry
        self.window = window
        self.limit_class = limit_class
        self.error = error
        self.identity = session.identity_lines
        self.by_route: dict[str, Lane] = {}
        self.carrier: CachingCarrier | None = None


class LimitRegistry:
    """The windows in use, by (caller, service, class or route), and the tunnels: they outlive sessions and tables.

    `desk`: where several processes count together; without it `shares` says how many count side by side, each for its
    part. `most_tunnels` bounds the open
    WebSocket tunnels of one caller to one service. When more than `most` windows are held, those at rest (nothing
    counted in them) are forgotten.
    """

    def __init__(
        self,
        most: int = 200_000,
        most_tunnels: int = 1000,
        shares: int = 1,
        desk: LimitDesk | None = None,
    ) -> None:
        self._windows: dict[tuple[str, str, str], LimitWindow] = {}
        self._most = most
        self._look_from = most  # from how many on those at rest are looked for: a look takes its time
        self._shares = shares
        self.desk = desk
        self._tunnels: dict[tuple[str, str], int] = {}
        self.most_tunnels = most_tunnels
        self.on_forgotten: Callable[[], None] = lambda: (
            None
        )  # lanes that hold a forgotten window must let it go

    def window(self, caller: str, service: str, name: str, limit: RateLimit, now: float) -> LimitWindow:
        """The window of one caller, one service and one class; a changed limit starts a new one."""
        key = (caller, service, name)
        if self.desk is None:
            limit = self._share(limit)
        window = self._windows.get(key)
        if window is None or window.limit != limit:
            if len(self._windows) >= self._look_from:
                self._forget_resting(now)
            leased = None if self.desk is None else self.desk.window("|".join(key), limit)
            window = self._windows[key] = leased or SlidingWindow(limit)
        return window

    def _share(self, limit: RateLimit) -> RateLimit:
        """What of a limit this process may admit while it counts alone beside others."""
        if self._shares == 1:
            return limit
        burst = None if limit.burst is None else max(1, limit.burst // self._shares)
        return replace(limit, requests=limit.requests // self._shares, burst=burst)

    def tunnels(self, caller: str, service: str) -> int:
        """How many tunnels a caller has open to a service."""
        return self._tunnels.get((caller, service), 0)

    def tunnel(self, caller: str, service: str, change: int) -> None:
        """One more (+1) or one less (-1)."""
        count = self._tunnels.get((caller, service), 0) + change
        if count:
            self._tunnels[caller, service] = count
        else:
            self._tunnels.pop((caller, service), None)

    def _forget_resting(self, now: float) -> None:
        resting = [key for key, window in self._windows.items() if window.resets_in(now) == 0.0]
        for key in resting:
            del self._windows[key]
        self._look_from = max(self._most, len(self._windows) + self._most // 10)
        self.on_forgotten()


def make_lane(
    session: Session,
    entry: ServiceEntry,
    route: Route | None,
    table: RoutingTable,
    limits: LimitRegistry,
    now: float,
) -> Lane:
    """Decide once what holds for this caller on this service or route."""
    public = route is not None and route.public
    principal = session.principal
    roles = principal.roles if principal else frozenset()
    rules = table.rules
    limit_class, limit = rules.limits.pick(entry.service.kind, roles, principal is None)
    name = key = str(limit_class)
    own = rules.tenant_limits.get((session.tenant_id, f"service:{entry.name}")) if session.tenant_id else None
    if route is not None and route.limit is not None:
        limit, name, key = route.limit, "route", route.id
    elif own is not None:
        limit, name, key = own, "tenant", "tenant"
    elif entry.service.limit is not None and principal is not None:
        limit, name, key = entry.service.limit, "service", "service"
    elif session.tenant_id:
        limit = rules.tenant_limits.get((session.tenant_id, name), limit)
    window = limits.window(session.caller, entry.key, key, limit, now)
    refusal = TenantSuspended() if session.tenant_id in rules.refused else None
    return Lane(session, entry, window, name, refusal or _refusal(session, entry, route, public))


def _refusal(session: Session, entry: ServiceEntry, route: Route | None, public: bool) -> GatewayError | None:
    if not entry.proxied:
        return ServiceNotFound()
    principal = session.principal
    if principal is None:
        return (
            None
            if public
            else CredentialsMissing("send a token: 'Authorization: Bearer …' or 'X-API-Key: …'")
        )
    if public:
        return None
    for wanted in (entry.service.roles, route.roles if route is not None else frozenset()):
        if wanted and not principal.has_any(wanted):
            return RoleRequired(f"one of these roles is needed: {', '.join(sorted(wanted))}")
    return None
