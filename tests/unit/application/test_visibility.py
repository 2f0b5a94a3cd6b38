"""What of the platform a tenant gets to see."""

from __future__ import annotations

import pytest

from brain_gateway.application.dto import ServiceRegistrationDTO
from brain_gateway.application.ports.outbox import EventEnvelope
from brain_gateway.application.visibility import concerns, shown_to
from brain_gateway.domain.events import TargetAdded, payload
from brain_gateway.domain.routing.service_changes import events_between
from brain_gateway.domain.routing.service_status import ServiceKind, ServiceStatus
from tests.builders.gateway import OTHER_TENANT, TENANT, route, service


@pytest.mark.parametrize(
    ("changes", "seen"),
    [
        ({}, True), ({"exposed": False}, False), ({"kind": ServiceKind.INTERNAL}, False),
        ({"tenant_id": TENANT, "exposed": False}, True),
    ],
)  # fmt: skip
def test_services_that_a_tenant_can_call(changes, seen):
    item = ServiceRegistrationDTO(id="1", service=service(**changes))
    assert shown_to(item, TENANT) is seen
    assert shown_to(item, None)


def envelope(kind: str, owner: str | None, **data: object) -> EventEnvelope:
    return EventEnvelope(id=1, type=kind, aggregate="a", tenant_id=owner, occurred_at=0.0, data=data)


@pytest.mark.parametrize(
    ("owner", "kind", "heard"),
    [
        (TENANT, "TargetAdded", True),
        (OTHER_TENANT, "ServiceUpdated", False),
        (None, "ServiceUpdated", True),
        (None, "LimitChanged", True),
        (None, "TargetAdded", False),
        (None, "TargetHealthChanged", False),
        (None, "ConfigurationApplied", False),
    ],
)
def test_events_that_a_tenant_hears_of(owner, kind, heard):
    event = envelope(kind, owner, proxied=True)
    assert concerns(event, TENANT) is heard
    assert concerns(event, None)


@pytest.mark.parametrize("said", [{}, {"proxied": False}, {"proxied": "true"}])
def test_of_a_global_service_that_is_not_said_to_be_offered_no_tenant_hears(said):
    """Also in what a version wrote down that did not say it."""
    assert not concerns(envelope("ServiceUpdated", None, **said), TENANT)
    assert concerns(envelope("ServiceUpdated", TENANT, **said), TENANT)


@pytest.mark.parametrize("changes", [{}, {"exposed": False}, {"kind": ServiceKind.INTERNAL}])
def test_lists_and_events_go_by_one_rule(changes):
    """Whatever happens to a service, tenants hear of it exactly when the list shows it to them."""
    one = service(routes=(route("/a"),), **changes)
    seen = shown_to(ServiceRegistrationDTO(id="1", service=one), TENANT)
    one.update_health_status(ServiceStatus.DOWN, 1.0)
    events = [*events_between(None, one, 1.0), *events_between(one, None, 1.0), *one.pull_events()]
    for event in events:
        known = envelope(type(event).__name__, None, **payload(event))
        assert concerns(known, TENANT) is (seen and not isinstance(event, TargetAdded))
