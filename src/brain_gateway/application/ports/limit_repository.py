"""Port: the limits that were set in place of the defaults."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from brain_gateway.application.dto import LimitDTO


class LimitRepository(Protocol):
    """Limits within scope; (tenant_id, name) is unique. There are few: they are read all at once. By (tenant, name)."""

    async def all(self) -> Sequence[LimitDTO]:
        """Every limit in scope, the global ones too."""
        ...

    async def get(self, tenant_id: str | None, name: str) -> LimitDTO | None:
        """One of them."""
        ...

    async def add(self, item: LimitDTO) -> None:
        """A new one. Raises Conflict."""
        ...

    async def save(self, item: LimitDTO, expected: int) -> None:
        """Replace one. Raises PreconditionFailed and ResourceNotFound."""
        ...

    async def remove(self, limit_id: str, expected: int) -> None:
        """Back to the default. Raises PreconditionFailed and ResourceNotFound."""
        ...

    async def remove_many(self, ids: Sequence[str]) -> None:
        """Several at once, whatever their versions; those that are gone already do not matter."""
        ...
