"""What usual changes cost in one: statements, each of which is a way to the database's thread (or server) and back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from brain_gateway.application.commands.api_keys import IssueApiKeyCommand, RevokeApiKeyCommand
from brain_gateway.application.commands.instances import RegisterInstanceCommand, RenewInstanceCommand
from brain_gateway.application.commands.services import (
    DeregisterServiceCommand,
    RegisterServiceCommand,
    UpdateServiceCommand,
)
from brain_gateway.application.commands.targets import WeighTargetCommand
from brain_gateway.application.dto import TargetLease
from brain_gateway.application.outbox_relay import OutboxRelay
from brain_gateway.application.ports.configuration_versions import ChangeKind, ConfigurationChange
from brain_gateway.application.queries.services import GetServiceQuery
from brain_gateway.application.scope import PLATFORM
from brain_gateway.domain.routing.target import Target
from brain_gateway.infrastructure.memory.event_bus import MemoryEventBus
from tests.builders.control import Control
from tests.builders.gateway import TENANT
from tests.builders.registry import NOW, a_service, a_tenant, changed
from tests.builders.statements import statements_of

pytestmark = pytest.mark.anyio
WRITTEN_DOWN = 7
"""The lock, a version, its events, the end of the chain, an entry, the new end, and where versions and events are."""


@pytest.fixture
async def control(store):
    """The use cases over a SQLite file with a tenant, and a service that everybody sees."""
    control = Control(store=store)
    async with store(PLATFORM) as unit:
        await unit.tenants.add(a_tenant(TENANT))
        await unit.services.add(a_service("other"))
        await unit.commit()
    return control


@pytest.fixture
async def service(control):
    """A service of the platform's with targets and routes."""
    wanted = a_service(targets=["http://10.0.0.5:1", "http://10.0.0.6:1"], routes=["/a", "/b"]).service
    return await control.do(RegisterServiceCommand(service=wanted))


async def spent(store, doing):
    """How many statements something takes, without the BEGIN."""
    with statements_of(store) as seen:
        await doing
    return len([one for one in seen if not one.startswith("BEGIN")])


async def test_a_change_of_settings_writes_one_row(store, control, service):
    """Read (two), replaced; targets and routes stay as they are, however many."""
    command = UpdateServiceCommand(service_id=service.id, change=lambda one: replace(one, exposed=False))
    assert await spent(store, control.do(command)) == 3 + WRITTEN_DOWN
    async with store(PLATFORM, read_only=True) as unit:
        found = await unit.services.get(service.id)
    assert not found.service.exposed
    assert (found.service.targets, found.service.routes) == (service.service.targets, service.service.routes)


async def test_a_change_of_a_target_replaces_targets(store, control, service):
    command = WeighTargetCommand(service_id=service.id, origin="http://10.0.0.5:1", weight=7)
    assert await spent(store, control.do(command)) == 5 + WRITTEN_DOWN


async def test_a_change_of_routes_replaces_routes(store, control, service):
    other = replace(service.service, routes=service.service.routes[:1])
    command = UpdateServiceCommand(service_id=service.id, change=lambda _: other)
    assert await spent(store, control.do(command)) == 5 + WRITTEN_DOWN


async def test_what_comes_and_goes(store, control):
    service = a_service("new", routes=["/a"]).service
    await control.do(RegisterServiceCommand(service=a_service("first").service))  # the chain begins
    assert await spent(store, control.do(RegisterServiceCommand(service=service))) == 3 + WRITTEN_DOWN
    async with store(PLATFORM, read_only=True) as unit:
        found = await unit.services.find(None, "new")
    assert await spent(store, control.do(DeregisterServiceCommand(service_id=found.id))) == 3 + WRITTEN_DOWN


async def test_keys(store, control):
    issue = IssueApiKeyCommand(tenant_id=TENANT, user_id="ada")
    await control.do(issue)  # the tenant's chain begins
    assert await spent(store, control.do(issue)) == 2 + WRITTEN_DOWN
    key = await control.do(issue)
    assert (
        await spent(store, control.do(RevokeApiKeyCommand(tenant_id=TENANT, key_id=key.item.id)))
        == 2 + WRITTEN_DOWN
    )


async def test_instances(store, control):
    offered = a_service("leased", targets=["http://10.0.0.7:1"]).service
    known = await control.do(RegisterInstanceCommand(service=offered, ttl=60.0))
    another = replace(offered, targets=(Target.parse("http://10.0.0.8:1"),))
    register = RegisterInstanceCommand(service=another, ttl=60.0)
    assert await spent(store, control.do(register)) == 6 + WRITTEN_DOWN, (
        "and a savepoint: a lease may be taken"
    )
    renew = RenewInstanceCommand(lease_id=known.lease_id, ttl=60.0)
    assert await spent(store, control.do(renew)) == 4, "a heartbeat makes no version"


async def test_reading_a_service(store, control, service):
    assert await spent(store, control.find(GetServiceQuery(name="reports"))) == 2


async def test_following_a_change(store, control, service):
    async def follow():
        async with store(PLATFORM, read_only=True) as unit:
            version, changes = await unit.versions.since(0)
            assert (version, len(changes)) == (1, 1)
            assert len(await unit.services.many([change.id for change in changes])) == 1

    assert await spent(store, follow()) == 3


async def test_sending_events(store, control, service):
    relay = OutboxRelay(store, MemoryEventBus())
    assert await spent(store, relay.run()) == 2
    assert await spent(store, relay.run()) == 1, "nothing is there to send"


async def test_what_was_read_is_compared_with_what_is_there(store, control, service):
    """Somebody saves over a version that it has not read: all of it is written."""
    read_long_ago = changed(service, exposed=False)
    async with store(PLATFORM) as unit:
        assert await spent(store, unit.services.save(read_long_ago, service.version)) == 1 + 1 + 4
        again = changed(read_long_ago, exposed=True)
        assert await spent(store, unit.services.save(again, read_long_ago.version)) == 1 + 4
        await unit.commit()


async def test_a_heartbeat_meanwhile_is_kept(store, control):
    """A change of settings does not put leases back to what they were when it began."""
    leased = a_service("leased", targets=["http://x:1"], leases={"http://x:1": TargetLease("one", NOW)})
    async with store(PLATFORM) as unit:
        await unit.services.add(leased)
        await unit.commit()
    async with store(PLATFORM) as unit:
        read = await unit.services.get(leased.id)
        assert await unit.services.renew("one", NOW + 60.0)
        await unit.services.save(changed(read, exposed=False), read.version)
        await unit.commit()
    async with store(PLATFORM, read_only=True) as unit:
        assert (await unit.services.get(leased.id)).leases["http://x:1"].expires_at == NOW + 60.0


async def test_versions_and_events_are_counted_once_however_many_are_made(store, control):
    change = [ConfigurationChange(ChangeKind.LIMITS)]
    async with store(PLATFORM) as unit:
        assert [await unit.versions.record(change, "ada", NOW) for _ in range(3)] == [1, 2, 3]
        assert await unit.versions.current() == 3
        with statements_of(store) as seen:
            await unit.commit()
        assert seen == ["UPDATE configuration_head SET version=?, last_event=?"]
    async with store(PLATFORM, read_only=True) as unit:
        assert await unit.versions.current() == 3
