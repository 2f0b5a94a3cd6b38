"""Limits in place of the defaults."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select

from brain_gateway.application.dto import LimitDTO
from brain_gateway.domain.errors import ConfigurationError, InternalError
from brain_gateway.domain.resilience.rate_limit import RateLimit
from brain_gateway.infrastructure.sql.documents import build, from_text, to_text
from brain_gateway.infrastructure.sql.repository import Repository, bookkeeping, logger, owner_of, tenant_of
from brain_gateway.infrastructure.sql.tables import GLOBAL, limits


class SqlLimitRepository(Repository):
    """LimitRepository."""

    table = limits
    identity = ("tenant_id", "name")
    gone = "there is no such limit"
    taken = "there is a limit of that name already"

    async def all(self) -> Sequence[LimitDTO]:
        """The global ones first. Raises InternalError when a row means nothing: a default may be too much there."""
        rows = await self._session.rows(
            select(limits)
            .where(self.seen)
            .order_by(limits.c.tenant_id != GLOBAL, limits.c.tenant_id, limits.c.name)
        )
        return [_limit(row) for row in rows]

    async def get(self, tenant_id: str | None, name: str) -> LimitDTO | None:
        """Raises InternalError when its row means nothing."""
        columns = limits.c
        rows = await self._session.rows(
            select(limits).where(columns.tenant_id == owner_of(tenant_id), columns.name == name, self.seen)
        )
        return _limit(rows[0]) if rows else None

    async def add(self, item: LimitDTO) -> None:
        """Raises Conflict and ResourceNotFound."""
        self.refuse_others(item.tenant_id)
        await self.insert(_row(item))

    async def save(self, item: LimitDTO, expected: int) -> None:
        """Raises PreconditionFailed and ResourceNotFound."""
        self.refuse_others(item.tenant_id)
        await self.update(_row(item), expected)

    async def remove(self, limit_id: str, expected: int) -> None:
        """Raises PreconditionFailed and ResourceNotFound."""
        await self.delete(limit_id, expected)

    async def remove_many(self, ids: Sequence[str]) -> None:
        """Those that are gone, or another's, are left alone."""
        await self.delete_many(ids)


def _row(item: LimitDTO) -> dict[str, Any]:
    return {
        "id": item.id,
        "tenant_id": owner_of(item.tenant_id),
        "name": item.name,
        "rate": to_text(item.limit),
        **bookkeeping(item),
    }


def _limit(row: Row[Any]) -> LimitDTO:
    try:
        limit: RateLimit = build(RateLimit, from_text(row.rate))
    except (ConfigurationError, ValueError, TypeError) as error:
        logger.exception("limit %s is stored in a form that means nothing here", row.id)
        raise InternalError(f"limit {row.id} is stored in a form that means nothing here") from error
    return LimitDTO(
        id=row.id,
        version=row.version,
        owner=row.owner,
        declared=row.declared,
        created_at=row.created_at,
        updated_at=row.updated_at,
        tenant_id=tenant_of(row.tenant_id),
        name=row.name,
        limit=limit,
    )
