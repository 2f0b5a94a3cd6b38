"""Spans as OpenTelemetry has them, given to an exporter in memory."""

from __future__ import annotations

import json

import pytest

from brain_gateway.application.ports.span_sink import RequestSpan
from tests.builders.gateway import TENANT
from tests.builders.records import record

pytest.importorskip("opentelemetry.sdk", reason="the extra otel is not installed")

from opentelemetry.sdk.trace import ReadableSpan  # after the check that it is there
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from brain_gateway.infrastructure.telemetry import spans as module


@pytest.fixture
def exported(monkeypatch):
    """Gives spans to a sink and returns what reached the exporter."""
    exporter = InMemorySpanExporter()
    endpoints: list[str] = []
    monkeypatch.setattr(module, "OTLPSpanExporter", lambda endpoint: endpoints.append(endpoint) or exporter)

    def export(*given: RequestSpan) -> tuple[ReadableSpan, ...]:
        sink = module.OtlpSpans("http://collector:4318/")
        for span in given:
            sink.record(span)
        sink.close()
        assert endpoints == ["http://collector:4318/v1/traces"]
        return exporter.get_finished_spans()

    return export


def span(parent_id: str = "b" * 16, **changes: object) -> RequestSpan:
    return RequestSpan("a" * 32, "c" * 16, parent_id, record(**changes))


def test_a_request_is_a_server_span(exported):
    (found,) = exported(span(attempts=2))
    assert (found.name, found.kind, found.status.status_code) == (
        "GET /shop",
        SpanKind.SERVER,
        StatusCode.UNSET,
    )
    assert (f"{found.context.trace_id:032x}", f"{found.context.span_id:016x}") == ("a" * 32, "c" * 16)
    assert (f"{found.parent.span_id:016x}", found.parent.is_remote) == ("b" * 16, True)
    assert (found.end_time - found.start_time) == pytest.approx(12_345_600, abs=1000)
    assert dict(found.attributes) == {
        "http.request.method": "GET", "http.response.status_code": 200, "url.path": "/shop/items",
        "url.query": "q=1", "client.address": "203.0.113.9",
        "server.address": "http://shop:9000", "http.request.resend_count": 1,
        "brain_gateway.service": "shop", "brain_gateway.request_id": "r-1",
        "brain_gateway.tenant_id": TENANT,
    }  # fmt: skip


def test_a_trace_that_begins_here_has_no_parent(exported):
    (found,) = exported(span(parent_id=""))
    assert found.parent is None


@pytest.mark.parametrize(
    ("status", "failed"), [(200, False), (404, False), (500, True), (504, True), (0, True)]
)
def test_what_failed_is_an_error(exported, status, failed):
    (found,) = exported(span(status=status, error="UpstreamTimeout"))
    assert (found.status.status_code is StatusCode.ERROR) is failed
    assert found.attributes["error.type"] == "UpstreamTimeout"


def test_secrets_are_masked(exported):
    (found,) = exported(span(target="/a/bgk_Zm9vYmFyYmF6?access_token=s3cr3t"))
    told = json.dumps(dict(found.attributes))
    assert "s3cr3t" not in told
    assert "bgk_" not in told
