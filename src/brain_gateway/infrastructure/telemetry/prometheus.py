"""The path's counters as Prometheus metrics; they are read when asked for, not written on the path."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from brain_gateway import __version__
from brain_gateway.application.gateway.metrics_collector import BUCKETS, METHODS, MetricsCollector
from brain_gateway.domain.resilience.circuit_breaker import BreakerState

if TYPE_CHECKING:
    from brain_gateway.application.gateway.routing_table import RoutingTable

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_STATES = {BreakerState.CLOSED: 0, BreakerState.HALF_OPEN: 1, BreakerState.OPEN: 2}


class GatewayMetrics(Collector):
    """Shows a MetricsCollector, and the targets of the routing table's global services (labels are bounded)."""

    def __init__(
        self,
        metrics: MetricsCollector,
        table: Callable[[], RoutingTable],
        connections: Callable[[], int],
        dropped_records: Callable[[], int],
    ) -> None:
        self._metrics = metrics
        self._table = table
        self._connections = connections
        self._dropped = dropped_records
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._registry)

    def add(self, collector: Collector) -> None:
        """Show what this one collects, too."""
        self._registry.register(collector)

    def render(self) -> bytes:
        """The text exposition format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterable[Metric]:
        """Called by the registry for each scrape."""
        yield from self._requests()
        yield from self._targets()
        yield from self._process()

    def _requests(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "brain_gateway_requests", "Finished requests.", labels=("service", "method", "status")
        )
        duration = HistogramMetricFamily(
            "brain_gateway_request_duration_seconds",
            "From admission to the response's end.",
            labels=("service",),
        )
        limited = CounterMetricFamily(
            "brain_gateway_rate_limited", "Requests refused with 429.", labels=("service", "limit")
        )
        retries = CounterMetricFamily(
            "brain_gateway_retries", "Attempts after the first.", labels=("service",)
        )
        tunnels = CounterMetricFamily(
            "brain_gateway_tunnels", "WebSocket connections made.", labels=("service",)
        )
        cache = CounterMetricFamily(
            "brain_gateway_cache_requests", "Requests of cached routes.", labels=("service", "result")
        )
        cached = CounterMetricFamily(
            "brain_gateway_cache_stored_bytes", "Bodies that were taken in.", labels=("service",)
        )
        for name, service in list(self._metrics.services.items()):
            for result, count in list(service.cache.items()):
                cache.add_metric((name, result), count)
            if service.cache_bytes:
                cached.add_metric((name,), service.cache_bytes)
            for key, count in list(service.requests.items()):
                requests.add_metric((name, METHODS[key % 16], str(key // 16)), count)
            duration.add_metric((name,), _cumulative(service.buckets), service.seconds)
            for limit, count in list(service.limited.items()):
                limited.add_metric((name, limit), count)
            retries.add_metric((name,), service.retries)
            tunnels.add_metric((name,), service.tunnels)
        yield from (requests, duration, limited, retries, tunnels, cache, cached)

    def _targets(self) -> Iterator[Metric]:
        in_flight = GaugeMetricFamily(
            "brain_gateway_requests_in_flight", "Admitted and not finished.", labels=("service", "target")
        )
        breaker = GaugeMetricFamily(
            "brain_gateway_circuit_breaker_state",
            "0 closed, 1 half open, 2 open.",
            labels=("service", "target"),
        )
        healthy = GaugeMetricFamily(
            "brain_gateway_target_healthy", "1 unless a probe says otherwise.", labels=("service", "target")
        )
        pool = GaugeMetricFamily(
            "brain_gateway_upstream_connections", "Open connections.", labels=("service", "target", "state")
        )
        for entry in self._table():
            if entry.service.tenant_id is not None:
                continue
            for state in entry.targets:
                labels = (entry.name, state.name)
                in_flight.add_metric(labels, state.in_flight)
                breaker.add_metric(labels, _STATES[state.breaker.state])
                healthy.add_metric(labels, int(state.healthy))
                pool.add_metric((*labels, "idle"), state.pool.idle)
                pool.add_metric((*labels, "busy"), state.pool.open - state.pool.idle)
        yield from (in_flight, breaker, healthy, pool)

    def _process(self) -> Iterator[Metric]:
        metrics = self._metrics
        yield HistogramMetricFamily(
            "brain_gateway_upstream_connect_duration_seconds",
            "Time to connect to a target.",
            buckets=_cumulative(metrics.connect_buckets),
            sum_value=metrics.connect_seconds,
        )
        yield CounterMetricFamily(
            "brain_gateway_upstream_connect_failures",
            "Connections that could not be made.",
            metrics.connect_failures,
        )
        yield GaugeMetricFamily(
            "brain_gateway_client_connections", "Open client connections.", self._connections()
        )
        yield CounterMetricFamily("brain_gateway_access_log_dropped", "Access records lost.", self._dropped())
        build = GaugeMetricFamily("brain_gateway_build_info", "Always 1.", labels=("version", "python"))
        build.add_metric((__version__, platform.python_version()), 1)
        yield build


def _cumulative(buckets: list[int]) -> list[tuple[str, float]]:
    total = 0
    shown: list[tuple[str, float]] = []
    for bound, count in zip((*map(str, BUCKETS), "+Inf"), buckets, strict=True):
        total += count
        shown.append((bound, total))
    return shown
