"""What a process observes reaches those who listen to it, among what is published; nothing else does."""

from __future__ import annotations

import pytest

from brain_gateway.application.observations import ObservedEvents
from brain_gateway.application.ports.outbox import EventEnvelope
from brain_gateway.domain.events import (
    CircuitOpened,
    ServiceHealthChanged,
    ServiceRegistered,
    TargetsDiscovered,
)
from brain_gateway.domain.routing.service_status import ServiceStatus
from brain_gateway.infrastructure.memory.event_bus import MemoryEventBus
from tests.builders.gateway import TENANT
from tests.builders.registry import NOW

pytestmark = pytest.mark.anyio

DOWN = ServiceHealthChanged(
    occurred_at=NOW,
    tenant_id=TENANT,
    service="shop",
    proxied=True,
    old=ServiceStatus.HEALTHY,
    new=ServiceStatus.DOWN,
)
STORED = EventEnvelope(
    id=7, type="ServiceRegistered", aggregate="service/platform/crm", tenant_id=None, occurred_at=NOW, data={}
)
OPENED = CircuitOpened(occurred_at=NOW, service="crm", target="http://crm:80")


@pytest.fixture
def events():
    return ObservedEvents(MemoryEventBus())


async def test_observations_come_among_what_is_published(events):
    heard = []
    events.subscribe(heard.append)
    events.heed(DOWN)
    await events.publish([STORED])
    events.heed(OPENED)
    assert [event.id for event in heard] == [0, 7, 0]
    assert (heard[0].type, heard[0].tenant_id, heard[0].aggregate, heard[0].version) == (
        "ServiceHealthChanged",
        TENANT,
        DOWN.aggregate,
        0,
    )
    assert heard[0].data == {"service": "shop", "proxied": True, "old": "healthy", "new": "down"}


async def test_what_the_outbox_has_is_not_told_twice(events):
    heard = []
    events.subscribe(heard.append)
    events.heed(ServiceRegistered(occurred_at=NOW, service="crm"))
    events.heed(TargetsDiscovered(occurred_at=NOW, service="crm", targets=("http://a:1",)))
    assert [event.type for event in heard] == ["TargetsDiscovered"]


async def test_who_has_left_hears_nothing(events):
    heard, others = [], []
    leave = events.subscribe(heard.append)
    events.subscribe(others.append)
    leave()
    leave()
    events.heed(DOWN)
    await events.publish([STORED])
    assert (heard, len(others)) == ([], 2)
