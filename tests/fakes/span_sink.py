"""A SpanSink that keeps what it is given."""

from __future__ import annotations

from brain_gateway.application.ports.span_sink import RequestSpan


class KeptSpans:
    """`spans`, oldest first."""

    def __init__(self) -> None:
        self.spans: list[RequestSpan] = []

    def record(self, span: RequestSpan) -> None:
        """See the port SpanSink."""
        self.spans.append(span)
