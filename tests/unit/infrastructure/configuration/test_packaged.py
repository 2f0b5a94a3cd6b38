"""The packaged services, field by field as the platform defines them."""

from __future__ import annotations

import pytest

from brain_gateway.domain.routing.service_route import ServiceRoute
from brain_gateway.infrastructure.configuration import parse_configuration
from brain_gateway.settings import Profile

# name, port, upstream prefix, kind, probe type, probe path, exposed, roles
TABLE = [
    ("ai-agents", 8008, "/api/v1/agents", "ai", "http", "/health", True, set()),
    ("auth-service", 8007, "/api/v1/auth", "backend", "http", "/health", True, set()),
    ("wagtail-cms", 8002, "/api/v1/cms", "backend", "http", "/health", True, set()),
    ("saleor-backend", 8000, "/graphql", "backend", "http", "/health", True, set()),
    ("django-crm", 8003, "/api/v1/crm", "backend", "http", "/health", True, set()),
    ("coreldove-backend", 8005, "/api/v1/coreldove", "backend", "http", "/health", True, set()),
    ("amazon-sourcing", 8009, "/api/v1/amazon", "backend", "http", "/health", True, set()),
    ("business-directory", 8004, "/api/v1/directory", "backend", "http", "/health", True, set()),
    ("quanttrade-backend", 8012, "/api/v1/trading", "backend", "http", "/health", True, set()),
    ("vault", 8200, "/v1", "infrastructure", "http", "/v1/sys/health", True, {"super_admin"}),
    (
        "temporal",
        7233,
        "",
        "infrastructure",
        "grpc",
        "/temporal.api.workflowservice.v1.WorkflowService",
        False,
        set(),
    ),
    ("superset", 8088, "/api/v1", "infrastructure", "http", "/health", True, {"super_admin", "tenant_admin"}),
    ("redis", 6379, "", "internal", "redis", "/", False, set()),
]


def services(profile: Profile = Profile.DEVELOPMENT) -> dict[str, ServiceRoute]:
    return {service.name: service for service in parse_configuration("", profile=profile).services}


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_row(row):
    name, port, prefix, kind, probe, path, exposed, roles = row
    service = services()[name]
    assert [target.origin for target in service.targets] == [f"http://127.0.0.1:{port}"]
    assert (service.prefix, service.kind, service.exposed) == (prefix, kind, exposed)
    assert (service.probe.type, service.probe.path) == (probe, path)
    assert service.roles == roles
    assert service.tenant_id is None


def test_these_and_no_others():
    assert list(services()) == [row[0] for row in TABLE]


def test_production_lives_at_the_platform():
    origins = {name: service.targets[0].origin for name, service in services(Profile.PRODUCTION).items()}
    assert origins == {row[0]: f"http://bizosaas-{row[0]}-staging:{row[1]}" for row in TABLE}


def test_public_routes():
    routes = {route.pattern.text: route.public for route in services()["auth-service"].routes}
    assert routes == {"/login": True, "/register": True, "/refresh": True}
    assert [name for name, service in services().items() if service.routes] == ["auth-service"]


def test_production_looks_those_names_up_when_that_is_wanted():
    found = parse_configuration("", profile=Profile.PRODUCTION, auto_discovery=True).services
    names = {service.name: service.discovery.lookup.name for service in found if service.discovery}
    assert names == {row[0]: f"bizosaas-{row[0]}-staging" for row in TABLE}
    assert all(service.targets == service.discovery.unanswered for service in found if service.discovery)
    assert not any(service.discovery for service in services(Profile.PRODUCTION).values())
    local = parse_configuration("", auto_discovery=True).services
    assert not any(service.discovery for service in local)
