"""Registered API keys: their hashes, never the keys."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Row, func, select

from brain_gateway.application.dto import ApiKeyDTO, Page, PageRequest
from brain_gateway.domain.errors import InternalError
from brain_gateway.infrastructure.sql.documents import build, from_text, to_text
from brain_gateway.infrastructure.sql.repository import (
    Repository,
    after_id,
    bookkeeping,
    chunks,
    logger,
    page_of,
)
from brain_gateway.infrastructure.sql.tables import api_keys


class SqlApiKeyRepository(Repository):
    """ApiKeyRepository. A key whose row means nothing opens nothing."""

    table = api_keys
    identity = ("tenant_id", "hash")
    gone = "there is no such API key"
    taken = "there is such an API key already"

    async def add(self, item: ApiKeyDTO) -> None:
        """Raises Conflict and ResourceNotFound."""
        self.refuse_others(item.tenant_id)
        await self.insert(_row(item))

    async def get(self, key_id: str) -> ApiKeyDTO | None:
        """Raises InternalError when its row means nothing."""
        rows = await self._session.rows(select(api_keys).where(api_keys.c.id == key_id, self.seen))
        try:
            return _key(rows[0]) if rows else None
        except ValueError as error:
            raise InternalError(f"API key {key_id} is stored in a form that means nothing here") from error

    async def save(self, item: ApiKeyDTO, expected: int) -> None:
        """Raises PreconditionFailed and ResourceNotFound."""
        self.refuse_others(item.tenant_id)
        await self.update(_row(item), expected)

    async def page(
        self, tenant_id: str | None, user_id: str | None, revoked: bool, page: PageRequest
    ) -> Page[ApiKeyDTO]:
        """By id."""
        statement = select(api_keys).where(self.seen)
        if tenant_id is not None:
            statement = statement.where(api_keys.c.tenant_id == tenant_id)
        if user_id is not None:
            statement = statement.where(api_keys.c.user_id == user_id)
        if not revoked:
            statement = statement.where(api_keys.c.revoked_at.is_(None))
        rows = await self._session.rows(after_id(statement, api_keys.c.id, page))
        return page_of(rows, page, lambda row: (row.id,), _key_or_none)

    async def all(self, revoked: bool = False) -> Sequence[ApiKeyDTO]:
        """By id."""
        statement = select(api_keys).where(self.seen).order_by(api_keys.c.id)
        if not revoked:
            statement = statement.where(api_keys.c.revoked_at.is_(None))
        return _keys(await self._session.rows(statement))

    async def many(self, ids: Collection[str]) -> Sequence[ApiKeyDTO]:
        """By id."""
        rows: list[Row[Any]] = []
        for chunk in chunks(dict.fromkeys(ids)):
            rows += await self._session.rows(select(api_keys).where(api_keys.c.id.in_(chunk), self.seen))
        return _keys(sorted(rows, key=lambda row: row.id))

    async def count(self, tenant_id: str) -> int:
        """Revoked ones are not counted."""
        statement = select(func.count()).select_from(api_keys).where(self.seen)
        own = statement.where(api_keys.c.tenant_id == tenant_id, api_keys.c.revoked_at.is_(None))
        return int((await self._session.rows(own))[0][0])

    async def write_many(
        self, added: Sequence[ApiKeyDTO], saved: Sequence[ApiKeyDTO], removed: Sequence[str]
    ) -> None:
        """Raises Conflict and ResourceNotFound; then nothing of it was done."""
        for item in (*added, *saved):
            self.refuse_others(item.tenant_id)
        async with self.all_or_nothing():
            await self.delete_many(removed)
            await self.update_many([_row(item) for item in saved])
            await self.insert_many([_row(item) for item in added])


def _row(item: ApiKeyDTO) -> dict[str, Any]:
    return {
        "id": item.id,
        "tenant_id": item.tenant_id,
        "hash": item.hash,
        "prefix": item.prefix,
        "user_id": item.user_id,
        "name": item.name,
        "roles": to_text(item.roles),
        "expires_at": None if item.expires_at == math.inf else item.expires_at,
        "revoked_at": item.revoked_at,
        **bookkeeping(item),
    }


def _key(row: Row[Any]) -> ApiKeyDTO:
    return ApiKeyDTO(
        id=row.id,
        version=row.version,
        owner=row.owner,
        declared=row.declared,
        created_at=row.created_at,
        updated_at=row.updated_at,
        hash=row.hash,
        prefix=row.prefix,
        tenant_id=row.tenant_id,
        user_id=row.user_id,
        name=row.name,
        roles=build(frozenset[str], from_text(row.roles)),
        expires_at=math.inf if row.expires_at is None else row.expires_at,
        revoked_at=row.revoked_at,
    )


def _key_or_none(row: Row[Any]) -> ApiKeyDTO | None:
    try:
        return _key(row)
    except ValueError:
        logger.exception("API key %s is stored in a form that means nothing here: it opens nothing", row.id)
        return None


def _keys(rows: Sequence[Row[Any]]) -> list[ApiKeyDTO]:
    return [key for key in map(_key_or_none, rows) if key is not None]
