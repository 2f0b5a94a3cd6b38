"""What an operator sees of limits that are shared, of the configuration, the outbox and the database."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from brain_gateway.application.gateway.counted_limit_store import CountedLimitStore
from brain_gateway.application.outbox_relay import OutboxRelay
from brain_gateway.application.scope import PLATFORM
from brain_gateway.domain.errors import LimitsUnavailable, StoreUnavailable
from brain_gateway.domain.resilience.lease_terms import LeaseTerms
from brain_gateway.infrastructure.memory.event_bus import MemoryEventBus
from brain_gateway.infrastructure.telemetry.control_metrics import ControlMetrics, LimitMetrics
from brain_gateway.infrastructure.telemetry.prometheus import GatewayMetrics
from tests.builders.gateway import FakeGateway
from tests.builders.live import Process
from tests.builders.registry import NOW, a_service, an_event
from tests.fakes.manual_clock import ManualClock
from tests.fakes.memory_store import MemoryStore

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


def shown(*collectors) -> dict[str, float]:
    """All of our own, by name and labels."""
    gateway = FakeGateway()
    metrics = GatewayMetrics(gateway.metrics, lambda: gateway.router.table, lambda: 0, lambda: 0)
    for collector in collectors:
        metrics.add(collector)
    return {
        "".join((sample.name.removeprefix("brain_gateway_"), *sample.labels.values())): sample.value
        for family in text_string_to_metric_families(metrics.render().decode())
        for sample in family.samples
        if sample.name.startswith("brain_gateway_") and not sample.name.endswith("_created")
    }


class Away:
    """A store of limits that does not answer."""

    async def pulse(self, member, told=0):
        raise LimitsUnavailable


async def test_limits_that_are_shared():
    store, terms = CountedLimitStore(Away()), LeaseTerms(3)
    seen = shown(LimitMetrics(store, terms))
    assert (seen["limits_shared"], seen["limit_members"], seen["limit_store_calls_totalpulse"]) == (1, 3, 0)
    with pytest.raises(LimitsUnavailable):
        await store.pulse("one")
    terms.alone_since = 1.0
    seen = shown(LimitMetrics(store, terms))
    assert (seen["limits_shared"], seen["limit_store_calls_totalpulse"]) == (0, 1)
    assert (seen["limit_store_failures_totalpulse"], seen["limit_store_failures_totallease"]) == (1, 0)


class Bus(MemoryEventBus):
    """Takes events, unless it is away."""

    away = False

    async def publish(self, events):
        if self.away:
            raise StoreUnavailable
        await super().publish(events)


class World:
    """A process that follows a store, and relays its events."""

    def __init__(self) -> None:
        self.store, self.clock, self.bus = MemoryStore(), ManualClock(), Bus()
        self.process = Process(self.store, clock=self.clock)
        self.relay = OutboxRelay(self.store, self.bus)
        self.unix = NOW

    def seen(self) -> dict[str, float]:
        return shown(ControlMetrics(self.process.live, self.relay, lambda: self.unix, lambda: 4))


async def test_the_configuration_in_force():
    world = World()
    live = world.process.live
    assert (world.seen()["configuration_version"], world.seen()["configuration_refreshes_total"]) == (-1, 0)
    await live.refresh()
    world.clock.tick(5)
    world.store.away = True
    with pytest.raises(StoreUnavailable):
        await live.refresh()
    live.unfit["shop"] = "a fault"
    seen = world.seen()
    assert (seen["configuration_version"], seen["configuration_age_seconds"]) == (0, 5)
    assert (seen["configuration_refreshes_total"], seen["configuration_refresh_failures_total"]) == (2, 1)
    assert (seen["configuration_unfit_services"], seen["event_streams"]) == (1, 4)
    world.store.away = False
    await live.refresh()
    assert world.seen()["configuration_age_seconds"] == 0


async def test_the_outbox_and_the_database():
    world = World()
    assert "database_up" not in world.seen(), "nobody has asked it yet"
    async with world.store(PLATFORM) as unit:
        await unit.services.add(a_service())
        await unit.outbox.add([an_event(at=NOW - 7), an_event(at=NOW)], 1)
        await unit.commit()
    world.bus.away = True
    with pytest.raises(StoreUnavailable):
        await world.relay.run()
    seen = world.seen()
    assert (seen["outbox_lag_seconds"], seen["outbox_failures_total"], seen["database_up"]) == (7, 1, 1)
    world.unix += 3
    assert world.seen()["outbox_lag_seconds"] == 10
    world.store.away = True
    with pytest.raises(StoreUnavailable):
        await world.relay.run()
    assert (world.seen()["database_up"], world.seen()["outbox_lag_seconds"]) == (0, 10)
    world.store.away = world.bus.away = False
    await world.relay.run()
    seen = world.seen()
    assert (seen["outbox_lag_seconds"], seen["outbox_published_total"], seen["database_up"]) == (0, 2, 1)
    assert seen["outbox_failures_total"] == 2
