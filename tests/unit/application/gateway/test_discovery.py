"""Discovery with a directory that says what a test tells it, and a clock that jumps."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace

import pytest

from brain_gateway.application.gateway.discovery import TargetDiscovery
from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.domain.events import CircuitOpened, TargetHealthChanged, TargetsDiscovered
from brain_gateway.domain.routing.discovery import DiscoveryPolicy, Instance, Lookup
from brain_gateway.domain.routing.service_route import ServiceRoute
from brain_gateway.domain.routing.target import Target
from brain_gateway.domain.routing.target_rule import TargetRule
from tests.builders.watching import watch
from tests.fakes.service_discovery import KnownInstances
from tests.fakes.virtual_time import VirtualTime

pytestmark = pytest.mark.anyio
NAME, TENANT = "crm.test", "0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a"


class World:
    """A discovery among fakes; entropy 1 makes every answer hold exactly its time."""

    def __init__(self, **options):
        self.time = VirtualTime()
        self.directory = KnownInstances(self.time.clock)
        self.changes: list[tuple[str, list[str]]] = []
        self.events: list[object] = []
        self.discovery = TargetDiscovery(
            {"dns": self.directory},
            on_change=self.changed,
            publish=self.events.append,
            clock=self.time.clock,
            unix=self.time.unix,
            entropy=lambda: 1.0,
            pause=self.time.pause,
            **options,
        )

    def changed(self, key: str, targets: tuple[Target, ...]) -> None:
        self.changes.append((key, [target.host for target in targets]))

    def hosts(self, service: ServiceRoute) -> list[str]:
        return [target.host for target in self.discovery.targets_of(service)]


@pytest.fixture
async def world():
    return World()


def service(
    name: str = "crm", looked_up: str = NAME, *, port: int = 80, tenant=None, **lookup
) -> ServiceRoute:
    policy = DiscoveryPolicy(Lookup(looked_up, **lookup), port)
    return ServiceRoute(name=name, tenant_id=tenant, targets=policy.unanswered, discovery=policy)


PLAIN = ServiceRoute(name="plain", targets=(Target.parse("http://own:1"),))


async def test_a_service_has_its_own_targets_until_something_is_found(world):
    crm = service()
    world.directory.set(NAME, "10.0.0.2", "10.0.0.1")
    assert world.hosts(crm) == [NAME]
    async with world.discovery:
        watch(world.discovery, [crm, PLAIN])
        assert world.hosts(crm) == [NAME]
        await world.time.run_for(1)
        assert world.hosts(crm) == ["10.0.0.1", "10.0.0.2"]
    assert world.hosts(PLAIN) == ["own"]
    assert world.changes == [("crm", ["10.0.0.1", "10.0.0.2"])]
    (event,) = world.events
    assert event == TargetsDiscovered(
        occurred_at=event.occurred_at, service="crm", targets=("http://10.0.0.1:80", "http://10.0.0.2:80")
    )


async def test_it_asks_again_when_the_answer_is_over_and_tells_only_of_changes(world):
    world.directory.set(NAME, "10.0.0.1", "10.0.0.2")
    async with world.discovery:
        watch(world.discovery, [service()])
        await world.time.run_for(15)
        world.directory.set(NAME, "10.0.0.2", "10.0.0.1")
        await world.time.run_for(10)
        world.directory.set(NAME, "10.0.0.3")
        await world.time.run_for(10)
    assert world.directory.times(NAME) == [1000, 1010, 1020, 1030]
    assert world.changes == [("crm", ["10.0.0.1", "10.0.0.2"]), ("crm", ["10.0.0.3"])]


OUTER, INNER = ("93.184.216.34", "2606:2800:21f:cb07::1"), ("10.9.8.7", "fd00::7", "127.0.0.1")


def at(*addresses: str) -> list[str]:
    return sorted(Target("http", address, 80).origin for address in addresses)


@pytest.mark.parametrize("outside_only", [True, False])
@pytest.mark.parametrize(
    ("found", "used", "refused"),
    [
        (OUTER, OUTER, False),
        (INNER, (), True),
        ((*INNER, *OUTER), OUTER, True),
        (OUTER[:1], OUTER[:1], False),
    ],
)
async def test_where_a_tenants_name_may_not_lead_is_not_told(found, used, refused, outside_only):
    """A name may mean something else inside (split horizon): that it was refused is shown, and under the name."""
    world = World(permits=TargetRule().permits)
    crm = replace(service(tenant=TENANT), outside_only=outside_only)
    world.directory.set(NAME, *found)
    async with world.discovery:
        watch(world.discovery, [crm])
        await world.time.run_for(1)
        targets = world.discovery.targets_of(crm)
        (status,) = world.discovery.status()
    (event,) = [one for one in world.events if isinstance(one, TargetsDiscovered)]
    if not outside_only:
        assert [target.origin for target in targets] == at(*found)
        return
    stand_in = [f"http://{NAME}:80"] if refused else []
    assert [target.origin for target in targets] == [*at(*used), *stand_in]
    assert [(target.weight, target.guarded) for target in targets if target.refused] == [(0, True)] * refused
    said = repr((targets, status, event, world.changes))
    assert not any(address in said for address in INNER)


async def test_other_weights_are_a_change(world):
    async with world.discovery:
        for weight in (1, 5):
            world.directory.instances[NAME] = (Instance("10.0.0.1", weight=weight),)
            watch(world.discovery, [service()])
            await world.time.run_for(10)
    assert len(world.changes) == 2


@pytest.mark.parametrize(("ttl", "times"), [(0.0, [1000, 1005, 1010]), (3600.0, [1000, 1020])])
async def test_the_time_of_an_answer_is_kept_within_bounds(world, ttl, times):
    world.directory.ttl = ttl
    world.directory.set(NAME, "10.0.0.1")
    async with world.discovery:
        watch(world.discovery, [service(min_interval=5.0, max_interval=20.0)])
        await world.time.run_for(25 if ttl else 12)
    assert world.directory.times(NAME) == times


async def test_services_that_ask_alike_share_one_question(world):
    world.directory.set(NAME, "10.0.0.1")
    crm, shop = service(), service("shop", port=81, tenant=TENANT)
    async with world.discovery:
        watch(world.discovery, [crm, shop])
        await world.time.run_for(1)
    assert len(world.directory.asked) == 1
    assert [key for key, _ in world.changes] == [shop.key, "crm"]
    assert world.discovery.targets_of(shop)[0].port == 81
    assert {event.tenant_id for event in world.events} == {None, TENANT}


async def test_silence_keeps_what_was_found_for_ever_and_is_retried_ever_more_rarely(world):
    world.directory.set(NAME, "10.0.0.1")
    async with world.discovery:
        crm = service()
        watch(world.discovery, [crm])
        await world.time.run_for(1)
        world.directory.silent = True
        await world.time.run_for(100_000)
        assert world.hosts(crm) == ["10.0.0.1"]
        times = world.directory.times(NAME)
        assert [later - one for one, later in itertools.pairwise(times)][:7] == [10, 1, 2, 4, 8, 16, 30]
        world.directory.silent = False
        world.directory.set(NAME, "10.0.0.2")
        await world.time.run_for(30)
        assert world.hosts(crm) == ["10.0.0.2"]


async def test_a_denial_is_believed_after_a_while(world):
    world.directory.set(NAME, "10.0.0.1")
    patient, never = service(), service("never", empty_after=0.0)
    async with world.discovery:
        watch(world.discovery, [patient, never])
        await world.time.run_for(1)
        del world.directory.instances[NAME]
        await world.time.run_for(300)
        assert world.hosts(patient) == ["10.0.0.1"]
        await world.time.run_for(40)
        assert world.hosts(patient) == [NAME]
        assert world.hosts(never) == ["10.0.0.1"]
    assert world.changes[-1] == ("crm", [NAME])


async def test_silence_between_denials_begins_the_wait_anew(world):
    world.directory.set(NAME, "10.0.0.1")
    crm = service()
    async with world.discovery:
        watch(world.discovery, [crm])
        await world.time.run_for(1)
        del world.directory.instances[NAME]
        for silent in (False, True, False):
            world.directory.silent = silent
            await world.time.run_for(200)
            assert world.hosts(crm) == ["10.0.0.1"]


async def test_an_answer_of_nothing_is_believed_at_once(world):
    world.directory.set(NAME, "10.0.0.1")
    crm = service()
    async with world.discovery:
        watch(world.discovery, [crm])
        await world.time.run_for(1)
        world.directory.set(NAME)
        await world.time.run_for(10)
        assert world.hosts(crm) == []
        assert world.discovery.located(crm).targets == ()


async def test_a_directory_that_breaks_is_told_and_does_not_end_the_others(world):
    told = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["message"]))
    async with world.discovery:
        world.directory.broken = ValueError("x")
        watch(world.discovery, [service()])
        await world.time.run_for(1)
        world.directory.broken = None
        world.directory.set(NAME, "10.0.0.1")
        await world.time.run_for(5)
    assert told == ["the dns look-up broke"] * len(told) != []
    assert world.changes == [("crm", ["10.0.0.1"])]


async def test_a_directory_that_tells_by_itself_is_heard_at_once(world):
    world.directory.watching = True
    world.directory.set(NAME, "10.0.0.1")
    async with world.discovery:
        watch(world.discovery, [service()])
        await world.time.run_for(100)
        assert len(world.directory.asked) == 2
        world.directory.set(NAME, "10.0.0.2")
        await world.time.run_for(0.5)
        assert world.changes[-1] == ("crm", ["10.0.0.2"])
        world.discovery.remove("crm")
        await world.time.run_for(1)
    assert len(world.directory.asked) == 2


async def test_another_set_keeps_what_stays_and_forgets_what_goes(world):
    for name in ("a.test", "b.test", "c.test"):
        world.directory.set(name, "10.0.0.1")
    stays, goes, comes = (service(name, f"{name}.test") for name in "abc")
    async with world.discovery:
        watch(world.discovery, [stays, goes])
        await world.time.run_for(1)
        watch(world.discovery, [service("a", "a.test"), comes])
        await world.time.run_for(8)
        assert [len(world.directory.times(f"{name}.test")) for name in "abc"] == [1, 1, 1]
        assert world.hosts(goes) == ["b.test"]
        await world.time.run_for(10)
    assert [len(world.directory.times(f"{name}.test")) for name in "abc"] == [2, 1, 2]


async def test_one_by_one(world):
    world.directory.set(NAME, "10.0.0.1")
    world.directory.set("new.test", "10.0.0.9")
    async with world.discovery:
        world.discovery.add(service())
        world.discovery.add(service("shop"))
        await world.time.run_for(1)
        world.discovery.remove("shop")
        world.discovery.remove("unknown")
        moved = service(looked_up="new.test")
        world.discovery.add(moved)
        await world.time.run_for(1)
        assert world.hosts(moved) == ["10.0.0.9"]
        world.discovery.add(ServiceRoute(name="crm", targets=PLAIN.targets))
        assert world.discovery.status() == ()
        asked = len(world.directory.asked)
        await world.time.run_for(100)
    assert len(world.directory.asked) == asked


async def test_who_asks_while_it_is_no_longer_wanted_tells_nobody(world):
    world.directory.set(NAME, "10.0.0.1")
    world.directory.gate = asyncio.Event()
    async with world.discovery:
        watch(world.discovery, [service()])
        await world.time.run_for(1)
        watch(world.discovery, [])
        world.directory.gate.set()
        await world.time.run_for(1)
    assert world.changes == []


async def test_an_unknown_kind_changes_nothing(world):
    nobody = TargetDiscovery({})
    with pytest.raises(ConfigurationError, match="no discovery of type dns"):
        nobody.add(service())
    assert nobody.status() == ()


def failing(name: str = "crm", tenant_id: str | None = None, *, healthy: bool = False):
    return TargetHealthChanged(
        occurred_at=0.0, tenant_id=tenant_id, service=name, target="http://10.0.0.1:80", healthy=healthy
    )


OPENED = CircuitOpened(occurred_at=0.0, service="crm", target="http://10.0.0.1:80")


@pytest.mark.parametrize("event", [OPENED, failing()], ids=["circuit", "probe"])
async def test_a_target_that_fails_makes_it_ask_at_once_but_not_faster_than_allowed(world, event):
    world.directory.ttl = 30.0
    world.directory.set(NAME, "10.0.0.1")
    async with world.discovery:
        watch(world.discovery, [service(min_interval=2.0)])
        await world.time.run_for(10)
        world.discovery.heed(event)
        await world.time.run_for(1)
        world.discovery.heed(event)
        await world.time.run_for(5)
    assert world.directory.times(NAME) == [1000, 1010, 1012]


async def test_what_concerns_others_or_is_no_failure_is_not_heeded(world):
    world.directory.set(NAME, "10.0.0.1")
    async with world.discovery:
        watch(world.discovery, [service()])
        await world.time.run_for(5)
        for event in (failing(healthy=True), failing("shop"), failing(tenant_id=TENANT)):
            world.discovery.heed(event)
        await world.time.run_for(1)
    assert world.directory.times(NAME) == [1000]


async def test_the_status_is_for_people(world):
    world.directory.set(NAME, "10.0.0.1")
    async with world.discovery:
        watch(world.discovery, [service(), service("gone", "gone.test", tenant=TENANT)])
        await world.time.run_for(4)
        gone, crm = world.discovery.status()
        now = world.time.unix()
    assert (crm.service, crm.tenant_id, crm.targets, crm.error) == ("crm", None, ("http://10.0.0.1:80",), "")
    assert (crm.answered_at, crm.next_at) == (now - 4, now + 6)
    assert (gone.service, gone.tenant_id, gone.targets) == ("gone", TENANT, ("http://gone.test:80",))
    assert (gone.answered_at, gone.error) == (None, "there is no such name")


async def test_a_start_can_wait_for_the_first_answers_and_not_for_ever(world):
    world.directory.set(NAME, "10.0.0.1")
    crm = service()
    async with world.discovery:
        await world.discovery.settled(60.0)
        world.directory.gate = asyncio.Event()
        watch(world.discovery, [crm])
        await world.discovery.settled(0.01)
        assert world.hosts(crm) == [NAME]
        asyncio.get_running_loop().call_later(0.01, world.directory.gate.set)
        world.time._until = 1001.0
        await world.discovery.settled(60.0)
        assert world.hosts(crm) == ["10.0.0.1"]
        assert world.discovery.status()[0].next_at is not None


async def test_leaving_ends_questions_under_way(world):
    before = asyncio.all_tasks()
    world.directory.gate = asyncio.Event()
    async with world.discovery:
        watch(world.discovery, [service()])
        await world.time.run_for(1)
        assert world.discovery.status()[0].next_at is None
    assert asyncio.all_tasks() == before
