"""Changes of a service: each verb gives the service as it is afterwards, and leaves the one before as it was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import TypedDict

from brain_gateway.domain.errors import Conflict, ResourceNotFound
from brain_gateway.domain.events import (
    DomainEvent,
    RouteRegistered,
    RouteRemoved,
    RouteUpdated,
    ServiceDeregistered,
    ServiceRegistered,
    ServiceUpdated,
    TargetAdded,
    TargetRemoved,
    TargetReweighted,
)
from brain_gateway.domain.routing.route import Route
from brain_gateway.domain.routing.service_route import ServiceRoute
from brain_gateway.domain.routing.target import Target

_APART = frozenset(("name", "tenant_id", "targets", "routes"))
SETTINGS = tuple(field.name for field in fields(ServiceRoute) if field.init and field.name not in _APART)
"""What of a service is neither its identity nor a list of its own."""


def with_target(service: ServiceRoute, target: Target) -> ServiceRoute:
    """One more instance. Raises Conflict when it is there already."""
    if any(known.origin == target.origin for known in service.targets):
        raise Conflict(f"{target.origin} is a target of {service.name} already; change its weight")
    return replace(service, targets=(*service.targets, target))


def with_weight(service: ServiceRoute, origin: str, weight: int) -> ServiceRoute:
    """Another share for an instance; 0 drains it. Raises ResourceNotFound and ConfigurationError."""
    known = target_of(service, origin)
    targets = (one.reweighted(weight) if one is known else one for one in service.targets)
    return replace(service, targets=tuple(targets))


def without_target(service: ServiceRoute, origin: str) -> ServiceRoute:
    """One instance less. Raises ResourceNotFound."""
    known = target_of(service, origin)
    return replace(service, targets=tuple(one for one in service.targets if one is not known))


def with_route(service: ServiceRoute, route: Route) -> ServiceRoute:
    """One more route. Raises Conflict when it ties with one that is there."""
    return replace(service, routes=(*service.routes, route))


def with_route_in_place(service: ServiceRoute, route_id: str, route: Route) -> ServiceRoute:
    """Another route in the place of one. Raises ResourceNotFound and Conflict."""
    known = route_of(service, route_id)
    return replace(service, routes=tuple(route if one is known else one for one in service.routes))


def without_route(service: ServiceRoute, route_id: str) -> ServiceRoute:
    """One route less. Raises ResourceNotFound."""
    known = route_of(service, route_id)
    return replace(service, routes=tuple(one for one in service.routes if one is not known))


def target_of(service: ServiceRoute, origin: str) -> Target:
    """The target at an origin such as http://10.0.0.5:8003. Raises ResourceNotFound."""
    for target in service.targets:
        if target.origin == origin:
            return target
    raise ResourceNotFound(f"{service.name} has no target {origin}")


def route_of(service: ServiceRoute, route_id: str) -> Route:
    """The route with an id such as "GET /campaigns/{id:int}". Raises ResourceNotFound."""
    for route in service.routes:
        if route.id == route_id:
            return route
    raise ResourceNotFound(f"{service.name} has no such route")


def events_between(
    old: ServiceRoute | None, new: ServiceRoute | None, now: float, expired: frozenset[str] = frozenset()
) -> Iterator[DomainEvent]:
    """What happened from `old` to `new` (None: it was, or is, not there) at `now` unix seconds.

    `expired`: origins of targets whose lease ran out.
    """
    if new is None:
        if old is not None:
            yield ServiceDeregistered(**_about(old, now))
        return
    about = _about(new, now)
    if old is None:
        yield ServiceRegistered(**about)
    else:
        changed = frozenset(name for name in SETTINGS if getattr(old, name) != getattr(new, name))
        if changed:
            yield ServiceUpdated(**about, settings=changed)
    yield from _route_events(old.routes if old else (), new.routes, about)
    yield from _target_events(old.targets if old else (), new.targets, about, expired)


class _About(TypedDict):
    """What every event of a service says."""

    occurred_at: float
    tenant_id: str | None
    service: str
    proxied: bool


def _about(service: ServiceRoute, now: float) -> _About:
    return _About(occurred_at=now, tenant_id=service.tenant_id, service=service.name, proxied=service.proxied)


def _route_events(
    before: tuple[Route, ...], after: tuple[Route, ...], about: _About
) -> Iterator[DomainEvent]:
    old = {route.id: route for route in before}
    new = {route.id: route for route in after}
    for id_, route in {**old, **new}.items():
        if old.get(id_) == new.get(id_):
            continue
        kind = RouteRegistered if id_ not in old else RouteRemoved if id_ not in new else RouteUpdated
        yield kind(**about, path=route.pattern.text, methods=route.methods)


def _target_events(
    before: tuple[Target, ...], after: tuple[Target, ...], about: _About, expired: frozenset[str]
) -> Iterator[DomainEvent]:
    old = {target.origin: target.weight for target in before}
    new = {target.origin: target.weight for target in after}
    for origin, weight in {**old, **new}.items():
        if origin not in new:
            yield TargetRemoved(**about, target=origin, expired=origin in expired)
        elif old.get(origin) != weight:
            kind = TargetReweighted if origin in old else TargetAdded
            yield kind(**about, target=origin, weight=weight)
