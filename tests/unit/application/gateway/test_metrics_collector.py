"""Counters with bounded labels."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.application.gateway import metrics_collector
from brain_gateway.application.gateway.metrics_collector import (
    BUCKETS,
    METHODS,
    MetricsCollector,
    ServiceMetrics,
)


@given(
    st.lists(
        st.tuples(
            st.binary(max_size=40) | st.sampled_from([name.encode() for name in METHODS]),
            st.integers(100, 599),
        ),
        max_size=60,
    )
)
def test_whatever_is_asked_the_labels_are_few(requests):
    metrics = ServiceMetrics()
    for method, status in requests:
        metrics.observe(method, status, 0.0)
    assert sum(metrics.requests.values()) == len(requests)
    shown = [(METHODS[key % 16], key // 16) for key in metrics.requests]
    assert {status for _, status in shown} == {status for _, status in requests}
    assert len(shown) <= len(METHODS) * len({status for _, status in requests})


@pytest.mark.parametrize(
    ("method", "shown"),
    [
        (b"GET", "GET"),
        (b"TRACE", "TRACE"),
        (b"get", "OTHER"),
        (b"BREW", "OTHER"),
        (b"", "OTHER"),
        (b"OTHER", "OTHER"),
    ],
)
def test_unusual_methods_share_a_label(method, shown):
    metrics = ServiceMetrics()
    metrics.observe(method, 200, 0.0)
    ((key, count),) = metrics.requests.items()
    assert (METHODS[key % 16], key // 16, count) == (shown, 200, 1)


TIMES = [(0.0, 0), (0.001, 0), (0.0011, 1), (0.9, 9), (1.0, 9), (29.9, 13), (30.0, 13), (31.0, 14), (1e9, 14)]


@pytest.mark.parametrize(("seconds", "bucket"), TIMES)
def test_a_time_is_in_the_first_bucket_that_holds_it(seconds, bucket):
    metrics, collector = ServiceMetrics(), MetricsCollector()
    metrics.observe(b"GET", 200, seconds)
    collector.connected(seconds)
    expected = [int(at == bucket) for at in range(len(BUCKETS) + 1)]
    assert (metrics.buckets, metrics.seconds) == (expected, seconds)
    assert (collector.connect_buckets, collector.connect_seconds) == (expected, seconds)


def test_services_beyond_a_number_share_one_set_of_counters(monkeypatch):
    monkeypatch.setattr(metrics_collector, "MOST_SERVICES", 3)
    collector = MetricsCollector()
    found = [collector.of(name) for name in ("a", "b", "c", "d", "e", "a", "d")]
    assert found[3] is found[4] is found[6] is collector.of("other")
    assert found[5] is found[0]
    assert set(collector.services) == {"a", "b", "c", "other"}


def test_refusals_are_counted_by_class():
    metrics = ServiceMetrics()
    for limit_class in ("default", "route", "default"):
        metrics.refuse(limit_class)
    assert metrics.limited == {"default": 2, "route": 1}
