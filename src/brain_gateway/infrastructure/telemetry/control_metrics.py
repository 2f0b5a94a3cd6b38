"""What keeps this process in step with others, as Prometheus metrics: read when asked for, nobody is asked for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from brain_gateway.application.gateway.counted_limit_store import CountedLimitStore
    from brain_gateway.application.gateway.live_configuration import LiveConfiguration
    from brain_gateway.application.outbox_relay import OutboxRelay
    from brain_gateway.domain.resilience.lease_terms import LeaseTerms


@dataclass(frozen=True, eq=False)
class LimitMetrics(Collector):
    """Of limits that processes share."""

    store: CountedLimitStore
    terms: LeaseTerms

    def collect(self) -> Iterable[Metric]:
        """Called by the registry for each scrape."""
        calls = CounterMetricFamily(
            "brain_gateway_limit_store_calls", "Calls to the store of limits.", labels=("call",)
        )
        failures = CounterMetricFamily(
            "brain_gateway_limit_store_failures", "Those without an answer in time.", labels=("call",)
        )
        for name, count in self.store.calls.items():
            calls.add_metric((name,), count)
            failures.add_metric((name,), self.store.failures[name])
        yield calls
        yield failures
        yield GaugeMetricFamily(
            "brain_gateway_limits_shared",
            "1 while limits are shared, 0 while this process is alone.",
            int(self.terms.alone_since is None),
        )
        yield GaugeMetricFamily(
            "brain_gateway_limit_members", "Processes that share the limits.", self.terms.members
        )


@dataclass(frozen=True, eq=False)
class ControlMetrics(Collector):
    """Of the configuration, the outbox and the database. `unix`: seconds since the epoch; `streams`: streams of events
    that are open."""

    live: LiveConfiguration
    relay: OutboxRelay
    unix: Callable[[], float]
    streams: Callable[[], int]

    def collect(self) -> Iterable[Metric]:
        """Called by the registry for each scrape."""
        yield from self._configuration()
        yield from self._events()
        if self.relay.store_answers is not None:
            yield GaugeMetricFamily(
                "brain_gateway_database_up",
                "1 when the database answered at the last attempt; there is one every second.",
                int(self.relay.store_answers),
            )

    def _configuration(self) -> Iterator[Metric]:
        live = self.live
        yield GaugeMetricFamily(
            "brain_gateway_configuration_version", "In force; -1 before the first.", live.version
        )
        yield CounterMetricFamily(
            "brain_gateway_configuration_refreshes",
            "Times that the database was asked for it.",
            live.refreshes,
        )
        yield CounterMetricFamily(
            "brain_gateway_configuration_refresh_failures", "Those that failed.", live.failures
        )
        yield GaugeMetricFamily(
            "brain_gateway_configuration_age_seconds",
            "Since what is in force was last known to be what is stored.",
            live.age,
        )
        yield GaugeMetricFamily(
            "brain_gateway_configuration_unfit_services",
            "Services that are not in force as they are stored.",
            len(live.unfit),
        )

    def _events(self) -> Iterator[Metric]:
        relay = self.relay
        yield GaugeMetricFamily(
            "brain_gateway_outbox_lag_seconds",
            "Since the oldest event happened that this process could not send; 0 without one.",
            relay.lag(self.unix()),
        )
        yield CounterMetricFamily(
            "brain_gateway_outbox_published", "Events that this process has sent.", relay.published
        )
        yield CounterMetricFamily(
            "brain_gateway_outbox_failures", "Attempts to send that failed.", relay.failures
        )
        yield GaugeMetricFamily(
            "brain_gateway_event_streams", "Streams of events that are open.", self.streams()
        )
