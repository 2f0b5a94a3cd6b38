"""The access log: records are queued on the path and written by a thread beside it."""

from __future__ import annotations

import threading
from collections import deque
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self, TextIO

from brain_gateway.application.ports.access_log import AccessRecord
from brain_gateway.infrastructure.telemetry.logs import renderer
from brain_gateway.infrastructure.telemetry.masking import masked
from brain_gateway.infrastructure.telemetry.plain_structlog import structlog

MOST_QUEUED = 20_000
INTERVAL = 0.25  # seconds between two writes
LONGEST_TARGET = 2_048
MOST_AT_ONCE = 2_000


class QueuedAccessLog:
    """Enter it to start the thread; leaving writes what is left. A full queue drops records and counts them."""

    def __init__(self, stream: TextIO, log_format: str = "json") -> None:
        self._stream = stream
        self._queue: deque[AccessRecord] = deque()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="access-log", daemon=True)
        self._render = renderer(log_format)
        self.dropped = 0
        self._dropped_told = 0

    def write(self, record: AccessRecord) -> None:
        """Queue one record. Safe from one event loop; costs an append."""
        if len(self._queue) >= MOST_QUEUED:
            self.dropped += 1
            return
        self._queue.append(record)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(5.0)

    def _run(self) -> None:
        while not self._stop.wait(INTERVAL):
            self.flush()
        self.flush()

    def flush(self) -> None:
        """Write what is queued. A stream that is gone loses the lines, not the gateway."""
        while self._queue:
            count = min(len(self._queue), MOST_AT_ONCE)
            lines = [self._line(self._queue.popleft()) for _ in range(count)]
            self._emit(lines)
        if self.dropped > self._dropped_told:
            self._emit(
                [
                    self._rendered(
                        {"event": "access_log_dropped", "records": self.dropped - self._dropped_told}
                    )
                ]
            )
            self._dropped_told = self.dropped

    def _emit(self, lines: list[str]) -> None:
        try:
            self._stream.write("\n".join(lines) + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            self.dropped += len(lines)

    def _line(self, record: AccessRecord) -> str:
        return self._rendered(_event(record))

    def _rendered(self, event: dict[str, Any]) -> str:
        rendered = self._render(structlog.get_logger(), "info", {"level": "info", **event})
        return str(rendered)


def _event(record: AccessRecord) -> dict[str, Any]:
    event: dict[str, Any] = {
        "event": "request",
        "timestamp": datetime.fromtimestamp(record.unix_time, UTC).isoformat(timespec="milliseconds"),
        "request_id": masked(record.request_id),
        "tenant_id": record.tenant_id,
        "user_id": record.user_id,
        "service": record.service,
        "method": record.method,
        "target": masked(record.target[:LONGEST_TARGET]),
        "status": record.status,
        "duration_ms": round(record.duration * 1000, 3),
        "bytes": record.sent,
        "client": record.client,
        "upstream": record.upstream,
        "attempts": record.attempts,
        "error": record.error,
    }
    return {key: value for key, value in event.items() if value != ""}


class NoAccessLog:
    """ACCESS_LOG=off."""

    def write(self, record: AccessRecord) -> None:
        """Keep nothing."""
