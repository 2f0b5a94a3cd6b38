"""An AccessLog that keeps what it is given."""

from __future__ import annotations

from brain_gateway.application.ports.access_log import AccessRecord


class KeptRecords:
    """`records`, oldest first."""

    def __init__(self) -> None:
        self.records: list[AccessRecord] = []

    def write(self, record: AccessRecord) -> None:
        """See the port AccessLog."""
        self.records.append(record)
