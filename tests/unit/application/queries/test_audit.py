"""The audit log is read and verified."""

from __future__ import annotations

from dataclasses import replace

import pytest

from brain_gateway.application.commands.services import RegisterServiceCommand
from brain_gateway.application.ports.audit_log import AuditFilter
from brain_gateway.application.queries.audit import AuditHeadQuery, ListAuditQuery, VerifyAuditQuery
from tests.builders.control import Control, actor
from tests.builders.gateway import TENANT, service

pytestmark = pytest.mark.anyio


@pytest.fixture
async def control():
    control = Control()
    for name in ("a", "b", "c"):
        await control.do(RegisterServiceCommand(service=service(name)))
        own = service(name, tenant_id=TENANT)
        await control.do(RegisterServiceCommand(tenant_id=TENANT, service=own), actor())
        control.clock.tick(10)
    return control


async def test_a_tenant_reads_its_own_newest_first(control):
    page = await control.find(ListAuditQuery(tenant_id=TENANT), actor())
    assert [(entry.sequence, entry.subject) for entry in page.items] == [
        (3, "service/c"), (2, "service/b"), (1, "service/a")
    ]  # fmt: skip
    wanted = AuditFilter(subject="service/b", actor="a-tenant_admin", since=0.0)
    page = await control.find(ListAuditQuery(tenant_id=TENANT, wanted=wanted), actor())
    assert [entry.subject for entry in page.items] == ["service/b"]


async def test_chains_that_hold(control):
    reports = await control.find(VerifyAuditQuery())
    assert [(report.tenant_id, report.entries, report.faults) for report in reports] == [
        (None, 3, ()), (TENANT, 3, ())
    ]  # fmt: skip
    (own,) = await control.find(VerifyAuditQuery(tenant_id=TENANT), actor())
    assert (own.entries, own.head) == await control.find(AuditHeadQuery(tenant_id=TENANT), actor())


@pytest.mark.parametrize("break_", [
    lambda chain: (chain[0], replace(chain[1], actor="somebody"), chain[2]),
    lambda chain: (chain[0], chain[2]),
    lambda chain: (chain[1], chain[0], chain[2]),
])  # fmt: skip
async def test_a_chain_that_was_tampered_with_does_not_hold(control, break_):
    audit = control.store.state.audit
    audit[None] = break_(audit[None])
    reports = {report.tenant_id: report.faults for report in await control.find(VerifyAuditQuery())}
    assert reports[None]
    assert not reports[TENANT]
