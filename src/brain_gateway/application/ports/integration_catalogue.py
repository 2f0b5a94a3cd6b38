"""Port: what is known of the integrations that a tenant can activate."""

from __future__ import annotations

from typing import Protocol

from brain_gateway.domain.integrations.integration import Integration


class IntegrationCatalogue(Protocol):
    """Read-only. What it gives is immutable and may be kept."""

    def names(self) -> tuple[str, ...]:
        """Names of all entries, sorted."""
        ...

    def get(self, name: str) -> Integration:
        """One entry. Raises ResourceNotFound; ConfigurationError when what is written of it is at fault."""
        ...

    def all(self) -> tuple[Integration, ...]:
        """Every entry, by name. Raises ConfigurationError with the faults of all of them."""
        ...
