"""Events: values in the past tense, all with time and tenant."""

from dataclasses import FrozenInstanceError, fields

import pytest

from brain_gateway.domain import events
from brain_gateway.domain.events import DomainEvent, RouteRegistered

KINDS = [kind for kind in vars(events).values() if isinstance(kind, type) and kind.__base__ is DomainEvent]


def test_the_events_of_the_platform() -> None:
    assert sorted(kind.__name__ for kind in KINDS) == [
        "CircuitClosed",
        "CircuitOpened",
        "IntegrationActivated",
        "RouteRegistered",
        "ServiceDeregistered",
        "ServiceHealthChanged",
        "ServiceRegistered",
        "TargetHealthChanged",
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_every_event_says_when_and_whose(kind: type[DomainEvent]) -> None:
    names = [field.name for field in fields(kind)]
    assert names[:2] == ["occurred_at", "tenant_id"]
    event = kind(**{name: name for name in names if name != "tenant_id"})
    assert event.tenant_id is None
    assert event == kind(**{name: name for name in names if name != "tenant_id"})


def test_events_do_not_change() -> None:
    event = RouteRegistered(occurred_at=1.0, service="a", path="/b", methods=frozenset())
    with pytest.raises(FrozenInstanceError):
        event.service = "c"  # type: ignore[misc]  # that is the point
