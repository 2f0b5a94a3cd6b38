"""PostgreSQL on bad days: away, back, slow, full of others; and the roles that it must not be used with."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from dataclasses import replace

import asyncpg
import pytest

from brain_gateway.application.commands.services import RegisterServiceCommand, UpdateServiceCommand
from brain_gateway.application.scope import PLATFORM, Scope
from brain_gateway.domain.errors import Conflict, InvalidDocument, StoreUnavailable
from brain_gateway.infrastructure.sql.engine import StoreTimes
from brain_gateway.infrastructure.sql.failures import AWAY, BUSY, NO_DATABASE, NO_HOST, REFUSED
from tests.builders.control import Control
from tests.builders.registry import NOW, a_draft, a_service, a_tenant, an_event, new_id
from tests.builders.statements import statements_of
from tests.builders.stores import postgres_store
from tests.live.harness.gateway import eventually
from tests.live.harness.postgres import OWNER

pytestmark = pytest.mark.anyio
HASTY = StoreTimes(connect=0.5, wait=0.3, statement=0.5, idle=30.0)
WAITS_BRIEFLY = StoreTimes(connect=30.0, wait=0.3, statement=30.0, idle=90.0)


@pytest.fixture(scope="module")
def server(postgres):
    """The server; every test leaves it running."""
    return postgres.server


@pytest.fixture
def name(postgres):
    """A database of the test's own."""
    return postgres.database()


@pytest.fixture
async def store(server, name):
    """A store in it."""
    async with postgres_store(server.url(name)) as found:
        yield found


async def added(store, *items):
    async with store(PLATFORM) as unit:
        await unit.services.write_many(items, [], [])
        await unit.commit()


async def names(store):
    async with store(PLATFORM, read_only=True) as unit:
        return [item.service.name for item in await unit.services.all()]


async def test_away_at_the_start_and_there_later(server, store):
    server.stop()
    assert await store.ready() == AWAY
    with pytest.raises(StoreUnavailable, match=AWAY):
        await added(store, a_service())
    with pytest.raises(StoreUnavailable, match=AWAY):
        await names(store)
    server.start()
    assert await store.ready() is None
    await added(store, a_service())
    assert await names(store) == ["reports"]


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_away_later_and_back_by_itself(server, store, end):
    await added(store, a_service("before"))
    await asyncio.gather(*(names(store) for _ in range(5)))  # a pool of connections that are about to die
    getattr(server, end)()
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            await names(store)
        with pytest.raises(StoreUnavailable):
            await added(store, a_service())
    server.start()
    assert await asyncio.gather(*(names(store) for _ in range(5))) == [["before"]] * 5
    await added(store, a_service("after"))
    assert await names(store) == ["after", "before"]


@pytest.mark.parametrize("end", ["stop", "kill", "terminate"])
async def test_connections_that_died_in_the_pool_are_replaced_unnoticed(server, name, store, end):
    await added(store, a_service("before"))
    await asyncio.gather(*(names(store) for _ in range(5)))
    if end == "terminate":
        server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    else:
        getattr(server, end)()
        server.start()
    await added(store, a_service("after"))
    assert await asyncio.gather(*(names(store) for _ in range(5))) == [["after", "before"]] * 5


async def test_a_statement_that_would_be_the_first_is_no_longer_than_it_says(server, name):
    """A connection that stands still is given up once, not once for each that is in the pool."""
    async with postgres_store(server.url(name), times=HASTY) as store:
        await asyncio.gather(*(names(store) for _ in range(5)))
        server.pause()
        try:
            with statements_of(store) as seen, pytest.raises(StoreUnavailable):
                await names(store)
        finally:
            server.resume()
        assert len(seen) == 1


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_gone_in_the_middle_of_a_change(server, store, end):
    async with store(PLATFORM) as unit:
        await unit.services.add(a_service("half"))
        await unit.audit.append([a_draft()])
        getattr(server, end)()
        with pytest.raises(StoreUnavailable):
            await unit.commit()
    server.start()
    assert await names(store) == []
    async with store(PLATFORM) as unit:
        assert await unit.audit.head(None) == (0, "0" * 64)
    await added(store, a_service("whole"))


async def test_what_was_committed_outlives_a_crash(server, store):
    await added(store, *(a_service(f"s-{number}") for number in range(50)))
    server.kill()
    server.start()
    assert len(await names(store)) == 50


async def test_it_stands_still_and_goes_on(server, name, store):
    await added(store, a_service("before"))
    async with postgres_store(server.url(name), times=HASTY) as hasty:

        async def knows() -> bool:
            with contextlib.suppress(StoreUnavailable):
                return "before" in await names(hasty)
            return False

        await eventually(knows, "it has a connection")
        server.pause()
        try:
            for _ in range(2):
                with pytest.raises(StoreUnavailable):
                    await names(hasty)
                with pytest.raises(StoreUnavailable):
                    await added(hasty, a_service())
            assert await hasty.ready() is not None
        finally:
            server.resume()
        await eventually(knows, "it goes on")
        assert await hasty.ready() is None


async def test_a_statement_that_takes_too_long_is_given_up(server, name):
    brief = StoreTimes(connect=30.0, wait=0.3, statement=0.5, idle=90.0)
    async with postgres_store(server.url(name), times=brief) as store, locked(server, name, "services"):
        with pytest.raises(StoreUnavailable, match=r"busy|took too long"):
            await names(store)


@asynccontextmanager
async def locked(server, name, table):
    """Somebody holds a table."""
    connection = await asyncpg.connect(server.url(name, "postgres"))
    try:
        async with connection.transaction():
            await connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            yield
    finally:
        await connection.close()


async def test_another_process_that_writes_is_waited_for_and_not_for_ever(server, name, store):
    async with postgres_store(server.url(name), times=WAITS_BRIEFLY) as other:
        async with store(PLATFORM) as unit:
            await unit.services.add(a_service())
            with pytest.raises(StoreUnavailable, match=BUSY):
                await added(other, a_service())
            assert await names(other) == []
            await unit.commit()
        with pytest.raises(Conflict):
            await added(other, a_service())


async def test_heartbeats_do_not_wait_for_who_writes(server, name, store):
    async with postgres_store(server.url(name), times=WAITS_BRIEFLY) as other, store(PLATFORM) as unit:
        await unit.services.add(a_service())
        async with other(PLATFORM) as beat:
            assert not await beat.services.renew("lease", NOW)
            assert await beat.idempotency.forget(NOW) == 0
            await beat.commit()


async def test_a_process_that_hangs_in_a_change_is_thrown_out(server, name, store):
    brief = StoreTimes(connect=30.0, wait=30.0, statement=30.0, idle=0.2)
    async with postgres_store(server.url(name), times=brief) as hanging, hanging(PLATFORM) as unit:
        await unit.services.add(a_service("hanging"))
        await added(store, a_service("next"))  # waits until the other's time is over
        with pytest.raises(StoreUnavailable):
            await unit.commit()
    assert await names(store) == ["next"]


async def test_a_pool_that_is_used_up_is_waited_for_and_not_for_ever(server, name):
    async with postgres_store(server.url(name), pool_size=1, times=WAITS_BRIEFLY) as store:
        async with store(PLATFORM, read_only=True) as unit:
            await unit.services.all()
            with pytest.raises(StoreUnavailable, match=BUSY):
                await names(store)
        assert await names(store) == []


async def test_callers_who_leave_use_no_connections_up(server, name):
    async with postgres_store(server.url(name), pool_size=2) as store:

        async def write(number):
            async with store(PLATFORM) as unit:
                await unit.services.write_many([a_service(f"s-{number}-{at}") for at in range(100)], [], [])
                await unit.commit()

        for number in range(12):
            task = asyncio.create_task(write(number))
            await asyncio.sleep(0.004 * number)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert len(await names(store)) % 100 == 0
        await added(store, a_service("last"))


async def test_processes_at_once_agree(server, name):
    """Three processes' stores: nobody is refused, versions and events are in order, the chain is unbroken."""
    tenant = new_id()

    async def work(store, number):
        async with store(Scope(tenant)) as unit:
            await unit.services.add(a_service(f"s-{number}", tenant))
            version = await unit.versions.record([], "ada", NOW)
            await asyncio.sleep(0.001 * (number % 4))
            await unit.outbox.add([an_event(tenant)], version)
            await unit.audit.append([a_draft(tenant)])
            await unit.commit()

    async with (
        postgres_store(server.url(name)) as a,
        postgres_store(server.url(name)) as b,
        postgres_store(server.url(name)) as c,
    ):
        await asyncio.gather(*(work((a, b, c)[number % 3], number) for number in range(30)))
        async with a(PLATFORM) as unit:
            events = await unit.outbox.after(0, 99)
            assert [(event.id, event.version) for event in events] == [(at, at) for at in range(1, 31)]
            assert (await unit.audit.head(tenant))[0] == 30


async def test_a_change_takes_few_round_trips(store):
    """As many as on SQLite, and one that says in whose name."""
    control = Control(store=store)
    wanted = a_service(targets=["http://10.0.0.5:1", "http://10.0.0.6:1"], routes=["/a", "/b"]).service
    service = await control.do(RegisterServiceCommand(service=wanted))
    hide = UpdateServiceCommand(service_id=service.id, change=lambda one: replace(one, exposed=False))
    with statements_of(store) as seen:
        await control.do(hide)
    assert len(seen) == 1 + 3 + 7, seen


async def test_of_two_processes_that_register_one_name_one_wins(server, name):
    async def register(store, number):
        async with store(PLATFORM) as unit:
            await unit.services.add(a_service(f"s-{number % 5}"))
            await unit.commit()

    async with postgres_store(server.url(name)) as a, postgres_store(server.url(name)) as b:
        outcomes = await asyncio.gather(
            *(register((a, b)[number % 2], number) for number in range(20)), return_exceptions=True
        )
    assert outcomes.count(None) == 5
    assert {type(one) for one in outcomes if one} == {Conflict}


async def test_the_relay_is_one_over_all_processes(server, name, store):
    async with postgres_store(server.url(name)) as other:
        async with store(PLATFORM) as unit:
            await unit.outbox.add([an_event()], 0)
            await unit.commit()
        async with store(PLATFORM) as first, other(PLATFORM) as second:
            assert len(await first.outbox.take(9)) == 1
            assert await second.outbox.take(9) is None
        async with other(PLATFORM) as second:
            assert len(await second.outbox.take(9)) == 1


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
async def test_text_that_cannot_be_stored(store, text):
    async with store(PLATFORM) as unit:
        with pytest.raises(InvalidDocument):
            await unit.audit.append([a_draft(actor=text)])
    async with store(PLATFORM) as unit:
        await unit.audit.append([a_draft()])


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("nobody:hunter2@127.0.0.1:{port}/{name}", REFUSED),
        ("gateway_app@127.0.0.1:{port}/nothing", NO_DATABASE),
    ],
)
async def test_an_address_that_leads_nowhere(server, name, url, fault):
    async with postgres_store("postgresql://" + url.format(port=server.port, name=name)) as store:
        assert await store.ready() == fault
        with pytest.raises(StoreUnavailable):
            await names(store)


async def test_a_host_that_does_not_exist():
    async with postgres_store("postgresql://u@nowhere.invalid/d") as store:
        assert await store.ready() == NO_HOST


async def test_a_database_without_the_schema(server):
    async with postgres_store(server.url(server.database())) as store:
        assert "run `brain-gateway db upgrade`" in await store.ready()
        await store.prepare()
        assert "run `brain-gateway db upgrade`" in await store.ready()
        with pytest.raises(StoreUnavailable, match="db upgrade"):
            await names(store)


async def test_roles_that_pass_the_policies_by(server, name, store):
    assert await store.role_faults() == ()
    async with postgres_store(server.url(name, "postgres")) as superuser:
        assert "it is a superuser" in await superuser.role_faults()
    async with postgres_store(server.url(name, OWNER)) as owner:
        assert await owner.role_faults() == ("it owns the tables, or is a member of the role that does",)
    server.execute(f"CREATE ROLE passes LOGIN BYPASSRLS; CREATE ROLE belongs LOGIN IN ROLE {OWNER}")
    for role in ("passes", "belongs"):
        async with postgres_store(server.url(name, role)) as found:
            assert len(await found.role_faults()) == 1


async def test_the_owner_itself_is_held_to_the_policies(server, name):
    """One role for everything: the tables' own policies still hold, as long as nobody switches them off."""
    mine, theirs = a_tenant(), a_tenant()
    async with postgres_store(server.url(name, OWNER)) as store:
        async with store(PLATFORM) as unit:
            await unit.tenants.write_many([mine, theirs], [])
            await unit.commit()
        connection = await asyncpg.connect(server.url(name, OWNER))
        async with connection.transaction():
            await connection.execute("SELECT set_config('app.current_tenant_id', $1, true)", mine.id)
            assert [row[0] for row in await connection.fetch("SELECT tenant_id FROM tenants")] == [mine.id]
        await connection.close()
