"""IntegrationCatalogue with the entries that a test gives it."""

from __future__ import annotations

from brain_gateway.domain.errors import ResourceNotFound
from brain_gateway.domain.integrations.integration import Integration


class FakeIntegrationCatalogue:
    """A dictionary."""

    def __init__(self, *entries: Integration) -> None:
        self.entries = {entry.name: entry for entry in entries}

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self.entries))

    def get(self, name: str) -> Integration:
        if name not in self.entries:
            raise ResourceNotFound("the catalogue has no such integration")
        return self.entries[name]

    def all(self) -> tuple[Integration, ...]:
        return tuple(self.entries[name] for name in self.names())
