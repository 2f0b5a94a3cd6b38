"""Watches every target of every service: active checks on a schedule, and what traffic shows meanwhile.

- A check decides by thresholds both ways (HealthTracker); the first result decides at once.
- Failed requests, `unhealthy_after` in a row, make the target suspect: it is checked at once, and counted as
  down if another target can carry the traffic. The last one is never taken away by traffic: that is the
  breaker's work. A target without a probe comes back by itself, `healthy_after` intervals later.
- One scheduler serves all targets; at most `concurrency` checks are under way; nothing is asked for a report.
- Targets of tenants' own services share half of these checks, and one tenant has an eighth of them: a tenant whose
  targets do not answer holds up nobody else's. Nor are they checked more often than every TENANT_INTERVAL.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterable, Mapping

from brain_gateway.application.background import Background, Pause, pause
from brain_gateway.application.gateway.health_board import HealthBoard
from brain_gateway.application.gateway.health_report import HealthReport
from brain_gateway.application.gateway.health_schedule import CheckSchedule
from brain_gateway.application.gateway.health_shares import TenantShares, owner_of
from brain_gateway.application.gateway.health_watch import WatchedService, WatchedTarget
from brain_gateway.application.ports.probe import Probe, ProbeResult
from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.domain.events import DomainEvent, ServiceHealthChanged, TargetHealthChanged
from brain_gateway.domain.resilience.health import jittered
from brain_gateway.domain.routing.service_route import ServiceRoute

GRACE = 1.0  # seconds beyond its own timeout after which a probe that does not end is given up
SPREAD_FROM = 64  # targets from which on their checks are spread over the interval
TENANT_INTERVAL = 5.0  # seconds between two checks of a tenant's target, at least
MIN_RECHECK = 1.0  # seconds between two checks of a target that traffic asks for

OnChange = Callable[[str, str, bool], object]
Publish = Callable[[DomainEvent], object]


class HealthMonitor(Background):
    """Enter it (async) to run the checks; `add` and `remove` say of what, before or after, in the same event loop.

    `probes` are by policy type. `on_change(service_key, origin, healthy)` hears of targets, `publish` gets
    the events TargetHealthChanged and ServiceHealthChanged; both are called from the event loop, never inside
    `note`. `clock` is monotonic seconds, `unix` seconds since the epoch, `entropy` gives [0, 1).
    """

    name = "health monitor"

    def __init__(
        self,
        probes: Mapping[str, Probe],
        *,
        on_change: OnChange | None = None,
        publish: Publish | None = None,
        concurrency: int = 64,
        clock: Callable[[], float] = time.monotonic,
        unix: Callable[[], float] = time.time,
        entropy: Callable[[], float] = random.random,
        pause: Pause = pause,
    ) -> None:
        self._probes = probes
        self._on_change, self._publish = on_change, publish
        self._clock, self._unix, self._entropy, self._pause = clock, unix, entropy, pause
        self._slots = asyncio.Semaphore(concurrency)
        self._shares = TenantShares[WatchedTarget](max(1, concurrency // 2), max(1, concurrency // 8))
        self._wake = asyncio.Event()
        self._schedule = CheckSchedule[WatchedTarget]()
        self._services: dict[str, WatchedService] = {}
        self._targets: dict[tuple[str, str], WatchedTarget] = {}
        self._board = HealthBoard(self._services, clock, unix)

    def add(self, service: ServiceRoute) -> None:
        """Watch one more service, or one in another's place: targets that stay keep their health, new ones are checked
        at once. Raises ConfigurationError, with nothing changed, when there is no probe of the service's type.
        """
        if service.probe.type not in self._probes:
            fault = f"service {service.name}: there is no probe of type {service.probe.type}"
            raise ConfigurationError(faults=(fault,))
        self._adopt(service)
        self._board.changed(service.key)

    def remove(self, service_key: str) -> None:
        """Watch a service no more."""
        if service_key in self._services:
            self._remove(service_key)
            self._board.changed(service_key)

    def _remove(self, key: str) -> None:
        for item in self._services.pop(key).targets.values():
            self._drop(item)

    def healthy(self, service_key: str, origin: str) -> bool | None:
        """The health of a target; None when it is not known (yet)."""
        item = self._targets.get((service_key, origin))
        return None if item is None else item.tracker.healthy

    def note(self, service_key: str, origin: str, ok: bool) -> None:
        """A request to the target succeeded or failed. Cheap; successes matter only after a failure."""
        item = self._targets.get((service_key, origin))
        if item is None:
            return
        item.failures = 0 if ok else item.failures + 1
        if item.failures >= item.policy.unhealthy_after:
            item.failures = 0
            self._suspect(item)

    def report(self, tenant_id: str | None = None) -> HealthReport:
        """What a tenant may know: its own services, which shadow the global ones that it can call. For nobody in
        particular (None): all global ones but the internal."""
        return self._board.report(tenant_id)

    def _adopt(self, service: ServiceRoute) -> None:
        watched = self._services.setdefault(service.key, WatchedService(service, self._unix()))
        if watched.service is not service:
            self._carry_over(watched, service)
        wanted = {target.origin: target for target in service.targets}
        for origin in watched.targets.keys() - wanted.keys():
            self._drop(watched.targets.pop(origin))
        for origin, target in wanted.items():
            item = watched.targets.get(origin)
            if item is None:
                item = watched.targets[origin] = WatchedTarget(service.key, target, service.probe)
                self._targets[service.key, origin] = item
            elif not item.adopt(target, service.probe):
                continue
            if item.probed:
                self._check_at(item, self._clock())
        self._assess(watched)

    def _carry_over(self, watched: WatchedService, service: ServiceRoute) -> None:
        """Give the status to the aggregate that takes the place of another; that is no event."""
        service.update_health_status(watched.service.status, self._unix())
        watched.service = service
        self._tell(event for event in service.pull_events() if not isinstance(event, ServiceHealthChanged))

    def _drop(self, item: WatchedTarget) -> None:
        item.watched = False
        del self._targets[item.key, item.target.origin]

    def _check_at(self, item: WatchedTarget, due: float) -> None:
        """Schedule a check, unless one is under way (which schedules the next) or due earlier."""
        if not item.running and due < item.due:
            self._schedule.put(item, due)
            self._wake.set()

    def _suspect(self, item: WatchedTarget) -> None:
        now = self._clock()
        if item.probed:
            self._check_at(item, max(now, item.started + MIN_RECHECK))
        if self._services[item.key].spared_by(item) and item.eject():
            self._changed(item)
            if not item.probed:
                self._check_at(item, now + item.policy.interval)

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as checks:
            while True:
                await self._slots.acquire()
                checks.create_task(self._check(await self._next()))

    async def _next(self) -> WatchedTarget:
        while True:
            self._wake.clear()
            now = self._clock()
            item = self._schedule.pop(now)
            if item is None:
                await self._pause(self._wake, self._schedule.wait(now))
            elif self._shares.take(item.key, item):
                item.running, item.started = True, now
                return item

    async def _check(self, item: WatchedTarget) -> None:
        policy, first = item.policy, item.checked_at is None
        try:
            result = await self._ask(item)
        finally:
            item.running = False
            self._shares.give_back(item.key)
            self._slots.release()
            self._let_one_in()
        if item.policy is policy and item.watched:
            self._board.checked(item.key)
            if item.record(result, self._unix()):
                self._changed(item)
        if item.watched and (item.probed or item.tracker.healthy is False):
            interval = max(policy.interval, TENANT_INTERVAL) if owner_of(item.key) else policy.interval
            delay = self._delay(interval, first) if item.policy is policy else 0.0
            self._check_at(item, self._clock() + delay)

    def _let_one_in(self) -> None:
        while (item := self._shares.next()) is not None:
            if item.watched and not item.running:
                self._schedule.put(item, self._clock())
                self._wake.set()
                return

    def _delay(self, interval: float, first: bool) -> float:
        """Until the next check. Many targets are first checked together: the second check spreads them out."""
        if first and len(self._targets) > SPREAD_FROM:
            return max(MIN_RECHECK, interval * self._entropy())
        return jittered(interval, self._entropy())

    async def _ask(self, item: WatchedTarget) -> ProbeResult:
        probe = self._probes[item.policy.type]
        try:
            async with asyncio.timeout(item.policy.timeout + GRACE):
                return await probe.check(item.target, item.policy)
        except TimeoutError:
            return ProbeResult(ok=False, latency=item.policy.timeout, detail="the probe did not end in time")
        # A probe that breaks must not end the checks of all other targets with it.
        except Exception as error:
            context = {"message": f"the {item.policy.type} probe broke", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)
            return ProbeResult(ok=False, latency=0.0, detail="the probe broke: see the gateway's log")

    def _changed(self, item: WatchedTarget) -> None:
        watched, healthy = self._services[item.key], item.tracker.healthy is True
        origin, service = item.target.origin, watched.service
        self._board.changed(item.key)
        if self._on_change is not None:
            asyncio.get_running_loop().call_soon(self._on_change, item.key, origin, healthy)
        event = TargetHealthChanged(
            occurred_at=self._unix(),
            tenant_id=service.tenant_id,
            service=service.name,
            target=origin,
            healthy=healthy,
        )
        self._tell([event])
        self._assess(watched)

    def _assess(self, watched: WatchedService) -> None:
        if watched.assess(self._unix()):
            self._tell(watched.service.pull_events())

    def _tell(self, events: Iterable[DomainEvent]) -> None:
        if self._publish is not None:
            for event in events:
                asyncio.get_running_loop().call_soon(self._publish, event)
