"""What a tenant has set up, page by page, and what there is to set up."""

from __future__ import annotations

import pytest

from brain_gateway.application.authorization import SYSTEM
from brain_gateway.application.bus import QueryBus
from brain_gateway.application.dto import PageRequest
from brain_gateway.application.queries import HANDLERS
from brain_gateway.application.queries.integrations import (
    CatalogueQueries,
    GetCatalogueEntryQuery,
    GetIntegrationQuery,
    ListCatalogueQuery,
    ListIntegrationsQuery,
)
from brain_gateway.application.scope import PLATFORM
from brain_gateway.domain.errors import InvalidDocument, ResourceNotFound, RoleRequired
from brain_gateway.domain.integrations.integration import IntegrationCategory
from tests.builders.control import actor
from tests.builders.gateway import OTHER_TENANT, TENANT
from tests.builders.integrations import integration
from tests.builders.registry import an_integration
from tests.fakes.integration_catalogue import FakeIntegrationCatalogue
from tests.fakes.memory_store import MemoryStore

pytestmark = pytest.mark.anyio
NAMES = ["ads", "crm", "mail", "pay", "sms"]
ENTRIES = (integration(), integration(name="ads", category=IntegrationCategory.SOCIAL_MEDIA))


@pytest.fixture
async def store():
    store = MemoryStore()
    async with store(PLATFORM) as unit:
        for name in reversed(NAMES):
            await unit.integrations.add(an_integration(TENANT, name))
        await unit.integrations.add(an_integration(OTHER_TENANT, "theirs"))
        await unit.commit()
    return store


@pytest.fixture
def queries(store):
    own = CatalogueQueries(FakeIntegrationCatalogue(*ENTRIES)).handlers
    return QueryBus(store, {**HANDLERS, **own})


@pytest.mark.parametrize("size", [1, 2, 5, 6])
async def test_pages_give_each_once_by_name(queries, size):
    seen, after, pages = [], None, 0
    while True:
        query = ListIntegrationsQuery(tenant_id=TENANT, page=PageRequest(size, after))
        page = await queries.ask(actor("manager"), query)
        seen += [item.integration_name for item in page.items]
        pages += 1
        if page.next is None:
            break
        after = page.next
    assert (seen, pages) == (NAMES, -(-len(NAMES) // size))


async def test_one_by_its_name(queries):
    found = await queries.ask(actor("manager"), GetIntegrationQuery(tenant_id=TENANT, name="pay"))
    assert found.key == (TENANT, "pay")
    with pytest.raises(ResourceNotFound):
        await queries.ask(SYSTEM, GetIntegrationQuery(tenant_id=TENANT, name="theirs"))
    with pytest.raises(ResourceNotFound):
        await queries.ask(actor("manager"), GetIntegrationQuery(tenant_id=OTHER_TENANT, name="theirs"))
    with pytest.raises(RoleRequired):
        await queries.ask(actor("client"), GetIntegrationQuery(tenant_id=TENANT, name="pay"))
    for query in (GetIntegrationQuery(name="pay"), ListIntegrationsQuery()):
        with pytest.raises(InvalidDocument, match="tenant: must be named"):
            await queries.ask(SYSTEM, query)


async def test_the_catalogue_needs_no_database(queries, store):
    store.away = True
    for who in (SYSTEM, actor("manager")):
        found = await queries.ask(who, ListCatalogueQuery(tenant_id=who.tenant_id))
        assert [entry.name for entry in found] == ["ads", "pay"]
    social = ListCatalogueQuery(category=IntegrationCategory.SOCIAL_MEDIA)
    assert [entry.name for entry in await queries.ask(SYSTEM, social)] == ["ads"]
    assert await queries.ask(SYSTEM, GetCatalogueEntryQuery(name="pay")) is ENTRIES[0]
    with pytest.raises(ResourceNotFound):
        await queries.ask(SYSTEM, GetCatalogueEntryQuery(name="other"))
