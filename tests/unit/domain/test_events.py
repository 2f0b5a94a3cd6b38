"""Events: values in the past tense, all with time and tenant."""

from dataclasses import FrozenInstanceError, fields

import pytest

from brain_gateway.domain import events
from brain_gateway.domain.events import (
    DomainEvent,
    RouteRegistered,
    ServiceHealthChanged,
    ServiceRegistered,
    TargetAdded,
    TenantDeleted,
    payload,
)
from brain_gateway.domain.routing.service_status import ServiceStatus

KINDS = sorted(
    (kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, DomainEvent)),
    key=lambda kind: kind.__name__,
)
ROOTS = {"DomainEvent", "ServiceEvent", "IntegrationEvent"}


def test_the_events_of_the_platform() -> None:
    assert {kind.__name__ for kind in KINDS} - ROOTS == {
        "ApiKeyIssued",
        "ApiKeyRevoked",
        "CircuitClosed",
        "CircuitOpened",
        "ConfigurationApplied",
        "IntegrationActivated",
        "IntegrationCredentialsChanged",
        "IntegrationDeactivated",
        "IntegrationHealthChanged",
        "IntegrationRemoved",
        "IntegrationUpdated",
        "LimitChanged",
        "RouteRegistered",
        "RouteRemoved",
        "RouteUpdated",
        "ServiceDeregistered",
        "ServiceHealthChanged",
        "ServiceRegistered",
        "ServiceUpdated",
        "TargetAdded",
        "TargetHealthChanged",
        "TargetRemoved",
        "TargetReweighted",
        "TargetsDiscovered",
        "TenantDeleted",
        "TenantRegistered",
        "TenantUpdated",
    }


def test_events_of_one_aggregate_share_its_name_and_others_do_not() -> None:
    own = ServiceRegistered(occurred_at=1.0, tenant_id="t", service="crm")
    assert (
        own.aggregate
        == TargetAdded(occurred_at=2.0, tenant_id="t", service="crm", target="http://a:1", weight=1).aggregate
    )
    assert own.aggregate != ServiceRegistered(occurred_at=1.0, service="crm").aggregate
    assert TenantDeleted(occurred_at=1.0, tenant_id="t").aggregate == "tenant/t"


def test_a_payload_is_plain_and_leaves_out_what_every_event_has() -> None:
    event = RouteRegistered(occurred_at=1.0, service="a", path="/b", methods=frozenset(("PUT", "GET")))
    assert payload(event) == {"service": "a", "path": "/b", "methods": ["GET", "PUT"]}
    changed = ServiceHealthChanged(
        occurred_at=1.0, service="a", old=ServiceStatus.UNKNOWN, new=ServiceStatus.DOWN
    )
    assert payload(changed) == {"service": "a", "old": "unknown", "new": "down"}
    offered = ServiceRegistered(occurred_at=1.0, service="a", proxied=True)
    assert payload(offered) == {"service": "a", "proxied": True}


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
