"""What Prometheus reads: the text is well-formed, the user's names are in it, and the labels are few."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from brain_gateway import __version__
from brain_gateway.application.gateway.metrics_collector import BUCKETS
from brain_gateway.infrastructure.telemetry.prometheus import GatewayMetrics
from tests.builders.gateway import TENANT, FakeGateway, service


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway(service("shop", "http://a:1", "http://b:1"), service("own", tenant_id=TENANT))


def samples(gateway: FakeGateway) -> Iterator[Sample]:
    shown = GatewayMetrics(gateway.metrics, lambda: gateway.router.table, lambda: 7, lambda: 3)
    for family in text_string_to_metric_families(shown.render().decode()):
        yield from family.samples


def value(gateway: FakeGateway, name: str, **labels: str) -> float | None:
    found = [sample.value for sample in samples(gateway) if sample.name == name and sample.labels == labels]
    assert len(found) <= 1, f"{name}{labels} twice"
    return found[0] if found else None


def finish(
    gateway: FakeGateway, status: int, seconds: float = 0.0, first: str = "GET /shop HTTP/1.1"
) -> None:
    exchange = gateway.admitted(first=first)
    gateway.clock.tick(seconds)
    exchange.status = status
    gateway.settlement.settle(exchange)


def test_requests_by_service_method_and_status(gateway):
    for status in (200, 200, 503):
        finish(gateway, status)
    finish(gateway, 200, first="BREW /shop HTTP/1.1")
    name = "brain_gateway_requests_total"
    assert value(gateway, name, service="shop", method="GET", status="200") == 2
    assert value(gateway, name, service="shop", method="GET", status="503") == 1
    assert value(gateway, name, service="shop", method="OTHER", status="200") == 1
    assert value(gateway, name, service="shop", method="POST", status="200") is None


def test_durations_are_a_cumulative_histogram(gateway):
    for seconds in (0.0005, 0.003, 0.003, 40.0):
        finish(gateway, 200, seconds)
    name = "brain_gateway_request_duration_seconds"
    shown = [
        value(gateway, f"{name}_bucket", service="shop", le=bound) for bound in (*map(str, BUCKETS), "+Inf")
    ]
    assert shown == [1, 1, 3, *[3] * (len(BUCKETS) - 3), 4]
    assert value(gateway, f"{name}_count", service="shop") == 4
    assert value(gateway, f"{name}_sum", service="shop") == pytest.approx(40.0065)


def test_limits_retries_and_tunnels(gateway):
    metrics = gateway.entry().metrics
    metrics.refuse("default")
    metrics.retries = 2
    metrics.tunnels = 3
    assert value(gateway, "brain_gateway_rate_limited_total", service="shop", limit="default") == 1
    assert value(gateway, "brain_gateway_retries_total", service="shop") == 2
    assert value(gateway, "brain_gateway_tunnels_total", service="shop") == 3


def test_targets_of_global_services(gateway):
    gateway.admitted()
    state = gateway.target(at=1)
    state.breaker.trip(gateway.clock.now)
    state.healthy = False
    pool = gateway.pool(at=1)
    pool.open, pool.idle = 5, 2
    labels = {"service": "shop", "target": "http://b:1"}
    assert value(gateway, "brain_gateway_requests_in_flight", service="shop", target="http://a:1") == 1
    assert value(gateway, "brain_gateway_circuit_breaker_state", **labels) == 2
    assert value(gateway, "brain_gateway_circuit_breaker_state", service="shop", target="http://a:1") == 0
    assert value(gateway, "brain_gateway_target_healthy", **labels) == 0
    assert value(gateway, "brain_gateway_upstream_connections", **labels, state="idle") == 2
    assert value(gateway, "brain_gateway_upstream_connections", **labels, state="busy") == 3


def test_a_half_open_circuit(gateway):
    breaker = gateway.target().breaker
    breaker.trip(gateway.clock.now)
    breaker.admit(gateway.clock.now + 60)
    assert value(gateway, "brain_gateway_circuit_breaker_state", service="shop", target="http://a:1") == 1


def test_targets_of_tenants_are_no_labels(gateway):
    assert not [sample for sample in samples(gateway) if "own" in sample.labels.get("target", "")]


def test_the_process_itself(gateway):
    gateway.metrics.connected(0.003)
    gateway.metrics.connect_failures = 4
    assert value(gateway, "brain_gateway_upstream_connect_duration_seconds_count") == 1
    assert value(gateway, "brain_gateway_upstream_connect_duration_seconds_sum") == pytest.approx(0.003)
    assert value(gateway, "brain_gateway_upstream_connect_failures_total") == 4
    assert value(gateway, "brain_gateway_client_connections") == 7
    assert value(gateway, "brain_gateway_access_log_dropped_total") == 3
    (build,) = [sample for sample in samples(gateway) if sample.name == "brain_gateway_build_info"]
    assert (build.labels["version"], build.value) == (__version__, 1)
    names = {sample.name for sample in samples(gateway)}
    assert {"process_resident_memory_bytes", "python_gc_collections_total"} <= names


def test_every_sample_of_ours_is_told_what_it_means(gateway):
    finish(gateway, 200)
    shown = (
        GatewayMetrics(gateway.metrics, lambda: gateway.router.table, lambda: 0, lambda: 0).render().decode()
    )
    families = [
        family for family in text_string_to_metric_families(shown) if family.name.startswith("brain_gateway")
    ]
    assert all(family.documentation and family.type != "unknown" for family in families)
    assert len({family.name for family in families}) == len(families)


def test_odd_names_do_not_break_the_text(gateway):
    gateway.entry().metrics.refuse('a"b\\c\nd')
    assert value(gateway, "brain_gateway_rate_limited_total", service="shop", limit='a"b\\c\nd') == 1
