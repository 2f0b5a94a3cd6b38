"""A configuration as an explicit document: building it again gives the same, whatever it came from."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.application.configuration import GatewayConfiguration
from brain_gateway.domain.routing.service_route import ServiceRoute
from brain_gateway.infrastructure.configuration import parse_configuration
from brain_gateway.schemas.explicit import configuration_document
from brain_gateway.settings import Profile

TENANTS = ("0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a", "5d1f0a52-7c39-4a0e-9b0c-3e7d0c6f8a21")
APART = 29.75  # an interval that no file names


def parts(configuration: GatewayConfiguration) -> dict[str, Any]:
    """The configuration as values that compare."""
    services = {
        service.key: {
            field.name: getattr(service, field.name) for field in fields(ServiceRoute) if field.init
        }
        for service in configuration.services
    }
    return {
        "services": services,
        "limits": configuration.limit_classes,
        "tenant limits": dict(configuration.tenant_limits),
        "tenants": dict(configuration.tenants),
        "keys": {key.hash: key for key in configuration.api_keys},
        "label": configuration.label,
    }


def again(configuration: GatewayConfiguration, interval: float = 30.0) -> GatewayConfiguration:
    text = json.dumps(configuration_document(configuration, interval))
    return parse_configuration(text, health_check_interval=interval)


limits = st.builds(
    lambda requests, window, burst: {
        "requests": requests,
        "window": window,
        **({"burst": 1} if burst else {}),
    },
    st.integers(1, 10**6),
    st.sampled_from(["500ms", 1, 60, "1h", 7.25]),
    st.booleans(),
)
roles = st.lists(st.sampled_from(["manager", "client", "super_admin"]), unique=True, max_size=2)
targets = st.lists(
    st.sampled_from(
        ["http://a:1", "https://b", {"url": "http://[::1]:9", "weight": 0}, "http://10.0.0.1:80"]
    ),
    max_size=3,
    unique_by=str,
)
cache = st.sampled_from([True, False, {"default_ttl": 0}, {"per_user": True, "max_body": 5}])
routes = st.builds(
    lambda path, method, public, named, limit, kept: {
        "path": path,
        "methods": method,
        **({"public": True} if public else {"roles": named}),
        **({"limit": limit} if limit else {}),
        "cache": kept,
    },
    st.sampled_from(["/a", "/b/{id:int}", "/c/{rest:path}"]),
    st.sampled_from([[], ["GET"], ["POST", "GET"]]),
    st.booleans(),
    roles,
    st.none() | limits,
    cache,
)
discoveries = st.builds(
    lambda name, record, more: {"name": name, "record": record, "port": 80, **more},
    st.sampled_from(["reports.internal", "_http._tcp.reports.internal."]),
    st.sampled_from(["A", "SRV", "auto"]),
    st.sampled_from(
        [{}, {"scheme": "https", "server_name": "other.internal"}, {"min_interval": 2, "empty_after": 0}]
    ),
)
whats = {
    "kind": st.sampled_from(["ai", "backend", "internal"]),
    "prefix": st.sampled_from(["/", "/api/v1/", "/x"]),
    "roles": roles,
    "limit": limits,
    "balancer": st.sampled_from(
        [
            {"strategy": "round_robin"},
            {"strategy": "weighted"},
            {"strategy": "consistent_hash", "hash_on": "header:X"},
        ]
    ),
    "breaker": st.sampled_from([{}, {"failures": 2, "count_500": True}, {"reset_timeout": "2m"}]),
    "retry": st.sampled_from([{}, {"attempts": 1, "budget": 0}]),
    "timeouts": st.sampled_from([{}, {"connect": 1.5, "total": "1h"}]),
    "probe": st.sampled_from(
        [
            {},
            {"type": "tcp", "interval": 30},
            {"interval": 30},
            {"type": "grpc", "path": "a.B"},
            {"interval": APART},
        ]
    ),
    "cors": st.sampled_from([{"origins": ["*"]}, {"origins": ["https://a.example"], "credentials": True}]),
    "host_header": st.sampled_from(["upstream", "preserve", "x.example:80"]),
    "max_body": st.integers(0, 10**9),
    "websocket": st.booleans(),
    "discovery": discoveries,
    "targets": targets,
    "routes": st.lists(routes, max_size=3, unique_by=lambda route: route["path"]),
}
services = st.fixed_dictionaries({"port": st.just(9)}, optional=whats)
names = st.sampled_from(["reports", "mail", "ai-agents", "redis"])
keys = st.integers(0, 2**256 - 1).map(
    lambda number: {"hash": f"sha256:{number:064x}", "user": "u", "roles": ["client"], "prefix": "bgk_x"}
)
expiring = keys.map(lambda key: {**key, "expires_at": "2030-01-31T00:00:00.125+01:00"})
tenants = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["Demo", "$${A}", "${X:-y}", "$$${Z}", "a$"]),
        "services": st.dictionaries(names, services, max_size=2),
        "limits": st.fixed_dictionaries(
            {},
            optional={
                "default": limits,
                "agents": limits,
                "services": st.dictionaries(names, limits, max_size=2),
            },
        ),
        "api_keys": st.lists(keys | expiring, max_size=1),
    },
)
files = st.fixed_dictionaries(
    {},
    optional={
        "label": st.just("platform"),
        "packaged_services": st.booleans(),
        "host_template": st.just("http://{name}.internal:{port}"),
        "limits": st.fixed_dictionaries({}, optional={"default": limits, "public": limits}),
        "services": st.dictionaries(names, services, max_size=3),
        "tenants": st.dictionaries(st.sampled_from(TENANTS), tenants, max_size=2),
    },
)


@given(files, st.sampled_from([30.0, 10.0, APART]), st.booleans())
def test_building_the_document_gives_the_same_configuration(values, interval, discovers):
    hashes = [
        key["hash"] for tenant in values.get("tenants", {}).values() for key in tenant.get("api_keys", [])
    ]
    if len(set(hashes)) != len(hashes):
        return
    read = parse_configuration(json.dumps(values), health_check_interval=interval, auto_discovery=discovers)
    assert parts(again(read, interval)) == parts(read)


@pytest.mark.parametrize("profile", list(Profile))
def test_the_packaged_services_are_written_out(profile):
    read = parse_configuration("", profile=profile, auto_discovery=True)
    document = configuration_document(read)
    assert document["packaged_services"] is False
    assert len(document["services"]) == 13
    assert parts(again(read)) == parts(read)


def test_it_is_sparse():
    read = parse_configuration("packaged_services: false\nservices: {x: {targets: [http://a:1]}}")
    assert configuration_document(read) == {
        "packaged_services": False,
        "services": {"x": {"targets": [{"url": "http://a:1"}]}},
    }


@pytest.mark.parametrize(
    ("written", "reader", "told"),
    [("", APART, None), ("interval: 30", APART, 30), ("interval: 5", APART, 5), ("interval: 30", 30.0, None)],
)
def test_a_probe_is_told_its_interval_where_the_file_tells_it(written, reader, told):
    """Else the gateway that gets the document uses its own (HEALTH_CHECK_INTERVAL)."""
    text = f"packaged_services: false\nservices: {{x: {{port: 1, probe: {{{written}}}}}}}"
    document = configuration_document(parse_configuration(text, health_check_interval=reader), reader)
    assert document["services"]["x"].get("probe", {}).get("interval") == told


def test_what_belongs_to_tenants():
    text = f"""
    packaged_services: false
    tenants:
      {TENANTS[0]}:
        limits: {{agents: {{requests: 3}}, services: {{x: {{requests: 2, window: 1s}}}}}}
        services: {{x: {{targets: [http://a:1]}}}}
    """
    document = configuration_document(parse_configuration(text))
    assert document["tenants"] == {
        TENANTS[0]: {
            "services": {"x": {"targets": [{"url": "http://a:1"}]}},
            "limits": {
                "agents": {"requests": 3, "window": 60},
                "services": {"x": {"requests": 2, "window": 1}},
            },
        }
    }


def test_a_service_that_is_looked_up_in_srv_records_keeps_its_strategy():
    text = """
    packaged_services: false
    services:
      a: {discovery: {name: x.internal, record: SRV}}
      b: {discovery: {name: x.internal, record: SRV}, balancer: {strategy: round_robin}}
    """
    read = parse_configuration(text)
    assert [one.balancer.strategy for one in read.services] == ["weighted", "round_robin"]
    assert parts(again(read)) == parts(read)
