"""The monitor with real probes: a server that goes away and comes back."""

from __future__ import annotations

import asyncio

import pytest

from brain_gateway.application.gateway.health_monitor import HealthMonitor
from brain_gateway.domain.routing.service_route import ProbePolicy, ServiceRoute, ServiceStatus
from brain_gateway.domain.routing.target import Target
from brain_gateway.infrastructure.probes.registry import make_probes
from tests.builders.raw_server import closed_port, raw_server
from tests.builders.watching import watch
from tests.fakes.address_guard import NoGuard
from tests.live.harness.gateway import eventually
from tests.live.harness.wire import PATIENCE

pytestmark = pytest.mark.anyio


@pytest.fixture(
    params=[("asyncio", {"use_uvloop": flag}) for flag in (False, True)], ids=["asyncio", "uvloop"]
)
def anyio_backend(request):
    return request.param


class Site:
    """A server with a /health that can be told to be ill, or to hang."""

    def __init__(self):
        self.status = 200
        self.hangs = False

    async def serve(self, reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        if self.hangs:
            await asyncio.Event().wait()
        writer.write(f"HTTP/1.1 {self.status} X\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()


def service(name: str, port: int, **probe) -> ServiceRoute:
    usual = {"interval": 0.05, "timeout": PATIENCE, "healthy_after": 2, "unhealthy_after": 2}
    target = Target("http", "127.0.0.1", port)
    return ServiceRoute(name=name, targets=(target,), probe=ProbePolicy(**(usual | probe)))


async def becomes(monitor: HealthMonitor, **states: str) -> None:
    """Wait until the report says so."""

    def found() -> dict[str, str]:
        return {part.name: str(part.status) for part in monitor.report().services}

    await eventually(lambda: found() == states, f"{states}")


async def test_services_go_down_and_come_back():
    site, changes = Site(), []
    async with raw_server(site.serve) as port:
        monitor = HealthMonitor(make_probes(NoGuard()), on_change=lambda *change: changes.append(change))
        watch(monitor, [service("shop", port), service("crm", closed_port(), type="tcp")])
        async with monitor:
            await becomes(monitor, shop="healthy", crm="down")
            site.status = 503
            await becomes(monitor, shop="down", crm="down")
            assert monitor.report().status is ServiceStatus.DOWN
            site.status = 204
            await becomes(monitor, shop="healthy", crm="down")
    shop = [healthy for key, _, healthy in changes if key == "shop"]
    assert shop == [True, False, True]


async def test_a_service_that_hangs_is_down_until_it_goes_on():
    site = Site()
    site.hangs = True
    async with raw_server(site.serve) as port:
        monitor = HealthMonitor(make_probes(NoGuard()))
        watch(monitor, [service("shop", port, timeout=0.2)])
        async with monitor:
            await becomes(monitor, shop="down")
            site.hangs = False
            await becomes(monitor, shop="healthy")


async def test_hundreds_of_dead_services_do_not_hold_up_a_live_one():
    site = Site()
    async with raw_server(site.serve) as port:
        dead = [service(f"dead-{n}", closed_port(), type="tcp") for n in range(300)]
        monitor = HealthMonitor(make_probes(NoGuard()))
        async with monitor:
            watch(monitor, [*dead, service("shop", port)])
            states = {f"dead-{n}": "down" for n in range(300)}
            await becomes(monitor, shop="healthy", **states)
