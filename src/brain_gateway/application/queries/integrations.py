"""Which integrations there are to activate, and what a tenant has set up of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from brain_gateway.application.authorization import Action, Actor
from brain_gateway.application.bus import Query, QueryHandler
from brain_gateway.application.commands.integrations import owner
from brain_gateway.application.dto import Page, PageRequest
from brain_gateway.application.ports.integration_catalogue import IntegrationCatalogue
from brain_gateway.application.ports.unit_of_work import UnitOfWork
from brain_gateway.domain.errors import ResourceNotFound
from brain_gateway.domain.integrations.integration import Integration, IntegrationCategory
from brain_gateway.domain.integrations.integration_config import IntegrationConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class ListIntegrationsQuery(Query[Page[IntegrationConfig]]):
    """A page of what a tenant has set up."""

    action = Action.READ_INTEGRATIONS
    page: PageRequest = field(default_factory=PageRequest)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetIntegrationQuery(Query[IntegrationConfig]):
    """What a tenant has set up of one integration."""

    action = Action.READ_INTEGRATIONS
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListCatalogueQuery(Query[Sequence[Integration]]):
    """Every integration that can be activated, or those of a category."""

    action = Action.READ_INTEGRATIONS
    category: IntegrationCategory | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetCatalogueEntryQuery(Query[Integration]):
    """One of them."""

    action = Action.READ_INTEGRATIONS
    name: str


async def list_integrations(
    query: ListIntegrationsQuery, unit: UnitOfWork, actor: Actor
) -> Page[IntegrationConfig]:
    """Sorted by name."""
    tenant_id, size = owner(query.tenant_id), query.page.size
    after = query.page.after[0] if query.page.after else ""
    found = await unit.integrations.list_page(tenant_id, after=after, limit=size + 1)
    items = tuple(found[:size])
    return Page(items, (items[-1].integration_name,) if len(found) > size else None)


async def get_integration(query: GetIntegrationQuery, unit: UnitOfWork, actor: Actor) -> IntegrationConfig:
    """Raises ResourceNotFound."""
    found = await unit.integrations.find(owner(query.tenant_id), query.name)
    if found is None:
        raise ResourceNotFound("this tenant has set up no such integration")
    return found


class CatalogueQueries:
    """Handlers over the catalogue; they do not touch the database. `handlers` are for the bus."""

    def __init__(self, catalogue: IntegrationCatalogue) -> None:
        self._catalogue = catalogue

    @property
    def handlers(self) -> Mapping[type[Query[Any]], QueryHandler]:
        """By query."""
        return MappingProxyType(
            {ListCatalogueQuery: self.list_catalogue, GetCatalogueEntryQuery: self.get_entry}
        )

    async def list_catalogue(
        self, query: ListCatalogueQuery, unit: UnitOfWork, actor: Actor
    ) -> Sequence[Integration]:
        """Sorted by name; in a thread, for the first time it reads all files."""
        found = await asyncio.to_thread(self._catalogue.all)
        return [entry for entry in found if query.category in (None, entry.category)]

    async def get_entry(self, query: GetCatalogueEntryQuery, unit: UnitOfWork, actor: Actor) -> Integration:
        """Raises ResourceNotFound."""
        return await asyncio.to_thread(self._catalogue.get, query.name)
