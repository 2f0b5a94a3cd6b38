"""Registered services as rows of three tables, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from sqlalchemy import Row

from brain_gateway.application.dto import ServiceRegistrationDTO, TargetLease
from brain_gateway.domain.errors import CallerError, ConfigurationError
from brain_gateway.domain.routing.route import Route
from brain_gateway.domain.routing.route_pattern import RoutePattern
from brain_gateway.domain.routing.service_changes import SETTINGS
from brain_gateway.domain.routing.service_route import ServiceKind, ServiceRoute
from brain_gateway.domain.routing.target import Target
from brain_gateway.infrastructure.sql.documents import (
    Json,
    build,
    known_in,
    object_in,
    parts_of,
    plain,
    to_text,
)
from brain_gateway.infrastructure.sql.repository import bookkeeping, owner_of, tenant_of

BROKEN = (ValueError, TypeError, KeyError, ConfigurationError, CallerError)
"""What a row raises that does not mean anything (any more)."""

_DOCUMENT = tuple(name for name in SETTINGS if name != "kind")
_OF_ROUTE = ("public", "roles", "limit", "cache")
_NO_LEASES: Mapping[str, TargetLease] = MappingProxyType({})


def target_rows(item: ServiceRegistrationDTO) -> list[dict[str, Any]]:
    """The rows of `targets`."""
    return [_target_row(item, at, target) for at, target in enumerate(item.service.targets)]


def _target_row(item: ServiceRegistrationDTO, at: int, target: Target) -> dict[str, Any]:
    lease = item.leases.get(target.origin)
    return {
        "service_id": item.id,
        "origin": target.origin,
        "tenant_id": owner_of(item.service.tenant_id),
        "position": at,
        "weight": target.weight,
        "server_name": target.server_name,
        "guarded": target.guarded,
        "lease_id": lease.id if lease else None,
        "lease_expires_at": lease.expires_at if lease else None,
    }


class ServiceWriter:
    """Makes rows of services; what is said by thousands of them is spelled once."""

    def __init__(self) -> None:
        self._plain: dict[object, Json] = {}
        self._texts: dict[object, str] = {}

    def service_row(self, item: ServiceRegistrationDTO) -> dict[str, Any]:
        """The row of `services`."""
        service = item.service
        settings = {name: self._spelled(getattr(service, name)) for name in _DOCUMENT}
        return {
            "id": item.id,
            "tenant_id": owner_of(service.tenant_id),
            "name": service.name,
            "kind": service.kind.value,
            "settings": to_text(settings),
            **bookkeeping(item),
        }

    def route_rows(self, item: ServiceRegistrationDTO) -> list[dict[str, Any]]:
        """The rows of `routes`."""
        owner = owner_of(item.service.tenant_id)
        return [
            {
                "service_id": item.id,
                "position": at,
                "tenant_id": owner,
                "pattern": route.pattern.text,
                "methods": ",".join(sorted(route.methods)),
                "settings": self._route_settings(route),
            }
            for at, route in enumerate(item.service.routes)
        ]

    def _spelled(self, value: object) -> Json:
        place = type(value), value
        known = self._plain.get(place)
        if known is None:
            known = self._plain[place] = plain(value)
        return known

    def _route_settings(self, route: Route) -> str:
        values = tuple([getattr(route, name) for name in _OF_ROUTE])
        text = self._texts.get(values)
        if text is None:
            text = self._texts[values] = to_text(dict(zip(_OF_ROUTE, values, strict=True)))
        return text


class ServiceReader:
    """Makes services of rows. Values are frozen, so thousands of services share those that are equal: most of the time
    that a large registry takes is spent on values that were made before.
    """

    def __init__(self) -> None:
        self._targets: dict[tuple[str, int, str, bool], Target] = {}
        self._routes: dict[tuple[str, str, str], Route] = {}
        self._patterns: dict[str, RoutePattern] = {}
        self._of_routes: dict[tuple[str, str], dict[str, Any]] = {}
        self._settings: dict[tuple[str, str], Any] = {}

    def service(
        self, row: Row[Any], targets: Iterable[Row[Any]], routes: Iterable[Row[Any]]
    ) -> ServiceRegistrationDTO:
        """The service. Raises one of BROKEN."""
        targets = list(targets)
        service = ServiceRoute(
            name=row.name,
            tenant_id=tenant_of(row.tenant_id),
            kind=ServiceKind(row.kind),
            targets=tuple([self._target(one) for one in targets]),
            routes=tuple([self._route(one.pattern, one.methods, one.settings) for one in routes]),
            **{name: self._setting(name, one) for name, one in _settings(row.settings).items()},
        )
        return registered(row, service, _leases(targets))

    def _target(self, row: Row[Any]) -> Target:
        place = row.origin, row.weight, row.server_name, row.guarded
        target = self._targets.get(place)
        if target is None:
            found = Target.parse(row.origin, row.weight)
            target = replace(found, server_name=row.server_name, guarded=row.guarded)
            self._targets[place] = target
        return target

    def _setting(self, name: str, data: Json) -> Json:
        place = name, repr(data)
        known = self._settings.get(place)
        if known is None:
            known = self._settings[place] = build(parts_of(ServiceRoute)[name], data)
        return known

    def _route(self, pattern: str, methods: str, settings: str) -> Route:
        place = pattern, methods, settings
        route = self._routes.get(place)
        if route is None:
            route = self._routes[place] = self._new_route(pattern, methods, settings)
        return route

    def _new_route(self, text: str, methods: str, settings: str) -> Route:
        pattern = self._patterns.get(text)
        if pattern is None:
            pattern = self._patterns[text] = RoutePattern(text)
        place = methods, settings
        given = self._of_routes.get(place)
        if given is None:
            given = self._of_routes[place] = _route_settings(methods, settings)
        return Route(pattern, **given)


def closed(row: Row[Any]) -> ServiceRegistrationDTO:
    """What stands for a service whose rows mean nothing: its name is taken, so that no global one shows through, and
    nobody reaches it. Raises one of BROKEN when even the name means nothing.
    """
    service = ServiceRoute(name=row.name, tenant_id=tenant_of(row.tenant_id), exposed=False, strict=True)
    return replace(registered(row, service, _NO_LEASES), broken=True)


def registered(
    row: Row[Any], service: ServiceRoute, leases: Mapping[str, TargetLease]
) -> ServiceRegistrationDTO:
    """The service with its bookkeeping."""
    return ServiceRegistrationDTO(
        id=row.id,
        version=row.version,
        owner=row.owner,
        declared=row.declared,
        created_at=row.created_at,
        updated_at=row.updated_at,
        service=service,
        leases=leases,
    )


def _route_settings(methods: str, settings: str) -> dict[str, Any]:
    hints = parts_of(Route)
    given = known_in(object_in(settings), _OF_ROUTE, "a route")
    values = {name: build(hints[name], one) for name, one in given.items()}
    return {"methods": frozenset(methods.split(",") if methods else ()), **values}


def _settings(text: str) -> dict[str, Json]:
    return known_in(object_in(text), _DOCUMENT, "a service")


def _leases(targets: Iterable[Row[Any]]) -> Mapping[str, TargetLease]:
    leases = {
        row.origin: TargetLease(row.lease_id, row.lease_expires_at)
        for row in targets
        if row.lease_id is not None
    }
    return MappingProxyType(leases) if leases else _NO_LEASES
