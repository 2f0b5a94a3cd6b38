"""Health from memory, and where global services are for the platform's people alone."""

from __future__ import annotations

import pytest

from brain_gateway.application.bus import QueryBus
from brain_gateway.application.gateway.health_report import HealthReport, ServiceHealth, TargetHealth
from brain_gateway.application.queries.health import GetHealthStatusQuery, health_handler
from brain_gateway.domain.errors import ResourceNotFound
from brain_gateway.domain.routing.service_status import ServiceStatus
from tests.builders.control import Control, actor
from tests.builders.gateway import OTHER_TENANT, TENANT

pytestmark = pytest.mark.anyio


def health(name, tenant_id=None):
    target = TargetHealth(
        target=f"http://{name}:1", healthy=True, response_time_ms=1.0, checked_at=None, detail="status 200"
    )
    return ServiceHealth(
        key=name, name=name, tenant_id=tenant_id, status=ServiceStatus.HEALTHY, response_time_ms=1.0, since="s",
        probed=True, targets=(target,),
    )  # fmt: skip


@pytest.fixture
def ask():
    control, asked = Control(), []
    control.store.away = True

    def report(tenant_id):
        asked.append(tenant_id)
        services = (health("shop"), health("own", TENANT))
        return HealthReport(status=ServiceStatus.HEALTHY, services=services, timestamp="t")

    handler = health_handler(report, lambda key, origin: "open" if key == "own" else "closed")
    bus = QueryBus(control.store, {}, {GetHealthStatusQuery: handler})

    async def find(role, **query):
        return await bus.ask(actor(role), GetHealthStatusQuery(**query)), asked[-1]

    return find


async def test_a_tenant_learns_where_its_own_services_are(ask):
    found, asked = await ask("client", tenant_id=TENANT)
    assert asked == TENANT
    states = {state.service.name: state.targets[0] for state in found.services}
    assert (states["shop"].target.target, states["shop"].breaker) == ("", "closed")
    assert (states["own"].target.target, states["own"].breaker) == ("http://own:1", "open")


async def test_the_platform_learns_it_of_all(ask):
    found, asked = await ask("super_admin")
    assert asked is None
    assert [state.targets[0].target.target for state in found.services] == ["http://shop:1", "http://own:1"]


async def test_one_service_can_be_asked_for(ask):
    found, _ = await ask("client", tenant_id=TENANT, name="own")
    assert [state.service.name for state in found.services] == ["own"]


async def test_another_tenants_is_not_told(ask):
    with pytest.raises(ResourceNotFound):
        await ask("client", tenant_id=OTHER_TENANT)
