"""Logging: ours and the standard library's come out alike, without secrets."""

from __future__ import annotations

import io
import json
import logging
import re
from typing import Any

import pytest
import structlog

from brain_gateway.infrastructure.telemetry.logs import configure_logging, dumps

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1LTEifQ.c2lnbmF0dXJl"


@pytest.fixture
def restored():
    """The process's logging, as it was before."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    names = ("httpx", "httpcore", "asyncio", "uvicorn", "uvicorn.error")
    levels = {name: logging.getLogger(name).level for name in names}
    logging.getLogger("uvicorn.error").setLevel(logging.NOTSET)  # whatever another test has made of it
    yield
    root.handlers[:], root.level = before
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    structlog.reset_defaults()


def logged(level: str, *calls: Any, log_format: str = "json") -> list[dict[str, Any]]:
    stream = io.StringIO()
    configure_logging(level, log_format, stream)
    for call in calls:
        call()
    text = stream.getvalue()
    return [json.loads(line) for line in text.splitlines()] if log_format == "json" else [{"text": text}]


def test_both_kinds_of_loggers_write_one_json_object_a_line(restored):
    ours, theirs = logged(
        "info",
        lambda: structlog.get_logger("ours").info("listening", port=8001),
        lambda: logging.getLogger("theirs").warning("port %d", 8001, extra={"pid": 7}),
    )
    assert (ours["event"], ours["port"], ours["level"], ours["logger"]) == ("listening", 8001, "info", "ours")
    assert (theirs["event"], theirs["pid"], theirs["level"], theirs["logger"]) == (
        "port 8001",
        7,
        "warning",
        "theirs",
    )
    assert all(
        re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line["timestamp"]) for line in (ours, theirs)
    )


def test_secrets_are_masked_wherever_they_are(restored):
    def fail() -> None:
        try:
            raise RuntimeError(f"cannot use {JWT}")
        except RuntimeError:
            logging.getLogger("theirs").exception("failed for bgk_Zm9vYmFyYmF6")

    lines = logged(
        "info",
        lambda: logging.getLogger("theirs").info("GET /a?token=s3cr3t"),
        lambda: structlog.get_logger("ours").info("asked", target=f"/x?jwt={JWT}"),
        fail,
    )
    text = json.dumps(lines)
    assert "s3cr3t" not in text
    assert "eyJ" not in text
    assert "bgk_" not in text
    assert "RuntimeError" in text


def test_the_level_holds_and_chatty_libraries_are_quiet(restored):
    lines = logged(
        "WARNING",
        lambda: logging.getLogger("theirs").info("hidden"),
        lambda: logging.getLogger("theirs").error("shown"),
    )
    assert [line["event"] for line in lines] == ["shown"]
    lines = logged(
        "debug",
        lambda: logging.getLogger("httpx").info("hidden"),
        lambda: logging.getLogger("asyncio").error("shown"),
    )
    assert [line["event"] for line in lines] == ["shown"]


def test_uvicorns_coloured_copy_stays_behind(restored):
    (line,) = logged(
        "info",
        lambda: logging.getLogger("uvicorn.error").info("Started", extra={"color_message": "\x1b[1mStarted"}),
    )
    assert "color_message" not in line


def test_lines_for_people(restored):
    (line,) = logged(
        "info", lambda: structlog.get_logger("ours").info("listening", port=8001), log_format="console"
    )
    assert "listening" in line["text"]
    assert not line["text"].startswith("{")


def test_what_json_does_not_know_becomes_its_text():
    assert json.loads(dumps({"path": io, "number": 1}))["number"] == 1
