"""Port: the registered API keys."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from brain_gateway.application.dto import ApiKeyDTO, Page, PageRequest


class ApiKeyRepository(Protocol):
    """Keys within scope: a tenant sees and writes its own alone. A hash is unique over all tenants. By (id)."""

    async def add(self, item: ApiKeyDTO) -> None:
        """A new one. Raises Conflict when its hash is known already."""
        ...

    async def get(self, key_id: str) -> ApiKeyDTO | None:
        """One by its id, also a revoked one."""
        ...

    async def save(self, item: ApiKeyDTO, expected: int) -> None:
        """Replace one. Raises PreconditionFailed and ResourceNotFound."""
        ...

    async def page(
        self, tenant_id: str | None, user_id: str | None, revoked: bool, page: PageRequest
    ) -> Page[ApiKeyDTO]:
        """Some of a tenant's (None: of everyone's) and user's; revoked ones only if they are asked for."""
        ...

    async def all(self, revoked: bool = False) -> Sequence[ApiKeyDTO]:
        """Every key in scope; revoked ones only if they are asked for."""
        ...

    async def many(self, ids: Collection[str]) -> Sequence[ApiKeyDTO]:
        """Those of these ids that exist, revoked ones too."""
        ...

    async def count(self, tenant_id: str) -> int:
        """How many a tenant has that are not revoked."""
        ...

    async def write_many(
        self, added: Sequence[ApiKeyDTO], saved: Sequence[ApiKeyDTO], removed: Sequence[str]
    ) -> None:
        """Many at once. Raises Conflict."""
        ...
