"""Whose data a transaction may touch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Scope:
    """One tenant's (which sees the global rows too, and writes none of them), or the platform's: everybody's."""

    tenant_id: str | None

    def sees(self, owner: str | None) -> bool:
        """Whether rows of `owner` (None: global) may be read."""
        return self.tenant_id is None or owner is None or owner == self.tenant_id

    def writes(self, owner: str | None) -> bool:
        """Whether rows of `owner` may be written."""
        return self.tenant_id is None or owner == self.tenant_id


PLATFORM: Final = Scope(None)
