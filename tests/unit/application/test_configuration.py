"""A configuration as domain objects."""

from __future__ import annotations

from brain_gateway.application.configuration import GatewayConfiguration
from brain_gateway.domain.resilience.rate_limit import LimitClasses, RateLimit
from tests.builders.gateway import TENANT, route, service


def test_every_limit_that_is_named_anywhere():
    limits = [RateLimit(number, 60.0) for number in range(1, 9)]
    configuration = GatewayConfiguration(
        services=(
            service("shop", limit=limits[4], routes=(route("/a", limit=limits[5]), route("/b"))),
            service("crm", tenant_id=TENANT, routes=(route("/c", limit=limits[6]),)),
            service("cms", limit=limits[7]),
        ),
        limit_classes=LimitClasses(*limits[:4]),
    )
    assert sorted(configuration.limits(), key=lambda limit: limit.requests) == limits


def test_nothing_but_services_is_needed():
    configuration = GatewayConfiguration(services=())
    assert (configuration.limit_classes, configuration.api_keys, dict(configuration.tenants)) == (
        LimitClasses(),
        (),
        {},
    )
