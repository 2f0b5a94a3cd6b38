"""Policies: the defaults of the platform, and what cannot be."""

from math import inf, nan
from typing import Any

import pytest

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.domain.resilience.load_balancer import STRATEGIES
from brain_gateway.domain.routing.policies import BalancerPolicy, CorsPolicy, ProbePolicy, ProbeType, Timeouts


def test_defaults() -> None:
    assert Timeouts() == Timeouts(connect=5.0, response=30.0, idle=60.0, total=0.0)
    assert ProbePolicy() == ProbePolicy("http", "/health", 30.0, 2.0, 2, 3)
    assert BalancerPolicy() == BalancerPolicy("round_robin", "tenant")
    assert CorsPolicy().origins == ()


@pytest.mark.parametrize(
    ("policy", "arguments", "named"),
    [
        (Timeouts, {"connect": -1.0}, "timeouts: connect"),
        (Timeouts, {"response": inf}, "timeouts: response"),
        (Timeouts, {"total": nan}, "timeouts: total"),
        (CorsPolicy, {"origins": ("https://app.example.com/",)}, "is not an origin"),
        (CorsPolicy, {"origins": ("app.example.com",)}, "is not an origin"),
        (CorsPolicy, {"origins": ("https://*.example.com",)}, "is not an origin"),
        (CorsPolicy, {"origins": ("*",), "credentials": True}, "named origins"),
        (CorsPolicy, {"origins": ("null",), "credentials": True}, "named origins"),
        (CorsPolicy, {"methods": ("GET POST",)}, "not an HTTP method"),
        (CorsPolicy, {"headers": ("a b",)}, "not a header name"),
        (CorsPolicy, {"expose": ("a:",)}, "not a header name"),
        (CorsPolicy, {"max_age": -1}, "max_age"),
        (ProbePolicy, {"type": "ping"}, 'unknown type "ping"; use one of http, tcp, grpc, redis, none'),
        (ProbePolicy, {"path": "health"}, "does not start with /"),
        (ProbePolicy, {"path": "/a b"}, "not plain ASCII"),
        (ProbePolicy, {"path": "/a\r\nX: y"}, "not plain ASCII"),
        (ProbePolicy, {"interval": 0.0}, "interval"),
        (ProbePolicy, {"timeout": 0.0}, "timeout"),
        (ProbePolicy, {"healthy_after": 0}, "healthy_after"),
        (ProbePolicy, {"unhealthy_after": 0}, "unhealthy_after"),
        (BalancerPolicy, {"strategy": "random"}, 'unknown strategy "random"'),
        (BalancerPolicy, {"hash_on": "cookie"}, "neither tenant nor header:NAME"),
        (BalancerPolicy, {"hash_on": "header:"}, "neither tenant nor header:NAME"),
        (BalancerPolicy, {"hash_on": "header:a b"}, "neither tenant nor header:NAME"),
    ],
)
def test_what_cannot_be_names_its_fault(policy: Any, arguments: dict, named: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        policy(**arguments)
    assert named in str(caught.value)


@pytest.mark.parametrize(
    "origin", ["*", "null", "https://app.example.com", "http://localhost:3000", "http://[::1]:80"]
)
def test_origins(origin: str) -> None:
    assert CorsPolicy(origins=(origin,)).origins == (origin,)


@pytest.mark.parametrize("kind", ProbeType)
def test_probe_types(kind: ProbeType) -> None:
    assert ProbePolicy(type=str(kind)) == ProbePolicy(type=kind)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("hash_on", ["tenant", "header:X-Session"])
def test_balancer_policies(strategy: str, hash_on: str) -> None:
    assert BalancerPolicy(strategy, hash_on).hash_on == hash_on
