"""A process follows the store: piece by piece it comes to what a fresh one would load."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from brain_gateway.application.commands.api_keys import IssueApiKeyCommand, RevokeApiKeyCommand
from brain_gateway.application.commands.limits import RemoveLimitCommand, SetLimitCommand
from brain_gateway.application.commands.services import (
    DeregisterServiceCommand,
    RegisterServiceCommand,
    UpdateServiceCommand,
)
from brain_gateway.application.commands.tenants import (
    DeleteTenantCommand,
    RegisterTenantCommand,
    UpdateTenantCommand,
)
from brain_gateway.application.gateway.live_configuration import MANY_OLD, PAGE, PIECE
from brain_gateway.application.ports.api_key_record import ApiKeyRecord
from brain_gateway.application.ports.configuration_versions import ChangeKind, ConfigurationChange
from brain_gateway.application.scope import PLATFORM
from brain_gateway.domain.errors import (
    Conflict,
    InternalError,
    ResourceNotFound,
    ServiceNotFound,
    StoreUnavailable,
)
from brain_gateway.domain.resilience.rate_limit import RateLimit
from brain_gateway.domain.routing.discovery import DiscoveryPolicy, Lookup
from brain_gateway.domain.routing.policies import ProbePolicy
from brain_gateway.domain.tenancy import ApiKey
from brain_gateway.domain.tenants import TenantStatus
from tests.builders.gateway import OTHER_TENANT, TENANT, service
from tests.builders.live import Process
from tests.builders.registry import a_key, a_service, a_tenant
from tests.fakes.memory_store import MemoryStore

pytestmark = pytest.mark.anyio
OWN = ApiKey.from_entropy(bytes([9] * 32))
OWN_RECORD = ApiKeyRecord(hash=OWN.hash, prefix=OWN.prefix, tenant_id=TENANT, user_id="demo")


@pytest.fixture
def anyio_backend():
    return "asyncio"


async def stored(store: MemoryStore, *items, kind: ChangeKind = ChangeKind.SERVICE) -> None:
    """Services that another process registered, in one version."""
    async with store(PLATFORM) as unit:
        for item in items:
            await unit.services.add(item)
        changes = [ConfigurationChange(kind, item.id, item.service.key) for item in items]
        await unit.versions.record(changes or [ConfigurationChange(kind)], "another", 1.0)
        await unit.commit()


# Changes as others make them; each is a name and two numbers that choose whose and what.

NAMES, OWNERS = ("shop", "crm"), (None, TENANT)
KINDS = (
    "register", "update", "drop", "suspend", "resume", "tenant", "delete", "issue", "revoke", "limit", "no limit",
    "refresh", "everything", "save", "restore",
)  # fmt: skip
STEPS = st.tuples(st.sampled_from(KINDS), st.integers(0, 1), st.integers(0, 1))
BEGUN = [("tenant", 1, 0), ("register", 0, 0), ("register", 1, 0), ("issue", 1, 0), ("limit", 0, 0)]


class Script:
    """Plays steps against a store; what a step cannot do is left out."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.writer = Process(self.store)
        self.reader = Process(self.store, own_keys=(OWN_RECORD,))
        self.before = self.store.state.copy()

    async def play(self, step: str, whose: int, what: int) -> None:
        owner, name = OWNERS[whose], NAMES[what]
        try:
            if step == "refresh":
                await self.reader.live.refresh()
            elif step == "save":
                self.before = self.store.state.copy()
            elif step == "everything":
                await stored(self.store, kind=ChangeKind.EVERYTHING)
            elif (
                step == "restore"
            ):  # the database is put back to what it was, and that is seen before it goes on
                self.store.state = self.before.copy()
                await self.reader.live.refresh()
            else:
                await self._change(step, owner, name, what)
        except (Conflict, ResourceNotFound):
            pass

    async def _change(self, step: str, owner: str | None, name: str, what: int) -> None:
        do, state = self.writer.do, self.store.state
        tenant = owner or TENANT
        item = next((one for one in state.services.values() if one.service.key == key(owner, name)), None)
        if step == "register":
            await do(RegisterServiceCommand(tenant_id=owner, service=service(name, tenant_id=owner)))
        elif step == "update" and item:
            change = service(name, f"http://t{len(state.changes)}:1", tenant_id=owner)
            command = UpdateServiceCommand(tenant_id=owner, service_id=item.id, change=lambda _: change)
            await do(command)
        elif step == "drop" and item:
            await do(DeregisterServiceCommand(tenant_id=owner, service_id=item.id))
        elif step in ("suspend", "resume"):
            status = TenantStatus.SUSPENDED if step == "suspend" else TenantStatus.ACTIVE
            await do(UpdateTenantCommand(id=tenant, status=status))
        elif step == "tenant":
            await do(RegisterTenantCommand(id=tenant, name="X"))
        elif step == "delete":
            await do(DeleteTenantCommand(id=tenant))
        elif step == "issue":
            await do(IssueApiKeyCommand(tenant_id=tenant, user_id="robot"))
        elif step == "revoke" and state.api_keys:
            known = list(state.api_keys.values())[what % len(state.api_keys)]
            await do(RevokeApiKeyCommand(tenant_id=known.tenant_id, key_id=known.id))
        elif step == "limit":
            await do(SetLimitCommand(tenant_id=owner, name="default", limit=RateLimit(what + 1, 60.0)))
        elif step == "no limit":
            await do(RemoveLimitCommand(tenant_id=owner, name="default"))


def key(owner: str | None, name: str) -> str:
    return name if owner is None else f"{owner}/{name}"


@given(st.lists(STEPS, max_size=30))
@example([("drop", 0, 0), ("refresh", 0, 0), ("register", 0, 0), ("drop", 1, 0)])
@example([("revoke", 0, 0), ("suspend", 1, 0), ("everything", 0, 0)])
@example([("save", 0, 0), ("issue", 1, 0), ("register", 0, 1), ("refresh", 0, 0), ("restore", 0, 0)])
@example([("delete", 1, 0), ("refresh", 0, 0), ("everything", 0, 0)])
@example([("no limit", 0, 0), ("update", 1, 0), ("resume", 1, 0)])
def test_piece_by_piece_it_comes_to_what_a_fresh_process_loads(steps):
    """Routing table, keys, rules, what is watched and whose state is kept: as after a full load."""

    async def play() -> None:
        script = Script()
        for step in (*BEGUN, ("refresh", 0, 0), *steps):
            await script.play(*step)
        await script.reader.live.refresh()
        fresh = Process(script.store, own_keys=(OWN_RECORD,))
        await fresh.live.refresh()
        assert script.reader.state() == fresh.state()
        assert script.reader.live.version == fresh.live.version == script.store.state.version

    asyncio.run(play())


async def test_nothing_is_served_before_everything_is_there():
    store = MemoryStore()
    process = Process(store)
    assert (process.live.loaded, process.table.absent) == (False, StoreUnavailable)
    await process.live.refresh()
    assert (process.live.loaded, process.table.absent) == (True, ServiceNotFound)


async def test_large_changes_leave_room_for_requests_and_the_first_load_does_not_serve_parts():
    store, breaths, sizes = MemoryStore(), [], []

    async def pause(seconds: float) -> None:
        breaths.append(seconds)
        sizes.append(len(list(process.table)))
        await asyncio.sleep(0)

    kept: list[int] = []
    process = Process(store, pause=pause, keep=lambda: kept.append(1))
    await stored(store, *[a_service(f"s{number:04}") for number in range(PAGE + 1)])
    await process.live.refresh()
    assert (breaths, len(list(process.table)), len(kept)) == ([], PAGE + 1, 3)
    items = [a_service(f"t{number:04}") for number in range(3 * PIECE)]
    await stored(store, *items)
    await process.live.refresh()
    assert (breaths, len(kept)) == ([0] * 3, 3)
    assert sizes == [PAGE + 1 + PIECE * count for count in (1, 2, 3)]


async def test_one_change_is_one_table_and_takes_one_round():
    store = MemoryStore()
    process = Process(store)
    await process.live.refresh()
    tables = set()

    async def pause(seconds: float) -> None:
        tables.add(process.table)

    process.live._pause = pause
    await stored(store, a_service("shop"), a_service("crm"))
    await process.live.refresh()
    assert tables == {process.table}


async def test_what_was_made_here_is_in_force_when_the_command_returns():
    process = Process()
    await process.live.refresh()
    item = await process.do(RegisterServiceCommand(service=service("shop")))
    assert process.entry("shop").service == item.service


async def test_a_commit_stays_one_when_its_reading_fails():
    store = MemoryStore()
    process = Process(store)
    await process.live.refresh()
    commit = process.commands._committed

    async def away_after(version: int) -> None:
        store.away = True
        await commit(version)

    process.commands._committed = away_after
    assert (await process.do(RegisterServiceCommand(service=service("shop")))).service.name == "shop"
    assert process.entry("shop") is None
    store.away = False
    await followed(process, lambda: process.entry("shop") is not None, 60.0)
    assert process.said == [
        "the database is away: what was loaded last goes on",
        "the configuration is up to date again",
    ]


async def followed(process: Process, until, interval: float = 0.01) -> None:
    """Let it follow until something is true."""
    task = asyncio.create_task(process.live.follow(interval))
    async with asyncio.timeout(5):
        while not until():  # noqa: ASYNC110 - what is waited for is a fake without events
            await asyncio.sleep(0)
    for _ in range(5):
        await asyncio.sleep(0)  # what follows in the same round
    task.cancel()
    await asyncio.wait({task})


async def test_what_is_announced_is_read_at_once():
    store = MemoryStore()
    process = Process(store)
    await process.live.refresh()
    await stored(store, a_service("shop"))
    process.live.announce(0)
    assert not process.live._announced.is_set(), "that is in force"
    process.live.announce(1)
    await followed(process, lambda: process.entry("shop") is not None, interval=60.0)


async def test_what_is_in_force_already_is_not_asked_for_again():
    """The announcement of a change that this process made, and of many that one reading has brought."""
    process = Process()
    await process.live.refresh()
    opened = []
    units = process.live._units

    def counted(scope, *, read_only=False):
        opened.append(scope)
        return units(scope, read_only=read_only)

    process.live._units = counted
    for name in ("shop", "crm"):
        await process.do(RegisterServiceCommand(service=service(name)))
    assert len(opened) == 2
    process.live._newest = 2
    process.live._announced.set()
    await followed(process, lambda: not process.live._announced.is_set(), interval=60.0)
    await asyncio.gather(*(process.live.committed(2) for _ in range(5)))
    assert len(opened) == 2


async def test_behind_many_old_announcements_new_ones_are_looked_for():
    """The events of ten thousand services take seconds to be sent; what is changed meanwhile does not wait for them."""
    store = MemoryStore()
    process = Process(store)
    await process.live.refresh()
    await stored(store, a_service("shop"))
    for _ in range(MANY_OLD - 1):
        process.live.announce(0)
    assert not process.live._announced.is_set()
    process.live.announce(0)
    await followed(process, lambda: process.entry("shop") is not None, interval=60.0)
    process.live.announce(0)
    assert not process.live._announced.is_set(), "it counts anew"


async def test_what_is_not_announced_is_found_all_the_same():
    store = MemoryStore()
    process = Process(store)
    await process.live.refresh()
    await stored(store, a_service("shop"))
    await followed(process, lambda: process.entry("shop") is not None)


async def test_while_the_store_is_away_what_was_loaded_goes_on():
    store, pauses = MemoryStore(), []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            store.away = False
        await asyncio.sleep(0)

    await stored(store, a_service("shop"))
    process = Process(store, pause=pause)
    await process.live.refresh()
    await stored(store, a_service("crm"))
    store.away = True
    with pytest.raises(StoreUnavailable):
        await process.live.refresh()
    assert process.entry("shop") is not None
    process.live.announce(2)
    await followed(process, lambda: process.entry("crm") is not None, interval=60.0)
    assert pauses[:3] == [0.25] * 3
    assert len(process.said) == 2, "it is said once that it is away, and once that it is back"


@pytest.mark.parametrize("broken", [InternalError("the row means nothing"), RuntimeError("a fault of ours")])
async def test_what_breaks_on_a_change_is_said_once_and_the_rest_goes_on(broken):
    store = MemoryStore()
    process = Process(store)
    await process.live.refresh()
    heard: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: heard.append(context["exception"]))
    change, calls = process.plane.change, []

    def breaks(put, dropped=()) -> None:
        calls.append(put)
        if len(calls) < 4:
            raise broken
        change(put, dropped)

    process.plane.change = breaks
    await stored(store, a_service("shop"))
    await followed(process, lambda: process.entry("shop") is not None)
    assert len(process.said) == 2
    assert process.said[0].startswith("a change cannot be put in force: ")
    assert "a fault of ours" not in process.said[0]
    assert set(heard) <= {broken}


async def test_doors_are_closed_even_when_a_service_cannot_be_routed_to():
    store = MemoryStore()
    issued = a_key(TENANT)
    async with store(PLATFORM) as unit:
        await unit.api_keys.add(issued)
        await unit.tenants.add(a_tenant(OTHER_TENANT))
        await unit.commit()
    process = Process(store)
    await process.live.refresh()
    assert process.plane.keys() == {issued.hash}
    del process.monitor._probes["http"]
    strange = a_service("shop", probe=ProbePolicy(type="http"))
    async with store(PLATFORM) as unit:
        await unit.services.add(strange)
        await unit.api_keys.save(replace(issued, revoked_at=1.0, version=2), 1)
        await unit.tenants.save(replace(a_tenant(OTHER_TENANT, status=TenantStatus.SUSPENDED), version=2), 1)
        changes = [
            ConfigurationChange(ChangeKind.SERVICE, strange.id, "shop"),
            ConfigurationChange(ChangeKind.API_KEY, issued.id, issued.hash),
            ConfigurationChange(ChangeKind.TENANT, OTHER_TENANT, OTHER_TENANT),
        ]
        await unit.versions.record(changes, "another", 1.0)
        await unit.commit()
    process.live.announce(1)
    await followed(process, lambda: bool(process.said))
    assert process.plane.keys() == set()
    assert process.plane.rules.refused == {OTHER_TENANT}


def unknown(item):
    """In a form of a version that knows another kind of probe: no row of it reaches this far whole."""
    return replace(item, broken=True, service=service(item.service.name, exposed=False, strict=True))


async def changed(store: MemoryStore, *items) -> None:
    """Services as they are stored from now on."""
    async with store(PLATFORM) as unit:
        for item in items:
            (await unit.services._rows())[item.id] = item
        changes = [ConfigurationChange(ChangeKind.SERVICE, item.id, item.service.key) for item in items]
        await unit.versions.record(changes, "another", 1.0)
        await unit.commit()


def unfit(item):
    """A form of the item that cannot be watched here."""
    return replace(item, service=service(item.service.name, "http://new:1", probe=ProbePolicy(type="tcp")))


@pytest.mark.parametrize("spoilt", [unknown, unfit])
async def test_a_service_that_does_not_fit_stops_no_other_and_goes_on_as_it_was(spoilt):
    store = MemoryStore()
    process = Process(store)
    before, others = a_service("m"), [a_service(f"{letter}{n}") for n in range(PIECE) for letter in "ay"]
    await stored(store, before)
    await process.live.refresh()
    await stored(store, *others)
    await changed(store, spoilt(before))
    for _ in range(2):
        await process.live.refresh()
    assert process.live.version == 3, "it is not read again and again"
    assert all(process.entry(item.service.name) is not None for item in others)
    assert process.entry("m").service == before.service
    assert process.plane.services["m"] == before.service
    assert [said.partition(":")[0] for said in process.said] == [
        "service m cannot be put in force, and it goes on as it was"
    ]
    assert process.live.part() == {"version": 3, "unfit": {"m": process.live.unfit["m"]}}
    assert process.live.remark == "services that are not in force as they are stored: 1; see the log"
    await changed(store, replace(before, service=service("m", "http://other:1")))
    await process.live.refresh()
    assert process.entry("m").targets[0].name == "http://other:1"
    assert process.said[-1] == "service m is in force as it is stored again"
    assert (process.live.part(), process.live.remark) == ({"version": 4}, None)


@pytest.mark.parametrize("spoilt", [unknown, unfit])
async def test_a_service_that_never_fitted_lets_nobody_in(spoilt):
    """Also at the start, among others, and in the place of another one of its name that was good."""
    store = MemoryStore()
    item, good = a_service("m"), a_service("n")
    await stored(store, good, spoilt(item))
    process = Process(store)
    await process.live.refresh()
    assert (process.live.loaded, process.entry("n").service) == (True, good.service)
    assert (process.entry("m").proxied, process.entry("m").targets) == (False, ())
    assert process.said[0].startswith("service m cannot be put in force, and it stays out: ")
    async with store(PLATFORM) as unit:
        await unit.services.remove(good.id, 1)
        await unit.commit()
    await changed(store, spoilt(a_service("n")))
    await process.live.refresh()
    assert (process.entry("n").proxied, set(process.live.unfit)) == (False, {"m", "n"})
    async with store(PLATFORM) as unit:
        for one in await unit.services.all():
            await unit.services.remove(one.id, 1)
        changes = [ConfigurationChange(ChangeKind.SERVICE, item.id, "m")]
        await unit.versions.record(changes, "another", 1.0)
        await unit.commit()
    await process.live.refresh()
    assert (process.entry("m"), set(process.live.unfit)) == (None, {"n"})


async def test_what_is_looked_up_for_a_service_that_does_not_fit_is_what_it_was():
    """Its names are looked up before it turns out that it cannot be watched."""
    store = MemoryStore()
    process = Process(store)
    known, new = (DiscoveryPolicy(Lookup(name), port=80) for name in ("known.example", "new.example"))
    before = a_service("m", discovery=known)
    await stored(store, before)
    await process.live.refresh()
    strange = service("m", discovery=new, probe=ProbePolicy(type="tcp"))
    await changed(store, replace(before, service=strange))
    await process.live.refresh()
    assert [one.lookup.name for one in process.discovery.status()] == ["known.example"]
    await changed(store, replace(a_service("k"), service=service("k", discovery=new, probe=strange.probe)))
    await process.live.refresh()
    assert [one.lookup.name for one in process.discovery.status()] == ["known.example"]


async def test_the_own_keys_of_a_process_outlive_whatever_is_stored():
    store = MemoryStore()
    process = Process(store, own_keys=(OWN_RECORD,))
    async with store(PLATFORM) as unit:
        await unit.api_keys.add(a_key(TENANT, hash=OWN.hash, prefix=OWN.prefix, expires_at=math.inf))
        await unit.commit()
    await process.live.refresh()
    assert process.ring.verify(OWN.reveal().encode(), 0.0).user_id == "demo"
    await stored(store, kind=ChangeKind.EVERYTHING)
    await process.live.refresh()
    assert process.plane.keys() == {OWN.hash}
