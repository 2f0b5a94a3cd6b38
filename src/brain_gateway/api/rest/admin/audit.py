"""/audit: who did what, and whether the record of it holds. A tenant has a chain of its own, so has the platform."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import BeforeValidator, WithJsonSchema
from starlette.responses import Response

from brain_gateway.api.rest.admin import answers
from brain_gateway.api.rest.admin.asking import Asking, Paged
from brain_gateway.api.rest.admin.cursors import BY_SEQUENCE
from brain_gateway.api.rest.admin.endpoint import NEXT, Endpoint
from brain_gateway.api.rest.admin.models import AuditAnswer, ChainAnswer, HeadAnswer, Page
from brain_gateway.application.ports.audit_log import AuditFilter
from brain_gateway.application.queries.audit import (
    AuditHeadQuery,
    ChainReport,
    ListAuditQuery,
    VerifyAuditQuery,
)
from brain_gateway.domain.audit import AuditEntry
from brain_gateway.schemas.file import unix_seconds
from brain_gateway.schemas.rendering import Document, date_time

Moment = Annotated[
    float, BeforeValidator(unix_seconds), WithJsonSchema({"type": "string", "format": "date-time"})
]
Text = Annotated[str | None, Query(max_length=300)]


async def list_audit(
    ask: Asking,
    paging: Paged,
    actor: Text = None,
    action: Text = None,
    subject: Text = None,
    since: Annotated[Moment | None, Query(description="From then on.")] = None,
    until: Annotated[Moment | None, Query(description="Before then.")] = None,
) -> Response:
    """Newest first, with what was before and after."""
    wanted = AuditFilter(actor=actor, action=action, subject=subject, since=since, until=until)
    query = ListAuditQuery(tenant_id=ask.tenant_id, wanted=wanted, page=paging.request(BY_SEQUENCE))
    return answers.page_of(ask.request, await ask.find(query), _entry)


async def verify_audit(ask: Asking) -> Response:
    """Follows a tenant's chain from its beginning; for the platform, every chain."""
    reports = await ask.find(VerifyAuditQuery(tenant_id=ask.tenant_id))
    return answers.whole_list(reports, _report)


async def get_audit_head(ask: Asking) -> Response:
    """Where the chain ends: kept elsewhere, it shows later whether its end was cut off."""
    sequence, hash_ = await ask.find(AuditHeadQuery(tenant_id=ask.tenant_id))
    tenant = {} if ask.tenant_id is None else {"tenant": ask.tenant_id}
    return answers.answer({**tenant, "sequence": sequence, "hash": hash_})


def _entry(entry: AuditEntry) -> Document:
    return {
        "sequence": entry.sequence,
        **({} if entry.tenant_id is None else {"tenant": entry.tenant_id}),
        "occurred_at": date_time(entry.occurred_at),
        "actor": entry.actor,
        **({} if entry.actor_tenant is None else {"actor_tenant": entry.actor_tenant}),
        "action": entry.action,
        "subject": entry.subject,
        "request_id": entry.request_id,
        "before": entry.before,
        "after": entry.after,
        "previous": entry.previous,
        "hash": entry.hash,
    }


def _report(report: ChainReport) -> Document:
    return {
        **({} if report.tenant_id is None else {"tenant": report.tenant_id}),
        "entries": report.entries,
        "head": report.head,
        "holds": not report.faults,
        "faults": list(report.faults),
    }


ENDPOINTS = (
    Endpoint("GET", "/audit", list_audit, "Read the audit log", Page[AuditAnswer], headers=NEXT),
    Endpoint("GET", "/audit/verify", verify_audit, "Verify the audit log", Page[ChainAnswer]),
    Endpoint("GET", "/audit/head", get_audit_head, "Where the audit log ends", HeadAnswer),
)
