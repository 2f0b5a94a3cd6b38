"""Registered tenants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, delete, select

from brain_gateway.application.dto import Page, PageRequest, TenantDTO
from brain_gateway.domain.errors import ConfigurationError, InternalError
from brain_gateway.domain.tenants import Tenant, TenantStatus
from brain_gateway.infrastructure.sql.repository import (
    Repository,
    after_id,
    begins_with,
    bookkeeping,
    logger,
    page_of,
)
from brain_gateway.infrastructure.sql.tables import api_keys, integrations, limits, services, tenants


class SqlTenantRepository(Repository):
    """TenantRepository. A tenant's id is the owner of its row, so that the policy of the other tables holds here."""

    table = tenants
    key = "tenant_id"
    identity = ()
    gone = "there is no such tenant"
    taken = "there is a tenant with that id already"

    async def add(self, item: TenantDTO) -> None:
        """Raises Conflict and ResourceNotFound."""
        self.refuse_others(item.tenant.id)
        await self.insert(_row(item))

    async def get(self, tenant_id: str) -> TenantDTO | None:
        """Raises InternalError when its row means nothing."""
        rows = await self._session.rows(select(tenants).where(tenants.c.tenant_id == tenant_id, self.seen))
        try:
            return _tenant(rows[0]) if rows else None
        except (ConfigurationError, ValueError) as error:
            raise InternalError(f"tenant {tenant_id} is stored in a form that means nothing here") from error

    async def save(self, item: TenantDTO, expected: int) -> None:
        """Raises PreconditionFailed and ResourceNotFound."""
        self.refuse_others(item.tenant.id)
        await self.update(_row(item), expected)

    async def erase_belongings(self, tenant_id: str) -> None:
        """Raises ResourceNotFound for another's."""
        self.refuse_others(tenant_id)
        for table in (services, api_keys, limits, integrations):
            await self._session.change(delete(table).where(table.c.tenant_id == tenant_id))

    async def page(self, prefix: str, deleted: bool, page: PageRequest) -> Page[TenantDTO]:
        """By id."""
        statement = select(tenants).where(self.seen, begins_with(tenants.c.name, prefix))
        if not deleted:
            statement = statement.where(tenants.c.status != TenantStatus.DELETED.value)
        rows = await self._session.rows(after_id(statement, tenants.c.tenant_id, page))
        return page_of(rows, page, lambda row: (row.tenant_id,), _suspended_if_broken)

    async def all(self) -> Sequence[TenantDTO]:
        """A tenant whose row means nothing is suspended, not left out."""
        rows = await self._session.rows(select(tenants).where(self.seen).order_by(tenants.c.tenant_id))
        return [_suspended_if_broken(row) for row in rows]

    async def unserved(self) -> Sequence[TenantDTO]:
        """By id; a tenant whose row means nothing is among them."""
        statement = select(tenants).where(self.seen, tenants.c.status != TenantStatus.ACTIVE.value)
        rows = await self._session.rows(statement.order_by(tenants.c.tenant_id))
        return [_suspended_if_broken(row) for row in rows]

    async def write_many(self, added: Sequence[TenantDTO], saved: Sequence[TenantDTO]) -> None:
        """Raises Conflict and ResourceNotFound; then nothing of it was done."""
        for item in (*added, *saved):
            self.refuse_others(item.tenant.id)
        async with self.all_or_nothing():
            await self.update_many([_row(item) for item in saved])
            await self.insert_many([_row(item) for item in added])


def _row(item: TenantDTO) -> dict[str, Any]:
    tenant = item.tenant
    return {"tenant_id": tenant.id, "name": tenant.name, "status": tenant.status.value, **bookkeeping(item)}


def _tenant(row: Row[Any]) -> TenantDTO:
    return _registered(row, Tenant(id=row.tenant_id, name=row.name, status=TenantStatus(row.status)))


def _suspended_if_broken(row: Row[Any]) -> TenantDTO:
    try:
        return _tenant(row)
    except (ConfigurationError, ValueError):
        logger.exception("tenant %s is stored in a form that means nothing here: suspended", row.tenant_id)
        return _registered(row, Tenant(id=row.tenant_id, name=row.tenant_id, status=TenantStatus.SUSPENDED))


def _registered(row: Row[Any], tenant: Tenant) -> TenantDTO:
    return TenantDTO(
        id=row.tenant_id,
        version=row.version,
        owner=row.owner,
        declared=row.declared,
        created_at=row.created_at,
        updated_at=row.updated_at,
        tenant=tenant,
    )
