"""How a process comes to have a configuration, on good and on bad days."""

from __future__ import annotations

import asyncio

import pytest

from brain_gateway.application.commands.services import UpdateServiceCommand
from brain_gateway.application.configuration import GatewayConfiguration
from brain_gateway.application.configuration_plan import FILE
from brain_gateway.application.scope import PLATFORM
from brain_gateway.application.start import AGAIN, REMIND, DeclaredFile, Starting
from brain_gateway.domain.errors import ConfigurationError, SecretsUnavailable, StoreUnavailable
from tests.builders.gateway import service
from tests.builders.live import Process
from tests.builders.registry import a_service
from tests.fakes.memory_store import MemoryStore

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


def file(*services, fingerprint: str = "one") -> DeclaredFile:
    return DeclaredFile(GatewayConfiguration(services=services), fingerprint)


class PreparedStore(MemoryStore):
    """A store that counts how often it was made ready."""

    def __init__(self) -> None:
        super().__init__()
        self.prepared = 0

    async def prepare(self) -> None:
        if self.away:
            raise StoreUnavailable("it is away")
        self.prepared += 1


class World(Process):
    """`fault`: what the check of the store raises; `missing`: what obtaining raises; `pauses`: seconds that were
    waited for another attempt."""

    def __init__(self, store: PreparedStore | None = None) -> None:
        self.ready = store or PreparedStore()
        super().__init__(self.ready)
        self.fault: Exception | None = None
        self.missing: Exception | None = None
        self.pauses: list[float] = []
        self.mends = lambda: None
        self.starting = Starting(
            self.ready, self.commands, self.live, self._obtain, self._check, self.said.append, self._pause
        )

    async def _obtain(self) -> None:
        if self.missing is not None:
            raise self.missing

    async def _check(self) -> None:
        if self.fault is not None:
            raise self.fault

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        if len(self.pauses) == 3:
            self.mends()
        await asyncio.sleep(0)


async def test_the_file_is_in_force_when_the_start_is_done():
    world = World()
    assert world.starting.waiting == "the configuration is being loaded"
    assert await world.starting.begin(file(service("shop")))
    assert (world.starting.waiting, world.live.loaded, world.ready.prepared) == (None, True, 1)
    assert world.entry("shop") is not None
    assert world.said == []


async def test_an_empty_store_and_an_empty_file_are_a_configuration_too():
    world = World()
    assert await world.starting.begin(file())
    assert world.live.loaded


async def test_the_same_file_is_put_in_force_once():
    """What was changed by hand since is kept, by a start as by a reload; another file is applied."""
    world = World()
    await world.starting.begin(file(service("shop")))
    (item,) = world.ready.state.services.values()
    by_hand = service("shop", prefix="/by-hand")
    await world.do(UpdateServiceCommand(service_id=item.id, change=lambda _: by_hand))
    again = World(world.ready)
    assert await again.starting.begin(file(service("shop")))
    assert again.entry("shop").prefix == b"/by-hand"
    assert await again.starting.put_in_force(file(service("shop"))) is None
    plan = await again.starting.put_in_force(file(service("shop"), service("crm"), fingerprint="two"))
    assert [change.key for change in plan.changes if change.key == "crm"] == ["crm"]
    assert again.entry("crm") is not None


async def test_what_belongs_to_another_file_is_left_to_it():
    world = World()
    async with world.ready(PLATFORM) as unit:
        await unit.services.add(a_service("shop", stored={"owner": "other", "declared": "x"}))
        await unit.commit()
    assert await world.starting.begin(file(service("shop"), service("crm")))
    assert world.entry("shop").targets[0].name == "http://10.0.0.5:8003"
    assert world.entry("crm") is not None
    assert world.said == ["service shop of the file is left to another file, which declares it"]


async def test_several_processes_start_at_once_on_one_empty_store():
    store = PreparedStore()
    worlds = [World(store) for _ in range(4)]
    declared = file(service("shop"), service("crm"))
    assert await asyncio.gather(*(world.starting.begin(declared) for world in worlds)) == [True] * 4
    for world in worlds:
        await world.live.refresh()
        assert world.state() == worlds[0].state()
    assert len(store.state.services) == 2
    async with store(PLATFORM) as unit:
        assert await unit.versions.declared(FILE) == "one"


@pytest.mark.parametrize("outdated", [False, True])
async def test_a_store_that_is_away_is_waited_for(outdated):
    world = World()
    world.ready.away, world.ready.outdated = not outdated, "it lacks the schema" if outdated else None
    declared = file(service("shop"))
    assert not await world.starting.begin(declared)
    said = f"waiting for the database: {'it lacks the schema' if outdated else 'it is away'}"
    assert (world.starting.waiting, world.said) == (said, [said])

    def mend() -> None:
        world.ready.away, world.ready.outdated = False, None

    world.mends = mend
    await world.starting.go_on(declared)
    assert world.starting.waiting is None
    assert world.pauses == [AGAIN] * 3
    assert world.said == [said, "the database is there: configuration loaded"], "it is said once"
    assert world.entry("shop") is not None


async def test_secrets_are_obtained_before_the_store_is_touched():
    """Its password may be one of them."""
    world = World()
    world.missing = SecretsUnavailable("Vault is sealed")
    declared = file(service("shop"))
    assert not await world.starting.begin(declared)
    assert world.starting.waiting == "waiting for the secrets store: Vault is sealed"
    assert world.ready.prepared == 0
    world.mends = lambda: setattr(world, "missing", None)
    await world.starting.go_on(declared)
    assert (world.starting.waiting, world.ready.prepared) == (None, 1)
    assert world.said == [
        "waiting for the secrets store: Vault is sealed",
        "the secrets store is there: configuration loaded",
    ]


async def test_what_whoever_started_the_process_has_said_is_not_said_again():
    world = World()
    world.missing = SecretsUnavailable("Vault is sealed")
    world.starting.lacks_secrets("Vault is sealed")
    assert world.starting.waiting == "waiting for the secrets store: Vault is sealed"
    world.mends = lambda: setattr(world, "missing", None)
    await world.starting.go_on(file())
    assert world.said == ["the secrets store is there: configuration loaded"]


async def test_first_the_secrets_are_away_and_then_the_store():
    world = World()
    world.missing, world.ready.away = SecretsUnavailable(), True
    assert not await world.starting.begin(file())
    world.missing = None
    assert not await world.starting.begin(file())
    world.ready.away = False
    await world.starting.go_on(file())
    assert world.said == [
        "waiting for the secrets store: it does not answer",
        "waiting for the database: it is away",
        "the database is there: configuration loaded",
    ]


async def test_a_long_wait_is_said_again_now_and_then():
    world = World()
    world.ready.away = True
    for _ in range(3 * REMIND):
        assert not await world.starting.begin(file())
    assert world.said == ["waiting for the database: it is away"] * 4


async def test_what_is_wrong_refuses_the_start_and_is_waited_out_later():
    """A role that may do too much, say: whoever starts sees it; who waits already goes on when it is mended."""
    world = World()
    world.fault = ConfigurationError(faults=("DATABASE_URL: one thing", "DATABASE_URL: another"))
    with pytest.raises(ConfigurationError):
        await world.starting.begin(file())

    def mend() -> None:
        world.fault = None

    world.mends = mend
    await world.starting.go_on(file())
    assert world.said[0] == (
        "the configuration cannot be loaded: DATABASE_URL: one thing; DATABASE_URL: another"
    )
    assert world.starting.waiting is None


async def test_a_reload_while_the_store_is_away_is_refused():
    world = World()
    await world.starting.begin(file())
    world.ready.away = True
    with pytest.raises(StoreUnavailable):
        await world.starting.put_in_force(file(service("shop"), fingerprint="two"))
