"""Port: the registered tenants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from brain_gateway.application.dto import Page, PageRequest, TenantDTO


class TenantRepository(Protocol):
    """Tenants within scope: a tenant sees and writes itself alone. A deleted one stays as a tombstone. By (id)."""

    async def add(self, item: TenantDTO) -> None:
        """A new one. Raises Conflict when the id is taken."""
        ...

    async def get(self, tenant_id: str) -> TenantDTO | None:
        """One by its id, also a deleted one."""
        ...

    async def save(self, item: TenantDTO, expected: int) -> None:
        """Replace one. Raises PreconditionFailed and ResourceNotFound."""
        ...

    async def erase_belongings(self, tenant_id: str) -> None:
        """Take out all that a tenant owns: services, keys, limits, integrations. The audit log stays."""
        ...

    async def page(self, prefix: str, deleted: bool, page: PageRequest) -> Page[TenantDTO]:
        """Some of those whose name begins with `prefix`; deleted ones only if they are asked for."""
        ...

    async def all(self) -> Sequence[TenantDTO]:
        """Every tenant in scope, deleted ones too."""
        ...

    async def unserved(self) -> Sequence[TenantDTO]:
        """Those that are suspended or deleted: few among many."""
        ...

    async def write_many(self, added: Sequence[TenantDTO], saved: Sequence[TenantDTO]) -> None:
        """Many at once. Raises Conflict."""
        ...
