"""Port: where the spans of recorded traces go."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from brain_gateway.application.ports.access_log import AccessRecord


class RequestSpan(NamedTuple):
    """One proxied request as a span. Ids are hexadecimal; `parent_id` is empty for a root."""

    trace_id: str
    span_id: str
    parent_id: str
    record: AccessRecord


class SpanSink(Protocol):
    """Takes spans without blocking the caller."""

    def record(self, span: RequestSpan) -> None:
        """Queue one span for export."""
