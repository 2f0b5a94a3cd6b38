"""From models to domain objects."""

from __future__ import annotations

import math

import pytest

from brain_gateway.domain.errors import Conflict
from brain_gateway.domain.resilience.rate_limit import LimitClasses, RateLimit
from brain_gateway.domain.routing.discovery import DiscoveryPolicy, Lookup
from brain_gateway.domain.routing.target import Target
from brain_gateway.schemas.building import ServiceBuilder, api_key_record, limit_classes
from brain_gateway.schemas.file import ApiKeyModel, LimitsModel
from brain_gateway.schemas.policies import LimitModel
from brain_gateway.schemas.service import ServiceModel

BUILDER = ServiceBuilder("http://{name}.local:{port}", 30.0)


def model(**values: object) -> ServiceModel:
    return ServiceModel.model_validate(values)


@pytest.mark.parametrize(
    ("probe", "path"),
    [
        (None, "/health"),
        ({}, "/health"),
        ({"path": "/up"}, "/up"),
        ({"type": "grpc"}, "/"),
        ({"type": "grpc", "path": "a.B"}, "/a.B"),
        ({"type": "grpc", "path": "/a.B"}, "/a.B"),
        ({"type": "tcp"}, "/"),
    ],
)
def test_probe_paths(probe, path):
    assert BUILDER.build("x", model(port=1, probe=probe), None).probe.path == path


@pytest.mark.parametrize(
    ("template", "values", "needs"),
    [
        ("http://{name}:{port}", {}, True),
        ("http://{name}:{port}", {"port": 1}, False),
        ("http://{name}:{port}", {"targets": ["http://a"]}, False),
        ("http://{name}", {}, False),
        ("http://{name}:{port}", {"discovery": {"name": "a", "record": "SRV"}}, False),
    ],
)
def test_who_needs_a_port(template, values, needs):
    assert ServiceBuilder(template, 30.0).needs_port(model(**values)) is needs


def test_targets_win_over_the_template():
    built = BUILDER.build("x", model(port=1, targets=["http://a:2"]), None)
    assert [target.origin for target in built.targets] == ["http://a:2"]


def test_like_policies_are_shared():
    one, other = (BUILDER.build(name, model(port=1, limit={"requests": 7}), None) for name in ("a", "b"))
    assert one.breaker is other.breaker
    assert one.probe is other.probe
    assert one.limit is other.limit


def test_ties_are_the_domains_to_refuse():
    with pytest.raises(Conflict):
        BUILDER.build("x", model(port=1, routes=[{"path": "/a"}, {"path": "/a"}]), None)


def test_limit_classes():
    assert limit_classes(None) == LimitClasses()
    given = LimitsModel(agents=LimitModel(requests=3, window=5.0))
    assert limit_classes(given) == LimitClasses(agents=RateLimit(3, 5.0))


def test_api_keys():
    key = ApiKeyModel(hash="sha256:" + "0" * 64, user="u")
    record = api_key_record(key, "0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a")
    assert (record.prefix, record.expires_at, record.roles) == ("bgk_", math.inf, frozenset())


# Discovery


def test_a_discovery_is_built_with_the_ports_and_names_that_it_leaves_out():
    built = BUILDER.build("x", model(port=8003, discovery={"name": "CRM.internal"}), None)
    assert built.discovery == DiscoveryPolicy(Lookup("crm.internal"), 8003)
    assert built.targets == (Target("http", "crm.internal", 8003),)
    whole = {
        "name": "_http._tcp.crm.internal", "record": "srv", "port": 9, "scheme": "HTTPS", "server_name": "crm",
        "min_interval": "2s", "max_interval": "1m", "empty_after": 0,
    }  # fmt: skip
    built = BUILDER.build("x", model(port=8003, discovery=whole), None)
    lookup = Lookup("_http._tcp.crm.internal", "dns", "SRV", 2.0, 60.0, 0.0)
    assert built.discovery == DiscoveryPolicy(lookup, 9, "https", "crm")
    assert built.targets == ()


def test_targets_beside_a_discovery_hold_until_it_finds_something():
    built = BUILDER.build("x", model(port=1, discovery={"name": "a"}, targets=["http://b:2"]), None)
    assert [target.origin for target in built.targets] == ["http://b:2"]
    assert built.discovery == DiscoveryPolicy(Lookup("a"), 1)


def test_srv_records_are_balanced_by_their_weights_unless_the_file_says_otherwise():
    srv = {"name": "a", "record": "SRV"}
    strategies = [
        BUILDER.build("x", model(port=1, **values), None).balancer.strategy
        for values in (
            {"discovery": srv},
            {"discovery": srv, "balancer": {"strategy": "least_in_flight"}},
            {"discovery": {"name": "a"}},
        )
    ]
    assert strategies == ["weighted", "least_in_flight", "round_robin"]


@pytest.mark.parametrize(
    ("template", "values", "looked_up"),
    [
        ("http://{name}.internal:{port}", {}, DiscoveryPolicy(Lookup("x.internal"), 1)),
        ("https://{name}.internal", {}, DiscoveryPolicy(Lookup("x.internal"), 443, "https")),
        ("http://127.0.0.1:{port}", {}, None),
        ("http://[::1]:{port}", {}, None),
        ("http://localhost:{port}", {}, None),
        ("http://{name}.internal:{port}", {"targets": ["http://a.test:1"]}, None),
        (
            "http://{name}.internal:{port}",
            {"discovery": {"name": "a"}},
            DiscoveryPolicy(Lookup("a"), 1),
        ),
    ],
)
def test_names_of_the_template_are_looked_up_when_that_is_wanted(template, values, looked_up):
    described = model(port=1, **values)
    wanted = ServiceBuilder(template, 30.0, True).build("x", described, None)
    assert wanted.discovery == looked_up
    unwanted = ServiceBuilder(template, 30.0, False).build("x", described, None)
    assert unwanted.discovery == (looked_up if "discovery" in values else None)
    assert unwanted.targets == wanted.targets
