"""From models to domain objects."""

from __future__ import annotations

import math

import pytest

from brain_gateway.domain.errors import Conflict
from brain_gateway.domain.resilience.rate_limit import LimitClasses, RateLimit
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
