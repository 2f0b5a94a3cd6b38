"""What the health monitor knows of each target that it watches."""

from __future__ import annotations

import math

from brain_gateway.application.gateway.health_schedule import UNSCHEDULED
from brain_gateway.application.ports.probe import ProbeResult
from brain_gateway.domain.resilience.health import HealthTracker, service_status
from brain_gateway.domain.routing.service_route import ProbePolicy, ProbeType, ServiceRoute
from brain_gateway.domain.routing.service_status import ServiceStatus
from brain_gateway.domain.routing.target import Target


class WatchedTarget:
    """One target of one service.

    `due` (of the next check), `started` (of the last): monotonic seconds. `checked_at`: seconds since
    the epoch. `latency`: seconds. `failures`: failed requests in a row. `watched`: false once dropped.
    """

    __slots__ = (
        "checked_at",
        "detail",
        "due",
        "failures",
        "key",
        "latency",
        "policy",
        "running",
        "started",
        "target",
        "tracker",
        "watched",
    )

    def __init__(self, key: str, target: Target, policy: ProbePolicy) -> None:
        self.key = key
        self.target = target
        self.policy = policy
        self.tracker = HealthTracker(policy.healthy_after, policy.unhealthy_after)
        self.watched = True
        self.running = False
        self.due = UNSCHEDULED
        self.started = -math.inf
        self.failures = 0
        self.latency: float | None = None
        self.checked_at: float | None = None
        self.detail = "not checked yet"

    @property
    def probed(self) -> bool:
        """Whether it can be asked; if not, only traffic tells."""
        return self.policy.type != ProbeType.NONE and not self.target.refused

    def adopt(self, target: Target, policy: ProbePolicy) -> bool:
        """Take a new weight and policy and keep the health; True when it is asked in another way from now on."""
        probed, self.target = self.probed, target
        if policy == self.policy and self.probed is probed:
            return False
        healthy, self.policy, self.due = self.tracker.healthy, policy, UNSCHEDULED
        self.tracker = HealthTracker(policy.healthy_after, policy.unhealthy_after)
        if healthy is not None and self.probed:
            self.tracker.record(healthy)
        return True

    def record(self, result: ProbeResult, unix: float) -> bool:
        """Take the result of a check; True when the health changed."""
        self.checked_at, self.detail = unix, result.detail
        self.latency = result.latency if result.ok else None
        if result.ok:
            self.failures = 0
        return self.tracker.record(result.ok)

    def eject(self) -> bool:
        """Count it as down because requests fail; True when the health changed. Checks bring it back."""
        was = self.tracker.healthy
        while self.tracker.healthy is not False:
            self.tracker.record(False)
        self.detail = "requests to it failed"
        return was is not False


class WatchedService:
    """A service, its targets by origin, and since when (seconds since the epoch) its status is what it is."""

    __slots__ = ("service", "since", "targets")

    def __init__(self, service: ServiceRoute, unix: float) -> None:
        self.service = service
        self.targets: dict[str, WatchedTarget] = {}
        self.since = unix

    def assess(self, unix: float) -> bool:
        """Work the status out anew; True when it changed (the aggregate has an event to tell)."""
        if not self.service.update_health_status(self.assessed(), unix):
            return False
        self.since = unix
        return True

    def assessed(self) -> ServiceStatus:
        """The status that the targets' health makes."""
        return service_status([item.tracker.healthy for item in self.targets.values() if item.target.weight])

    def spared_by(self, suspect: WatchedTarget) -> bool:
        """Whether another target could carry the traffic."""
        others = (item for item in self.targets.values() if item is not suspect and item.target.weight)
        return any(item.tracker.healthy is not False for item in others)
