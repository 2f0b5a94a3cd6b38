"""Counts what happens on the path, in plain integers; `infrastructure/telemetry` shows them to Prometheus.

Labels are bounded: methods outside the usual nine are `OTHER`, services beyond MOST_SERVICES share `other`.
"""

from __future__ import annotations

from bisect import bisect_left

METHODS = ("OTHER", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
MOST_SERVICES = 2000
UNKNOWN = "unknown"

_method_index = {name.encode(): index for index, name in enumerate(METHODS)}


class ServiceMetrics:
    """One service's counters. `requests` is keyed by status * 16 + index of the method in METHODS; `cache`: by what the
    response cache did (hit, stale, collapsed, revalidated, miss, bypass), and bytes of body that it has taken in."""

    __slots__ = (
        "buckets",
        "cache",
        "cache_bytes",
        "in_flight",
        "limited",
        "requests",
        "retries",
        "seconds",
        "tunnels",
    )

    def __init__(self) -> None:
        self.requests: dict[int, int] = {}
        self.buckets = [0] * (len(BUCKETS) + 1)
        self.seconds = 0.0
        self.in_flight = 0
        self.retries = 0
        self.tunnels = 0
        self.limited: dict[str, int] = {}
        self.cache: dict[str, int] = {}
        self.cache_bytes = 0

    def observe(self, method: bytes, status: int, seconds: float) -> None:
        """One finished request."""
        key = status * 16 + _method_index.get(method, 0)
        requests = self.requests
        try:
            requests[key] += 1
        except KeyError:
            requests[key] = 1
        self.buckets[bisect_left(BUCKETS, seconds)] += 1
        self.seconds += seconds

    def refuse(self, limit_class: str) -> None:
        """One request over a limit."""
        self.limited[limit_class] = self.limited.get(limit_class, 0) + 1


class MetricsCollector:
    """All services' counters, and the process's own."""

    def __init__(self) -> None:
        self.services: dict[str, ServiceMetrics] = {}
        self.connect_buckets: list[int] = [0] * (len(BUCKETS) + 1)
        self.connect_seconds = 0.0
        self.connect_failures = 0
        self.connections = 0

    def of(self, service: str) -> ServiceMetrics:
        """The counters of a service; past MOST_SERVICES names, one that they share."""
        found = self.services.get(service)
        if found is None:
            if len(self.services) >= MOST_SERVICES:
                service = "other"
            found = self.services.setdefault(service, ServiceMetrics())
        return found

    def connected(self, seconds: float) -> None:
        """One connection to a target was made, in that time."""
        self.connect_buckets[bisect_left(BUCKETS, seconds)] += 1
        self.connect_seconds += seconds
