"""Port: where finished requests are written down."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class AccessRecord(NamedTuple):
    """One finished request. Times in seconds, sizes in bytes; an empty text means unknown."""

    unix_time: float
    request_id: str
    tenant_id: str
    user_id: str
    service: str
    method: str
    target: str
    status: int
    duration: float
    sent: int
    client: str
    upstream: str
    attempts: int
    error: str


class AccessLog(Protocol):
    """Takes records without blocking the caller."""

    def write(self, record: AccessRecord) -> None:
        """Queue one record; a full queue drops and counts it."""
