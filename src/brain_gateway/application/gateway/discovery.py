"""Keeps the targets of services that are looked up: asks again when an answer's time is over.

- Services that ask alike share one look-up. One scheduler serves all of them.
- Silence changes nothing: what was found last stays. Until something is found, and once a name has been denied for
  long, a service has its own targets.
- A target that fails is a reason to ask at once: it may have moved before its answer's time was over.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Mapping

from brain_gateway.application.background import Background, Pause, pause
from brain_gateway.application.gateway.discovery_watch import DiscoveryStatus, WatchedLookup
from brain_gateway.application.gateway.health_monitor import Publish
from brain_gateway.application.gateway.health_schedule import CheckSchedule
from brain_gateway.application.ports.service_discovery import Discovered, NotDiscovered, ServiceDiscovery
from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.domain.events import CircuitOpened, DomainEvent, TargetHealthChanged, TargetsDiscovered
from brain_gateway.domain.routing.discovery import DiscoveryPolicy, Instance, Lookup
from brain_gateway.domain.routing.service_route import ServiceRoute
from brain_gateway.domain.routing.target import DEFAULT_PORTS, Target

OnTargets = Callable[[str, tuple[Target, ...]], object]


class TargetDiscovery(Background):
    """Enter it (async) to begin asking; `add` and `remove` say for whom, before or after, in the same event loop.

    `directories` are by policy type. `on_change(service_key, targets)` hears of every service whose targets or
    weights are others now, `publish` gets the event TargetsDiscovered; both are called from the event loop, and may
    be replaced. `permits`: whether a name that a tenant has named may lead to this target. `clock` is monotonic
    seconds, `unix` seconds since the epoch, `entropy` gives [0, 1).
    """

    name = "target discovery"

    def __init__(
        self,
        directories: Mapping[str, ServiceDiscovery],
        *,
        on_change: OnTargets | None = None,
        publish: Publish | None = None,
        permits: Callable[[Target], bool] = lambda target: True,
        clock: Callable[[], float] = time.monotonic,
        unix: Callable[[], float] = time.time,
        entropy: Callable[[], float] = random.random,
        pause: Pause = pause,
    ) -> None:
        self._directories = directories
        self.on_change, self.publish, self._permits = on_change, publish, permits
        self._clock, self._unix, self._entropy, self._pause = clock, unix, entropy, pause
        self._wake, self._asked = asyncio.Event(), asyncio.Event()
        self._schedule = CheckSchedule[WatchedLookup]()
        self._services: dict[str, ServiceRoute] = {}
        self._lookups: dict[Lookup, WatchedLookup] = {}
        self._unasked: set[Lookup] = set()

    def add(self, service: ServiceRoute) -> None:
        """Look this one up too, in place of what had its key; what was found stays, and nobody is told of a change.

        Raises ConfigurationError, with nothing changed, when there is no directory of its policy's type.
        """
        policy, known = service.discovery, self._services.get(service.key)
        if policy is None:
            self.remove(service.key)
            return
        if policy.lookup.type not in self._directories:
            fault = f"service {service.name}: there is no discovery of type {policy.lookup.type}"
            raise ConfigurationError(faults=(fault,))
        if known is not None and known.discovery is not None and known.discovery.lookup != policy.lookup:
            self.remove(service.key)
        self._services[service.key] = service
        item = self._lookups.get(policy.lookup)
        if item is None:
            item = self._lookups[policy.lookup] = WatchedLookup(policy.lookup)
            self._unasked.add(policy.lookup)
            self._ask_at(item, self._clock())
        item.services.add(service.key)

    def remove(self, service_key: str) -> None:
        """Look it up no more; a name that nobody else asks for is forgotten."""
        service = self._services.pop(service_key, None)
        if service is None or service.discovery is None:
            return
        item = self._lookups[service.discovery.lookup]
        item.services.discard(service_key)
        if not item.services:
            item.drop()
            del self._lookups[item.lookup]
            self._now_asked(item.lookup)

    def targets_of(self, service: ServiceRoute) -> tuple[Target, ...]:
        """The targets that hold now: those that were found, or else the service's own."""
        item = None if service.discovery is None else self._lookups.get(service.discovery.lookup)
        return self._targets(service, None if item is None else item.instances)

    def located(self, service: ServiceRoute) -> ServiceRoute:
        """The service at the targets that hold now."""
        return service.at(self.targets_of(service))

    def status(self) -> tuple[DiscoveryStatus, ...]:
        """What is known of each service that is looked up, by key."""
        return tuple(self._status(self._services[key]) for key in sorted(self._services))

    def heed(self, event: DomainEvent) -> None:
        """A target fails: ask where it is now, as soon as `min_interval` allows."""
        if isinstance(event, CircuitOpened) or (isinstance(event, TargetHealthChanged) and not event.healthy):
            own = event.service if event.tenant_id is None else f"{event.tenant_id}/{event.service}"
            service = self._services.get(own)
            if service is not None and service.discovery is not None:
                item = self._lookups[service.discovery.lookup]
                self._ask_at(item, max(self._clock(), item.started + item.lookup.min_interval))

    async def settled(self, within: float) -> None:
        """Wait until every name has been asked for once, at most so many seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                while self._unasked:
                    self._asked.clear()
                    await self._asked.wait()

    def _status(self, service: ServiceRoute) -> DiscoveryStatus:
        assert service.discovery is not None
        item = self._lookups[service.discovery.lookup]
        return DiscoveryStatus(
            service=service.name,
            tenant_id=service.tenant_id,
            lookup=item.lookup,
            targets=tuple(target.origin for target in self.targets_of(service)),
            answered_at=item.answered_at,
            next_at=None if item.running else self._unix() + item.due - self._clock(),
            error=item.error,
        )

    def _targets(self, service: ServiceRoute, found: frozenset[Instance] | None) -> tuple[Target, ...]:
        """Those of the instances that were found, or the service's own when nothing was."""
        policy = service.discovery
        if policy is None or found is None:
            return service.targets
        targets = policy.targets(found)
        if not service.outside_only:
            return targets
        permitted = tuple(target for target in targets if self._permits(target))
        return permitted if len(permitted) == len(targets) else (*permitted, _refused(policy))

    def _ask_at(self, item: WatchedLookup, due: float) -> None:
        """Schedule a question, unless one is under way (which schedules the next) or due earlier."""
        if not item.running and due < item.due:
            self._schedule.put(item, due)
            self._wake.set()

    def _now_asked(self, lookup: Lookup) -> None:
        self._unasked.discard(lookup)
        if not self._unasked:
            self._asked.set()

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as questions:
            while True:
                item = await self._next()
                item.question = questions.create_task(self._ask(item))

    async def _next(self) -> WatchedLookup:
        while True:
            self._wake.clear()
            now = self._clock()
            item = self._schedule.pop(now)
            if item is not None:
                item.running, item.started = True, now
                return item
            await self._pause(self._wake, self._schedule.wait(now))

    async def _ask(self, item: WatchedLookup) -> None:
        answer = await self._answer(item)
        item.running = False
        if not item.watched:
            return
        known = item.instances
        if item.take(answer, self._clock(), self._unix()):
            for key in sorted(item.services):
                self._compare(self._services[key], self._targets(self._services[key], known))
        self._now_asked(item.lookup)
        self._ask_at(item, self._clock() + item.delay(answer, self._entropy()))

    async def _answer(self, item: WatchedLookup) -> Discovered | NotDiscovered:
        try:
            return await self._directories[item.lookup.type].resolve(item.lookup, item.version)
        # A directory that breaks must not end the look-ups of all other services with it.
        except Exception as error:
            context = {"message": f"the {item.lookup.type} look-up broke", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)
            return NotDiscovered("the look-up broke: see the gateway's log")

    def _compare(self, service: ServiceRoute, before: tuple[Target, ...]) -> None:
        targets = self.targets_of(service)
        if targets == before:
            return
        loop = asyncio.get_running_loop()
        if self.on_change is not None:
            loop.call_soon(self.on_change, service.key, targets)
        if self.publish is not None:
            event = TargetsDiscovered(
                occurred_at=self._unix(),
                tenant_id=service.tenant_id,
                service=service.name,
                targets=tuple(target.origin for target in targets),
            )
            loop.call_soon(self.publish, event)


def _refused(policy: DiscoveryPolicy) -> Target:
    """What stands for instances where a tenant may not send the gateway: their name, and no address."""
    port = policy.port or DEFAULT_PORTS[policy.scheme]
    return Target(policy.scheme, policy.server_name, port, 0, guarded=True, refused=True)
