"""The bus: authorised, one transaction, audited, written to the outbox, told to the data plane."""

from __future__ import annotations

import pytest

from brain_gateway.application.authorization import SYSTEM, Action
from brain_gateway.application.bus import Answer, Once, Query, QueryBus
from brain_gateway.application.commands.services import DeregisterServiceCommand, RegisterServiceCommand
from brain_gateway.application.commands.tenants import RegisterTenantCommand
from brain_gateway.application.queries.services import ListServicesQuery
from brain_gateway.domain.audit import ChainVerifier
from brain_gateway.domain.errors import (
    Conflict,
    InvalidDocument,
    ResourceNotFound,
    RoleRequired,
    StoreUnavailable,
)
from tests.builders.control import Control, actor
from tests.builders.gateway import OTHER_TENANT, TENANT, service

pytestmark = pytest.mark.anyio


@pytest.fixture
def control():
    return Control()


def register(name: str = "shop", tenant_id: str | None = None) -> RegisterServiceCommand:
    return RegisterServiceCommand(tenant_id=tenant_id, service=service(name, tenant_id=tenant_id))


async def test_a_command_leaves_rows_audit_events_and_a_version_together(control):
    item = await control.do(register(tenant_id=TENANT), actor())
    assert control.store.state.services[item.id].version == 1
    assert control.audit(TENANT) == [("a-tenant_admin", "services:write", "service/shop")]
    assert [kind for kind, _ in await control.events()] == ["ServiceRegistered", "TargetAdded"]
    assert (control.store.state.version, control.committed) == (1, [1])
    (entry,) = control.store.state.audit[TENANT]
    assert (entry.request_id, entry.before, entry.after["name"]) == ("r-1", None, "shop")


async def test_what_fails_leaves_nothing(control):
    await control.do(register())
    before = control.store.state
    with pytest.raises(Conflict):
        await control.do(register())
    with pytest.raises(RoleRequired):
        await control.do(register(), actor("manager"))
    with pytest.raises(ResourceNotFound):
        await control.do(register("mine", OTHER_TENANT), actor())
    assert control.store.state == before
    assert control.committed == [1]


async def test_a_store_that_is_away_is_told(control):
    control.store.away = True
    with pytest.raises(StoreUnavailable):
        await control.do(register())
    assert control.committed == []


async def test_a_failing_commit_is_not_told_to_the_data_plane(control, monkeypatch):
    async def commit(unit):
        raise StoreUnavailable

    monkeypatch.setattr("tests.fakes.memory_store.MemoryUnit.commit", commit)
    with pytest.raises(StoreUnavailable):
        await control.do(register())
    assert (control.committed, control.store.state.services) == ([], {})


async def test_versions_count_and_chains_hold(control):
    for name in ("a", "b", "c"):
        item = await control.do(register(name))
    await control.do(DeregisterServiceCommand(service_id=item.id))
    assert control.committed == [1, 2, 3, 4]
    verifier = ChainVerifier()
    assert all(map(verifier.take, control.store.state.audit[None]))


def once(render=lambda item, version: Answer(201, "{}", f"v{version}"), fingerprint="f"):
    return Once("caller", "key", fingerprint, render)


async def test_a_key_gives_the_first_answer_again(control):
    first = await control.commands.execute_once(SYSTEM, register(), once())
    assert (first.again, first.version) == (None, 1)
    again = await control.commands.execute_once(SYSTEM, register(), once())
    assert (again.result, again.again) == (None, Answer(201, "{}", "v1"))
    with pytest.raises(InvalidDocument):
        await control.commands.execute_once(SYSTEM, register(), once(fingerprint="g"))
    assert control.committed == [1]


async def test_who_may_not_gets_no_kept_answer_either(control):
    await control.commands.execute_once(SYSTEM, register(), once())
    with pytest.raises(RoleRequired):
        await control.commands.execute_once(actor("client"), register(), once())


async def test_queries_only_read(control):
    await control.do(register())
    before = control.store.state
    page = await control.find(ListServicesQuery(tenant_id=TENANT), actor("client"))
    assert [item.service.name for item in page.items] == ["shop"]
    assert control.store.state is before
    with pytest.raises(ResourceNotFound):
        await control.find(ListServicesQuery(tenant_id=OTHER_TENANT), actor("client"))


class Remembered(Query[str]):
    action = Action.READ_HEALTH


async def test_some_queries_are_answered_from_memory(control):
    control.store.away = True
    bus = QueryBus(control.store, {}, {Remembered: lambda query, who: who.user_id})
    assert await bus.ask(actor("client"), Remembered(tenant_id=TENANT)) == "a-client"
    with pytest.raises(ResourceNotFound):
        await bus.ask(actor("client"), Remembered(tenant_id=OTHER_TENANT))


async def test_a_tenant_has_a_chain_of_its_own(control):
    await control.do(RegisterTenantCommand(name="Mine", id=TENANT))
    await control.do(register(tenant_id=TENANT), actor())
    assert [action for _, action, _ in control.audit(TENANT)] == ["tenants:write", "services:write"]
    assert control.audit() == []
