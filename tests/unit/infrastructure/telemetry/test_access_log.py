"""The access log: nothing waits for it, nothing secret is in it, and what is lost is counted."""

from __future__ import annotations

import io
import json
import threading
from typing import Any

import pytest

from brain_gateway.infrastructure.telemetry import access_log
from brain_gateway.infrastructure.telemetry.access_log import NoAccessLog, QueuedAccessLog
from tests.builders.gateway import TENANT
from tests.builders.records import record


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().split("\n")[:-1]]


def test_a_record_is_a_line_of_json():
    stream = io.StringIO()
    log = QueuedAccessLog(stream)
    log.write(record())
    assert stream.getvalue() == ""  # the path does not write
    log.flush()
    assert lines(stream) == [
        {
            "level": "info", "event": "request", "timestamp": "2027-01-15T08:00:00.250+00:00",
            "request_id": "r-1", "tenant_id": TENANT, "user_id": "u-1",
            "service": "shop", "method": "GET", "target": "/shop/items?q=1", "status": 200,
            "duration_ms": 12.346, "bytes": 512, "client": "203.0.113.9",
            "upstream": "http://shop:9000", "attempts": 1,
        }
    ]  # fmt: skip


def test_what_is_not_known_is_not_said():
    stream = io.StringIO()
    log = QueuedAccessLog(stream)
    log.write(
        record(tenant_id="", user_id="", upstream="", service="", request_id="", error="MalformedRequest")
    )
    log.flush()
    (line,) = lines(stream)
    assert not {"tenant_id", "user_id", "upstream", "service", "request_id"} & set(line)
    assert line["error"] == "MalformedRequest"


@pytest.mark.parametrize("field", ["target", "request_id"])
def test_secrets_are_masked(field):
    stream = io.StringIO()
    log = QueuedAccessLog(stream)
    log.write(record(**{field: "/a?access_token=s3cr3t&x=bgk_Zm9vYmFyYmF6"}))
    log.flush()
    assert lines(stream)[0][field] == "/a?access_token=****&x=****"


def test_a_target_cannot_forge_a_line():
    stream = io.StringIO()
    log = QueuedAccessLog(stream)
    log.write(record(target='/a"}\n{"event": "forged"', request_id="\x85\r\n{", user_id="\u2028"))
    log.flush()
    assert [line["event"] for line in lines(stream)] == ["request"]


def test_a_full_queue_drops_and_counts(monkeypatch):
    monkeypatch.setattr(access_log, "MOST_QUEUED", 3)
    stream = io.StringIO()
    log = QueuedAccessLog(stream)
    for number in range(5):
        log.write(record(sent=number))
    assert log.dropped == 2
    log.flush()
    assert [line.get("bytes", line.get("records")) for line in lines(stream)] == [0, 1, 2, 2]
    assert lines(stream)[-1]["event"] == "access_log_dropped"
    log.write(record(sent=9))
    log.flush()
    assert [line["event"] for line in lines(stream)[4:]] == ["request"]  # what was lost is told once


def test_a_long_queue_is_written_in_parts(monkeypatch):
    monkeypatch.setattr(access_log, "MOST_AT_ONCE", 4)
    writes: list[str] = []

    class Counting(io.StringIO):
        def write(self, text: str) -> int:
            writes.append(text)
            return super().write(text)

    stream = Counting()
    log = QueuedAccessLog(stream)
    for number in range(10):
        log.write(record(sent=number))
    log.flush()
    assert [text.count("\n") for text in writes] == [4, 4, 2]
    assert [line["bytes"] for line in lines(stream)] == list(range(10))


@pytest.mark.parametrize(
    "error", [OSError("no space"), BrokenPipeError(), ValueError("I/O operation on closed file")]
)
def test_a_stream_that_is_gone_loses_lines_and_nothing_else(error):
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise error

    log = QueuedAccessLog(Gone())
    for _ in range(3):
        log.write(record())
    log.flush()
    assert log.dropped >= 3
    lost = log.dropped
    log.flush()
    assert log.dropped == lost


def test_leaving_writes_what_is_left():
    stream = io.StringIO()
    with QueuedAccessLog(stream) as log:
        assert "access-log" in {thread.name for thread in threading.enumerate()}
        for number in range(50):
            log.write(record(sent=number))
    assert [line["bytes"] for line in lines(stream)] == list(range(50))
    assert "access-log" not in {thread.name for thread in threading.enumerate()}


def test_lines_for_people():
    stream = io.StringIO()
    log = QueuedAccessLog(stream, "console")
    log.write(record())
    log.flush()
    assert "status=200" in stream.getvalue().replace("\x1b[36m", "").replace("\x1b[0m", "").replace(
        "\x1b[35m", ""
    )


def test_off_keeps_nothing():
    NoAccessLog().write(record())
