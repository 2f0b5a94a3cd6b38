"""What every IntegrationRepository does."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from brain_gateway.application.scope import PLATFORM, Scope
from brain_gateway.domain.errors import Conflict, PreconditionFailed, ResourceNotFound
from brain_gateway.domain.integrations.integration import IntegrationCategory
from brain_gateway.domain.integrations.integration_config import CredentialsRecord, IntegrationConfig
from brain_gateway.domain.resilience.limits import RateLimit
from brain_gateway.domain.routing.service_status import ServiceStatus
from tests.builders.registry import NOW, an_integration, new_id

pytestmark = pytest.mark.anyio
TENANT, OTHER = new_id(), new_id()


@pytest.fixture
async def unit(store):
    async with store(PLATFORM) as found:
        yield found


def content(config: IntegrationConfig | None) -> object:
    """All that is kept, to compare."""
    return config and {one.name: getattr(config, one.name) for one in fields(config) if one.init}


async def test_what_is_read_is_what_was_written(unit):
    config = IntegrationConfig(
        id=new_id(),
        integration_name="stripe",
        category=IntegrationCategory.ECOMMERCE,
        tenant_id=TENANT,
        is_active=True,
        rate_limit=RateLimit(3, 0.5, 2),
        retry_count=7,
        health=ServiceStatus.DEGRADED,
        credentials=CredentialsRecord(
            "restricted", frozenset({"secret", "id"}), NOW + 0.5, "integration.stripe.1-2"
        ),
    )
    usual = content(an_integration(TENANT))
    assert {name for name, value in content(config).items() if value == usual[name]} <= {
        "tenant_id",
        "integration_name",
        "version",
    }
    await unit.integrations.add(config)
    assert config.version == 1
    assert content(await unit.integrations.get(TENANT, config.id)) == content(config)
    assert content(await unit.integrations.find(TENANT, "stripe")) == content(config)
    assert list(map(content, await unit.integrations.list_page(TENANT, limit=9))) == [content(config)]


async def test_what_is_not_there(unit):
    assert await unit.integrations.find(TENANT, "stripe") is None
    assert await unit.integrations.list_page(TENANT, limit=9) == []
    with pytest.raises(ResourceNotFound):
        await unit.integrations.get(TENANT, new_id())
    with pytest.raises(ResourceNotFound):
        await unit.integrations.save(an_integration(TENANT), 1)
    with pytest.raises(ResourceNotFound):
        await unit.integrations.remove(TENANT, new_id(), 1)


async def test_a_name_is_unique_per_tenant(unit):
    config = an_integration(TENANT)
    await unit.integrations.add(config)
    await unit.integrations.add(an_integration(OTHER))
    with pytest.raises(Conflict):
        await unit.integrations.add(an_integration(TENANT))
    with pytest.raises(Conflict):
        await unit.integrations.add(replace(an_integration(TENANT, "paypal"), id=config.id))


async def test_objects_are_nobody_elses(unit):
    config = an_integration(TENANT)
    await unit.integrations.add(config)
    config.set_retries(9, NOW)
    found = await unit.integrations.get(TENANT, config.id)
    assert found.retry_count == 3
    found.set_retries(5, NOW)
    assert (await unit.integrations.find(TENANT, "stripe")).retry_count == 3


async def test_save_raises_the_version_and_remove_asks_for_it(unit):
    config = an_integration(TENANT)
    await unit.integrations.add(config)
    config.set_retries(9, NOW)
    await unit.integrations.save(config, 1)
    assert config.version == 2
    assert content(await unit.integrations.get(TENANT, config.id)) == content(config)
    with pytest.raises(PreconditionFailed):
        await unit.integrations.save(config, 1)
    with pytest.raises(PreconditionFailed):
        await unit.integrations.remove(TENANT, config.id, 1)
    with pytest.raises(ResourceNotFound):
        await unit.integrations.remove(OTHER, config.id, 2)
    await unit.integrations.remove(TENANT, config.id, 2)
    assert await unit.integrations.find(TENANT, "stripe") is None


async def test_pages_by_name(unit):
    for name in ("c", "a", "b"):
        await unit.integrations.add(an_integration(TENANT, name))
    await unit.integrations.add(an_integration(OTHER, "b"))
    first = await unit.integrations.list_page(TENANT, limit=2)
    rest = await unit.integrations.list_page(TENANT, after="b", limit=2)
    assert [config.integration_name for config in (*first, *rest)] == ["a", "b", "c"]


async def test_a_tenant_sees_and_writes_its_own_alone(store):
    other = an_integration(OTHER)
    async with store(PLATFORM) as unit:
        await unit.integrations.add(other)
        await unit.commit()
    async with store(Scope(TENANT)) as unit:
        assert await unit.integrations.find(OTHER, "stripe") is None
        assert await unit.integrations.list_page(OTHER, limit=9) == []
        for refused in (
            unit.integrations.get(OTHER, other.id),
            unit.integrations.get(TENANT, other.id),
            unit.integrations.save(replace(other), 1),
            unit.integrations.remove(OTHER, other.id, 1),
            unit.integrations.remove(TENANT, other.id, 1),
            unit.integrations.add(an_integration(OTHER, "paypal")),
        ):
            with pytest.raises(ResourceNotFound):
                await refused
