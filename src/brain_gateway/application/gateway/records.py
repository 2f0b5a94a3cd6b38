"""Access records from exchanges and refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brain_gateway.application.gateway.exchange import Exchange, Refusal, Reply
from brain_gateway.application.ports.access_log import AccessRecord
from brain_gateway.application.ports.span_sink import RequestSpan
from brain_gateway.domain.http import fields
from brain_gateway.domain.http.fields import value_of

if TYPE_CHECKING:
    from brain_gateway.application.gateway.exchange import ClientAddress
    from brain_gateway.domain.http.requests import Request


def request_id(head: Request, made: bytes = b"") -> str:
    """The request's id: the caller's, or the one that was made."""
    line = head.special.get(fields.REQUEST_ID) or made
    return value_of(line).decode("latin-1") if line else ""


def record_of(exchange: Exchange, began: float, duration: float) -> AccessRecord:
    """The record of a request that reached a target (or tried to)."""
    head, lane = exchange.head, exchange.lane
    principal = lane.session.principal
    return AccessRecord(
        unix_time=began,
        request_id=request_id(head, exchange.id_line),
        tenant_id=principal.tenant_id if principal else "",
        user_id=principal.user_id if principal else "",
        service=lane.entry.name,
        method=head.method.decode("latin-1"),
        target=head.line.target.decode("latin-1"),
        status=exchange.status,
        duration=duration,
        sent=exchange.sent,
        client=exchange.client.caller,
        upstream="" if exchange.cached else exchange.target.name,
        attempts=exchange.attempts,
        error=exchange.error,
    )


def span_of(exchange: Exchange, began: float, duration: float) -> RequestSpan:
    """The span of a recorded trace; its parent is what the caller brought."""
    context = value_of(exchange.trace_line).decode("ascii")
    brought = exchange.head.special.get(fields.TRACEPARENT)
    parent = value_of(brought).decode("ascii")[36:52] if brought is not None else ""
    return RequestSpan(context[3:35], context[36:52], parent, record_of(exchange, began, duration))


def refusal_record(
    refusal: Refusal | Reply,
    head: Request,
    id_line: bytes,
    client: ClientAddress,
    status: int,
    now: float,
) -> AccessRecord:
    """The record of a request that the gateway answered itself."""
    lane = refusal.lane if isinstance(refusal, Refusal) else None
    principal = lane.session.principal if lane else None
    return AccessRecord(
        unix_time=now,
        request_id=request_id(head, id_line),
        tenant_id=principal.tenant_id if principal else "",
        user_id=principal.user_id if principal else "",
        service=refusal.entry.name if refusal.entry else "",
        method=head.method.decode("latin-1"),
        target=head.line.target.decode("latin-1"),
        status=status,
        duration=0.0,
        sent=0,
        client=client.caller,
        upstream="",
        attempts=0,
        error=type(refusal.error).__name__ if isinstance(refusal, Refusal) else "",
    )
