"""The aggregate: its invariants hold from the first moment and after every change."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.errors import ConfigurationError, Conflict
from brain_gateway.domain.events import RouteRegistered, ServiceHealthChanged
from brain_gateway.domain.routing.route import Route
from brain_gateway.domain.routing.route_matcher import Match
from brain_gateway.domain.routing.route_pattern import RoutePattern
from brain_gateway.domain.routing.service_route import (
    MOST_ROUTES,
    MOST_TARGETS,
    ServiceKind,
    ServiceRoute,
    ServiceStatus,
    Timeouts,
)
from brain_gateway.domain.routing.target import Target

TENANT = "0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a"
TARGET = Target("http", "127.0.0.1", 9001)


def route(text: str, *methods: str) -> Route:
    return Route(RoutePattern(text), frozenset(methods))


def test_defaults() -> None:
    service = ServiceRoute(name="ai-agents")
    assert (service.kind, service.status) == (ServiceKind.BACKEND, ServiceStatus.UNKNOWN)
    assert (service.breaker.failures, service.breaker.reset_timeout) == (5, 60.0)
    assert service.timeouts == Timeouts()
    assert (service.exposed, service.websocket, service.strict, service.max_body) == (True, True, False, 0)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"name": ""}, "service name"),
        ({"name": "Ai"}, "service name"),
        ({"name": "-a"}, "service name"),
        ({"name": "a/b"}, "service name"),
        ({"name": "a.b"}, "service name"),
        ({"name": "a\n"}, "service name"),
        ({"name": "a" * 64}, "service name"),
        ({"tenant_id": "demo"}, "service a: the tenant id is not a UUID"),
        ({"prefix": "api"}, "prefix"),
        ({"prefix": "/a//b"}, "prefix"),
        ({"prefix": "/a/../b"}, "prefix"),
        ({"prefix": "/a?b"}, "prefix"),
        ({"prefix": "/a b"}, "prefix"),
        ({"prefix": "/a\r\nb"}, "prefix"),
        ({"targets": (TARGET, TARGET.reweighted(2))}, "http://127.0.0.1:9001 is listed twice"),
        ({"max_body": -1}, "max_body"),
        ({"host_header": ""}, "host_header"),
        ({"host_header": "a b"}, "host_header"),
        ({"host_header": "a/b"}, "host_header"),
        ({"host_header": "a\r\nX: y"}, "host_header"),
    ],
)
def test_what_cannot_be_names_its_fault(given: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ServiceRoute(**({"name": "a"} | given))
    assert named in str(caught.value)


@pytest.mark.parametrize(
    ("prefix", "normal"),
    [("", ""), ("/", ""), ("//", ""), ("/v1", "/v1"), ("/api/v1/", "/api/v1"), ("/a%20b", "/a%20b")],
)
def test_the_prefix_is_normalised(prefix: str, normal: str) -> None:
    assert ServiceRoute(name="a", prefix=prefix).prefix == normal


@pytest.mark.parametrize(
    "host", ["upstream", "preserve", "api.example.com", "api.example.com:8443", "[::1]:80"]
)
def test_host_headers(host: str) -> None:
    assert ServiceRoute(name="a", host_header=host).host_header == host


def test_the_key_tells_owners_apart() -> None:
    assert ServiceRoute(name="a").key == "a"
    assert ServiceRoute(name="a", tenant_id=TENANT.upper()).key == f"{TENANT}/a"


def test_routes_that_tie_are_refused_from_the_start() -> None:
    with pytest.raises(Conflict):
        ServiceRoute(name="a", routes=(route("/{x}"), route("/{y}")))


def test_a_registered_route_is_found_and_announced() -> None:
    service = ServiceRoute(name="a", tenant_id=TENANT, routes=(route("/b"),))
    new = route("/c/{id:int}", "GET")
    service.register_route(new, now=5.0)
    assert service.routes == (route("/b"), new)
    assert isinstance(service.matcher.match("GET", "/c/7"), Match)
    expected = RouteRegistered(
        occurred_at=5.0,
        tenant_id=TENANT,
        service="a",
        proxied=True,
        path="/c/{id:int}",
        methods=frozenset({"GET"}),
    )
    assert service.pull_events() == [expected]
    assert service.pull_events() == []


def test_a_refused_route_leaves_everything_as_it_was() -> None:
    service = ServiceRoute(name="a", routes=(route("/{x}"),))
    matcher = service.matcher
    with pytest.raises(Conflict):
        service.register_route(route("/{y}", "GET"), now=5.0)
    assert (service.routes, service.matcher, service.pull_events()) == ((route("/{x}"),), matcher, [])


@given(st.lists(st.sampled_from(ServiceStatus), max_size=20))
def test_events_tell_every_change_of_health_and_nothing_else(statuses: list[ServiceStatus]) -> None:
    service = ServiceRoute(name="a")
    changes = [service.update_health_status(status, now=float(at)) for at, status in enumerate(statuses)]
    history = [ServiceStatus.UNKNOWN, *statuses]
    expected = [
        ServiceHealthChanged(occurred_at=float(at), service="a", proxied=True, old=old, new=new)
        for at, (old, new) in enumerate(zip(history, statuses, strict=False))
        if old is not new
    ]
    assert service.pull_events() == expected
    assert sum(changes) == len(expected)
    assert service.status is history[-1]


@pytest.mark.parametrize(
    ("targets", "status", "able"),
    [
        ((TARGET,), ServiceStatus.UNKNOWN, True),
        ((TARGET,), ServiceStatus.HEALTHY, True),
        ((TARGET,), ServiceStatus.DEGRADED, True),
        ((TARGET,), ServiceStatus.DOWN, False),
        ((), ServiceStatus.HEALTHY, False),
        ((TARGET.reweighted(0),), ServiceStatus.HEALTHY, False),
    ],
)
def test_can_route_request(targets: tuple[Target, ...], status: ServiceStatus, able: bool) -> None:
    service = ServiceRoute(name="a", targets=targets)
    service.update_health_status(status, now=0.0)
    assert service.can_route_request() is able


def test_the_same_service_at_other_targets() -> None:
    service = ServiceRoute(name="a", targets=(TARGET,), routes=(route("/{x}"),))
    service.update_health_status(ServiceStatus.HEALTHY, now=0.0)
    elsewhere = (Target.parse("http://10.0.0.1:1"), Target.parse("http://10.0.0.2:1"))
    moved = service.at(elsewhere)
    assert (moved.targets, moved.status, moved.matcher) == (elsewhere, ServiceStatus.HEALTHY, service.matcher)
    assert service.targets == (TARGET,)
    assert service.at((TARGET,)) is service
    assert (moved.pull_events(), len(service.pull_events())) == ([], 1)
    moved.update_health_status(ServiceStatus.DOWN, now=1.0)
    assert service.status is ServiceStatus.HEALTHY
    with pytest.raises(ConfigurationError, match="listed twice"):
        service.at((TARGET, TARGET))


def test_targets_and_routes_are_bounded() -> None:
    targets = tuple(Target.parse(f"http://a{number}.example") for number in range(MOST_TARGETS + 1))
    routes = tuple(Route(RoutePattern(f"/{number}")) for number in range(MOST_ROUTES + 1))
    service = ServiceRoute(name="crm", targets=targets[1:], routes=routes[1:])
    for change in ({"targets": targets}, {"routes": routes}):
        with pytest.raises(ConfigurationError, match="at most 1000"):
            replace(service, **change)  # type: ignore[arg-type]  # of either kind
    with pytest.raises(ConfigurationError, match="at most 1000"):
        service.at(targets)
