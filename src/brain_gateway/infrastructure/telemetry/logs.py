"""Logging: structlog for ours, and the standard library's loggers rendered the same way."""

from __future__ import annotations

import logging
import logging.config
import sys
from typing import TYPE_CHECKING, TextIO

import orjson

from brain_gateway.infrastructure.telemetry.masking import masked_value
from brain_gateway.infrastructure.telemetry.plain_structlog import structlog

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor


def dumps(value: object, **_: object) -> str:
    """JSON as text; what JSON does not know becomes its text."""
    return orjson.dumps(value, default=str).decode()


def mask_event(_: object, __: str, event: EventDict) -> EventDict:
    """A processor: no secret leaves through a log line (and uvicorn's coloured copy of its message stays behind)."""
    event.pop("color_message", None)
    for key, value in event.items():
        if not key.startswith("_"):  # what structlog passes along for itself
            event[key] = masked_value(key, value)
    return event


def renderer(log_format: str) -> Processor:
    """`json`: one object a line; `console`: for people."""
    if log_format == "console":
        return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    return structlog.processors.JSONRenderer(serializer=dumps)


def configure_logging(level: str, log_format: str, stream: TextIO | None = None) -> None:
    """Set the whole process's logging up; lines go to stderr unless another stream is given."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        mask_event,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer(log_format)],
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("httpx", "httpcore", "asyncio", "alembic"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
