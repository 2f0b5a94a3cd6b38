"""Spans to an OpenTelemetry collector (OTLP over HTTP; extra `otel`). Imported only when an endpoint is set."""

from __future__ import annotations

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from brain_gateway import __version__
from brain_gateway.application.ports.span_sink import RequestSpan
from brain_gateway.infrastructure.telemetry.masking import masked

_RECORDED = TraceFlags(TraceFlags.SAMPLED)


class OtlpSpans:
    """Queues spans for the exporter's own thread; a collector that is away costs spans, not requests."""

    def __init__(self, endpoint: str) -> None:
        exporter = OTLPSpanExporter(endpoint=endpoint.rstrip("/") + "/v1/traces")
        self._processor = BatchSpanProcessor(exporter)
        self._resource = Resource.create({"service.name": "brain-gateway", "service.version": __version__})

    def record(self, span: RequestSpan) -> None:
        """Queue one span for export."""
        self._processor.on_end(self._readable(span))

    def close(self) -> None:
        """Export what is queued."""
        self._processor.shutdown()  # type: ignore[no-untyped-call]  # so it is published

    def _readable(self, span: RequestSpan) -> ReadableSpan:
        record = span.record
        trace_id = int(span.trace_id, 16)
        own = SpanContext(trace_id, int(span.span_id, 16), is_remote=False, trace_flags=_RECORDED)
        parent = None
        if span.parent_id:
            parent = SpanContext(trace_id, int(span.parent_id, 16), is_remote=True, trace_flags=_RECORDED)
        failed = record.status >= 500 or record.status == 0
        return ReadableSpan(
            name=f"{record.method} /{record.service}",
            context=own,
            parent=parent,
            resource=self._resource,
            attributes=_attributes(span),
            kind=SpanKind.SERVER,
            status=Status(
                StatusCode.ERROR if failed else StatusCode.UNSET, record.error or None if failed else None
            ),
            start_time=int(record.unix_time * 1e9),
            end_time=int((record.unix_time + record.duration) * 1e9),
        )


def _attributes(span: RequestSpan) -> dict[str, str | int]:
    """OpenTelemetry's names for HTTP (semantic conventions 1.x), and ours for the tenant."""
    record = span.record
    path, _, query = masked(record.target).partition("?")
    attributes: dict[str, str | int] = {
        "http.request.method": record.method,
        "http.response.status_code": record.status,
        "url.path": path,
        "client.address": record.client,
        "server.address": record.upstream,
        "http.request.resend_count": record.attempts - 1,
        "brain_gateway.service": record.service,
        "brain_gateway.request_id": record.request_id,
    }
    optional = {"url.query": query, "brain_gateway.tenant_id": record.tenant_id, "error.type": record.error}
    return attributes | {name: value for name, value in optional.items() if value}
