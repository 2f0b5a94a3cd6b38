"""Port: where the integrations of tenants are kept."""

from __future__ import annotations

from typing import Protocol

from brain_gateway.domain.integrations.integration_config import IntegrationConfig


class IntegrationRepository(Protocol):
    """Keeps IntegrationConfigs; a tenant sees its own alone, whatever ids it guesses. No credentials in it.

    Every method gives objects that nobody else holds: what is changed and not saved is not kept.
    """

    async def add(self, config: IntegrationConfig) -> None:
        """Keep a new one and make it version 1. Raises Conflict when the tenant has one of that name, or the
        id is taken.
        """

    async def get(self, tenant_id: str, config_id: str) -> IntegrationConfig:
        """The one with that id. Raises ResourceNotFound."""
        ...

    async def find(self, tenant_id: str, integration_name: str) -> IntegrationConfig | None:
        """The tenant's one of that name, if there is one."""
        ...

    async def save(self, config: IntegrationConfig, expected_version: int) -> None:
        """Keep what it is now and raise its version by one.

        Raises PreconditionFailed when another version than `expected_version` is kept, ResourceNotFound when
        none is.
        """

    async def remove(self, tenant_id: str, config_id: str, expected_version: int) -> None:
        """Keep it no more. Raises as `save` does."""

    async def list_page(self, tenant_id: str, *, after: str = "", limit: int) -> list[IntegrationConfig]:
        """Up to `limit` of the tenant's, by name, those with a name behind `after`."""
        ...
