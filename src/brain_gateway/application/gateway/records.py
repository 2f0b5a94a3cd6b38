"""Access records from exchanges and refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brain_gateway.application.gateway.exchange import Exchange, Refusal, Reply
from brain_gateway.application.ports.access_log import AccessRecord
from brain_gateway.domain.http import fields
from brain_gateway.domain.http.fields import value_of

if TYPE_CHECKING:
    from brain_gateway.application.gateway.exchange import ClientAddress
    from brain_gateway.domain.http.requests import RequestHead


def request_id(head: RequestHead, made: bytes = b"") -> str:
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
        client=exchange.client.address,
        upstream=exchange.target.name,
        attempts=exchange.attempts,
        error=exchange.error,
    )


def refusal_record(
    refusal: Refusal | Reply, head: RequestHead, client: ClientAddress, status: int, now: float
) -> AccessRecord:
    """The record of a request that the gateway answered itself."""
    lane = refusal.lane if isinstance(refusal, Refusal) else None
    principal = lane.session.principal if lane else None
    return AccessRecord(
        unix_time=now,
        request_id=request_id(head),
        tenant_id=principal.tenant_id if principal else "",
        user_id=principal.user_id if principal else "",
        service=lane.entry.name if lane else "",
        method=head.method.decode("latin-1"),
        target=head.line.target.decode("latin-1"),
        status=status,
        duration=0.0,
        sent=0,
        client=client.address,
        upstream="",
        attempts=0,
        error=type(refusal.error).__name__ if isinstance(refusal, Refusal) else "",
    )
