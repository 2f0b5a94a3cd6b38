"""What of the platform a tenant gets to see."""

from __future__ import annotations

import pytest

from brain_gateway.application.dto import ServiceRegistrationDTO
from brain_gateway.application.ports.outbox import EventEnvelope
from brain_gateway.application.visibility import concerns, shown_to
from brain_gateway.domain.routing.service_status import ServiceKind
from tests.builders.gateway import OTHER_TENANT, TENANT, service


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


@pytest.mark.parametrize(
    ("owner", "kind", "heard"),
    [
        (TENANT, "TargetAdded", True),
        (OTHER_TENANT, "ServiceUpdated", False),
        (None, "ServiceUpdated", True),
        (None, "TargetAdded", False),
        (None, "TargetHealthChanged", False),
        (None, "ConfigurationApplied", False),
    ],
)
def test_events_that_a_tenant_hears_of(owner, kind, heard):
    event = EventEnvelope(id=1, type=kind, aggregate="a", tenant_id=owner, occurred_at=0.0, data={})
    assert concerns(event, TENANT) is heard
    assert concerns(event, None)
