"""Port: one transaction over the control plane's data, in one scope."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Protocol

from brain_gateway.application.ports.api_key_repository import ApiKeyRepository
from brain_gateway.application.ports.audit_log import AuditLog
from brain_gateway.application.ports.configuration_versions import ConfigurationVersions
from brain_gateway.application.ports.idempotency_records import IdempotencyRecords
from brain_gateway.application.ports.limit_repository import LimitRepository
from brain_gateway.application.ports.outbox import Outbox
from brain_gateway.application.ports.route_repository import RouteRepository
from brain_gateway.application.ports.tenant_repository import TenantRepository
from brain_gateway.application.scope import Scope

if TYPE_CHECKING:
    from brain_gateway.application.ports.integration_repository import IntegrationRepository


class UnitOfWork(Protocol):
    """What one transaction can reach. Whatever is not committed when it is left is undone.

    Every method of its repositories raises StoreUnavailable when the database is away.
    """

    @property
    def services(self) -> RouteRepository:
        """Registered services."""
        ...

    @property
    def tenants(self) -> TenantRepository:
        """Registered tenants."""
        ...

    @property
    def api_keys(self) -> ApiKeyRepository:
        """Registered API keys."""
        ...

    @property
    def limits(self) -> LimitRepository:
        """Limits in place of the defaults."""
        ...

    @property
    def integrations(self) -> IntegrationRepository:
        """Integrations of tenants."""
        ...

    @property
    def audit(self) -> AuditLog:
        """The audit log."""
        ...

    @property
    def outbox(self) -> Outbox:
        """Events on their way out."""
        ...

    @property
    def versions(self) -> ConfigurationVersions:
        """Versions of the configuration."""
        ...

    @property
    def idempotency(self) -> IdempotencyRecords:
        """Answers that are given again."""
        ...

    async def commit(self) -> None:
        """Make it last. Raises Conflict when another transaction came first, StoreUnavailable."""
        ...


class UnitsOfWork(Protocol):
    """Opens transactions."""

    def __call__(self, scope: Scope, *, read_only: bool = False) -> AbstractAsyncContextManager[UnitOfWork]:
        """A unit of work in this scope, for `async with`."""
        ...

    async def ready(self) -> str | None:
        """None when the store answers and has the schema that this version needs, else what is wrong."""
        ...
