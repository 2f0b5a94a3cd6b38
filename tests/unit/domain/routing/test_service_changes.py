"""Verbs that change a service, and the events that tell what happened between two states."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.errors import ConfigurationError, Conflict, ResourceNotFound
from brain_gateway.domain.events import (
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
from brain_gateway.domain.resilience.rate_limit import RateLimit
from brain_gateway.domain.routing import service_changes as changes
from brain_gateway.domain.routing.service_route import ServiceRoute
from brain_gateway.domain.routing.target import Target
from tests.builders.gateway import TENANT, route, service

A, B, C = "http://a:1", "http://b:1", "http://c:1"
NOW = 1_800_000_000.0


def origins(known: ServiceRoute) -> list[tuple[str, int]]:
    return [(target.origin, target.weight) for target in known.targets]


def test_targets_come_go_and_are_weighed():
    before = service("shop", A, B)
    assert origins(changes.with_target(before, Target.parse(C, 5))) == [(A, 1), (B, 1), (C, 5)]
    assert origins(changes.with_weight(before, B, 0)) == [(A, 1), (B, 0)]
    assert origins(changes.without_target(before, A)) == [(B, 1)]
    assert origins(before) == [(A, 1), (B, 1)], "the one before is as it was"


def test_routes_come_go_and_are_replaced():
    before = service(routes=(route("/a", "GET"), route("/b")))
    new = route("/a", "GET", public=True)
    id_ = before.routes[0].id
    assert changes.with_route(before, route("/c")).routes == (*before.routes, route("/c"))
    assert changes.with_route_in_place(before, id_, new).routes == (new, before.routes[1])
    assert changes.without_route(before, id_).routes == before.routes[1:]
    assert changes.route_of(before, id_) is before.routes[0]


@pytest.mark.parametrize(
    ("error", "change"),
    [
        (Conflict, lambda one: changes.with_target(one, Target.parse(A, 9))),
        (ResourceNotFound, lambda one: changes.with_weight(one, C, 1)),
        (ConfigurationError, lambda one: changes.with_weight(one, A, -1)),
        (ResourceNotFound, lambda one: changes.without_target(one, C)),
        (Conflict, lambda one: changes.with_route(one, route("/a"))),
        (ResourceNotFound, lambda one: changes.with_route_in_place(one, "GET /z", route("/z"))),
        (ResourceNotFound, lambda one: changes.without_route(one, "GET /z")),
        (ResourceNotFound, lambda one: changes.target_of(one, "not an address")),
    ],
)
def test_what_cannot_be_done_is_told(error, change):
    with pytest.raises(error):
        change(service("shop", A, routes=(route("/a"),)))


def happened(old: ServiceRoute | None, new: ServiceRoute | None, **about) -> list[object]:
    return list(changes.events_between(old, new, NOW, **about))


def test_a_service_that_is_registered_brings_its_parts():
    new = service("shop", A, tenant_id=TENANT, routes=(route("/a", "GET"),))
    first, second, third = happened(None, new)
    assert first == ServiceRegistered(occurred_at=NOW, tenant_id=TENANT, service="shop", proxied=True)
    assert second == RouteRegistered(
        occurred_at=NOW, tenant_id=TENANT, service="shop", proxied=True, path="/a", methods=frozenset({"GET"})
    )
    assert third == TargetAdded(
        occurred_at=NOW, tenant_id=TENANT, service="shop", proxied=True, target=A, weight=1
    )


def test_a_service_that_is_gone_is_one_event():
    assert happened(service("shop", A, routes=(route("/a"),)), None) == [
        ServiceDeregistered(occurred_at=NOW, tenant_id=None, service="shop", proxied=True)
    ]
    assert happened(None, None) == []


def test_settings_are_told_by_name():
    old = service("shop", A)
    (event,) = happened(old, replace(old, prefix="/v2", limit=RateLimit(1, 1.0)))
    assert isinstance(event, ServiceUpdated)
    assert event.settings == {"prefix", "limit"}


def test_routes_are_told_one_by_one():
    old = service(routes=(route("/a"), route("/b"), route("/c")))
    new = replace(old, routes=(route("/a"), route("/b", public=True), route("/d")))
    assert [(type(one), one.path) for one in happened(old, new)] == [
        (RouteUpdated, "/b"),
        (RouteRemoved, "/c"),
        (RouteRegistered, "/d"),
    ]


def test_targets_are_told_one_by_one_and_whether_their_lease_ran_out():
    old = service("shop", A, B)
    new = replace(old, targets=(Target.parse(B, 3), Target.parse(C)))
    removed, weighed, added = happened(old, new, expired=frozenset({A}))
    assert (removed, removed.expired) == (replace(removed, target=A), True)
    assert (type(weighed), weighed.target, weighed.weight) == (TargetReweighted, B, 3)
    assert (type(added), added.target) == (TargetAdded, C)
    (removed,) = happened(old, replace(old, targets=(Target.parse(B),)))
    assert (type(removed), removed.expired) == (TargetRemoved, False)


WEIGHTS = st.dictionaries(st.sampled_from((A, B, C)), st.integers(0, 3), max_size=3)


@given(WEIGHTS, WEIGHTS)
def test_from_the_events_the_targets_can_be_told(before, after):
    def at(weights: dict[str, int]) -> ServiceRoute:
        return service(targets=tuple(Target.parse(origin, weight) for origin, weight in weights.items()))

    known = dict(before)
    for event in happened(at(before), at(after)):
        if isinstance(event, TargetRemoved):
            del known[event.target]
        else:
            known[event.target] = event.weight
    assert known == after
