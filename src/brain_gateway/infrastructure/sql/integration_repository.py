"""Integrations of tenants: what is set up, without credentials."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Row, select

from brain_gateway.domain.errors import CallerError, ConfigurationError, InternalError, ResourceNotFound
from brain_gateway.domain.integrations.integration import IntegrationCategory
from brain_gateway.domain.integrations.integration_config import IntegrationConfig
from brain_gateway.infrastructure.sql.documents import build, known_in, object_in, parts_of, to_text
from brain_gateway.infrastructure.sql.repository import Repository
from brain_gateway.infrastructure.sql.tables import integrations

_DOCUMENT = ("rate_limit", "retry_count", "health", "credentials")


class SqlIntegrationRepository(Repository):
    """IntegrationRepository."""

    table = integrations
    identity = ("tenant_id", "integration_name")
    gone = "there is no such integration"
    taken = "the tenant has that integration already"

    async def add(self, config: IntegrationConfig) -> None:
        """Raises Conflict and ResourceNotFound."""
        self.refuse_others(config.tenant_id)
        await self.insert(_row(config, 1))
        config.version = 1

    async def get(self, tenant_id: str, config_id: str) -> IntegrationConfig:
        """Raises ResourceNotFound."""
        found = await self._some(integrations.c.tenant_id == tenant_id, integrations.c.id == config_id)
        if not found:
            raise ResourceNotFound(self.gone)
        return found[0]

    async def find(self, tenant_id: str, integration_name: str) -> IntegrationConfig | None:
        """Raises InternalError when its row means nothing."""
        columns = integrations.c
        found = await self._some(columns.tenant_id == tenant_id, columns.integration_name == integration_name)
        return found[0] if found else None

    async def save(self, config: IntegrationConfig, expected_version: int) -> None:
        """Raises PreconditionFailed and ResourceNotFound."""
        self.refuse_others(config.tenant_id)
        await self.update(_row(config, expected_version + 1), expected_version)
        config.version = expected_version + 1

    async def remove(self, tenant_id: str, config_id: str, expected_version: int) -> None:
        """Raises PreconditionFailed and ResourceNotFound."""
        self.refuse_others(tenant_id)
        await self.get(tenant_id, config_id)
        await self.delete(config_id, expected_version)

    async def list_page(self, tenant_id: str, *, after: str = "", limit: int) -> list[IntegrationConfig]:
        """By name."""
        columns = integrations.c
        return await self._some(columns.tenant_id == tenant_id, columns.integration_name > after, limit=limit)

    async def _some(self, *wanted: ColumnElement[bool], limit: int = 1) -> list[IntegrationConfig]:
        statement = select(integrations).where(*wanted, self.seen).order_by(integrations.c.integration_name)
        return [_config(row) for row in await self._session.rows(statement.limit(limit))]


def _row(config: IntegrationConfig, version: int) -> dict[str, Any]:
    return {
        "id": config.id,
        "tenant_id": config.tenant_id,
        "integration_name": config.integration_name,
        "category": config.category.value,
        "is_active": config.is_active,
        "settings": to_text({name: getattr(config, name) for name in _DOCUMENT}),
        "version": version,
    }


def _config(row: Row[Any]) -> IntegrationConfig:
    try:
        hints = parts_of(IntegrationConfig)
        given = known_in(object_in(row.settings), _DOCUMENT, "an integration")
        settings = {name: build(hints[name], one) for name, one in given.items()}
        return IntegrationConfig(
            id=row.id,
            integration_name=row.integration_name,
            category=IntegrationCategory(row.category),
            tenant_id=row.tenant_id,
            is_active=row.is_active,
            version=row.version,
            **settings,
        )
    except (ValueError, TypeError, KeyError, CallerError, ConfigurationError) as error:
        raise InternalError(f"integration {row.id} is stored in a form that means nothing here") from error
