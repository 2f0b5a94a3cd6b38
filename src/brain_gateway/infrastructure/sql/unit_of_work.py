"""Units of work over SQLite or PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cached_property

from brain_gateway.application.scope import Scope
from brain_gateway.infrastructure.sql.api_key_repository import SqlApiKeyRepository
from brain_gateway.infrastructure.sql.audit_log import SqlAuditLog
from brain_gateway.infrastructure.sql.configuration_versions import SqlConfigurationVersions
from brain_gateway.infrastructure.sql.idempotency_records import SqlIdempotencyRecords
from brain_gateway.infrastructure.sql.integration_repository import SqlIntegrationRepository
from brain_gateway.infrastructure.sql.limit_repository import SqlLimitRepository
from brain_gateway.infrastructure.sql.outbox import SqlOutbox
from brain_gateway.infrastructure.sql.route_repository import SqlRouteRepository
from brain_gateway.infrastructure.sql.session import Database, Session
from brain_gateway.infrastructure.sql.tenant_repository import SqlTenantRepository


class SqlUnitOfWork:
    """UnitOfWork: one session, seen through the repositories that a use case asks for."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @cached_property
    def services(self) -> SqlRouteRepository:
        """Registered services."""
        return SqlRouteRepository(self._session)

    @cached_property
    def tenants(self) -> SqlTenantRepository:
        """Registered tenants."""
        return SqlTenantRepository(self._session)

    @cached_property
    def api_keys(self) -> SqlApiKeyRepository:
        """Registered keys."""
        return SqlApiKeyRepository(self._session)

    @cached_property
    def limits(self) -> SqlLimitRepository:
        """Limits in place of the defaults."""
        return SqlLimitRepository(self._session)

    @cached_property
    def integrations(self) -> SqlIntegrationRepository:
        """Integrations of tenants."""
        return SqlIntegrationRepository(self._session)

    @cached_property
    def audit(self) -> SqlAuditLog:
        """The audit log."""
        return SqlAuditLog(self._session)

    @cached_property
    def outbox(self) -> SqlOutbox:
        """Events on their way out."""
        return SqlOutbox(self._session)

    @cached_property
    def versions(self) -> SqlConfigurationVersions:
        """Versions of the configuration."""
        return SqlConfigurationVersions(self._session)

    @cached_property
    def idempotency(self) -> SqlIdempotencyRecords:
        """Answers that are given again."""
        return SqlIdempotencyRecords(self._session)

    async def commit(self) -> None:
        """Make it last, and end."""
        await self._session.commit()


class SqlUnitsOfWork:
    """UnitsOfWork over one database; `ready` is of the store, which knows the schema."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def __call__(self, scope: Scope, *, read_only: bool = False) -> AsyncIterator[SqlUnitOfWork]:
        """A unit of work; connects with its first statement."""
        session = Session(self._database, scope, read_only)
        try:
            yield SqlUnitOfWork(session)
        finally:
            await session.close()
