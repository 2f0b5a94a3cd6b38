"""Stored responses."""

from __future__ import annotations

from typing import Any

from brain_gateway.domain.http.caching.selection import selector
from brain_gateway.domain.http.caching.stored import StoredResponse

NOW = 1_800_000_000.0


def stored(**changes: Any) -> StoredResponse:
    """A 200 that came at NOW and is fresh for a minute."""
    values: dict[str, Any] = {
        "status": 200,
        "status_line": b"HTTP/1.1 200 OK",
        "lines": (b"Content-Type: text/plain", b"Cache-Control: max-age=60", b"Content-Length: 2"),
        "cors": (),
        "body": b"ok",
        "received": NOW,
        "initial_age": 0.0,
        "lifetime": 60.0,
        "validate": False,
        "strict": False,
        "stale_if_error": 0.0,
        "stale_while_revalidate": 0.0,
        "etag": b"",
        "last_modified": b"",
        "date": NOW,
        "vary": (),
        "selector": b"",
    }
    values.update(changes)
    values["selector"] = values["selector"] or selector(values["vary"], b"", lambda name: None)
    return StoredResponse(**values)
