"""The monitor with scripted probes and a clock that jumps."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from brain_gateway.application.gateway import health_monitor
from brain_gateway.application.gateway.health_monitor import HealthMonitor
from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.domain.events import ServiceHealthChanged, TargetHealthChanged
from brain_gateway.domain.routing.service_route import ProbePolicy, ServiceKind, ServiceRoute, ServiceStatus
from brain_gateway.domain.routing.target import Target
from tests.builders.watching import watch
from tests.fakes.scripted_probe import ScriptedProbe
from tests.fakes.virtual_time import VirtualTime

pytestmark = pytest.mark.anyio
A, B, C = "http://a:1", "http://b:1", "http://c:1"
TENANT = "0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a"
OTHER_TENANT = "9f6b1a34-6f0e-4c2b-8a44-2f0d5be41c10"
POLICY = ProbePolicy(interval=30.0, timeout=2.0, healthy_after=2, unhealthy_after=3)


@pytest.fixture
def anyio_backend():
    return "asyncio"


class World:
    """A monitor among fakes; entropy 0.5 makes every interval exactly the policy's."""

    def __init__(self, entropy=lambda: 0.5, **options):
        self.time = VirtualTime()
        self.probe = ScriptedProbe(self.time.clock)
        self.changes: list[tuple[str, str, bool]] = []
        self.events: list[object] = []
        self.monitor = HealthMonitor(
            {"http": self.probe, "none": self.probe},
            on_change=lambda *change: self.changes.append(change),
            publish=self.events.append,
            clock=self.time.clock,
            unix=self.time.unix,
            entropy=entropy,
            pause=self.time.pause,
            **options,
        )


@pytest.fixture
async def world():
    return World()


def service(name: str = "shop", *origins: str, **changes) -> ServiceRoute:
    targets = tuple(map(Target.parse, origins or (A,)))
    return ServiceRoute(name=name, targets=targets, **({"probe": POLICY} | changes))


async def test_every_target_is_checked_at_once_and_then_every_interval(world):
    hidden = service("hidden", C, exposed=False, kind=ServiceKind.INTERNAL)
    async with world.monitor:
        watch(world.monitor, [service("shop", A, B), hidden])
        await world.time.run_for(95)
    for origin in (A, B, C):
        assert world.probe.times(origin) == [1000, 1030, 1060, 1090]


async def test_a_tenant_sees_its_own_and_what_it_can_call(world):
    own = service("own", C, tenant_id=TENANT, exposed=False)
    offered, hidden = service("shop", A), service("vault", B, exposed=False)
    world.probe.down.add(B)
    async with world.monitor:
        watch(world.monitor, [offered, hidden, own, service("inner", B, kind=ServiceKind.INTERNAL)])
        await world.time.run_for(1)
    for tenant_id, names, status in (
        (TENANT, ["own", "shop"], "healthy"),
        (OTHER_TENANT, ["shop"], "healthy"),
        (None, ["shop", "vault"], "degraded"),
    ):
        report = world.monitor.report(tenant_id)
        assert ([one.name for one in report.services], report.status) == (names, status)


async def test_entering_does_not_wait_for_the_first_round(world):
    world.probe.gate = asyncio.Event()
    watch(world.monitor, [service()])
    async with world.monitor:
        assert world.monitor.healthy("shop", A) is None
        assert world.monitor.report().services[0].status is ServiceStatus.UNKNOWN


async def test_intervals_are_jittered():
    drawn = itertools.cycle((0.0, 0.999))
    world = World(lambda: next(drawn))
    async with world.monitor:
        watch(world.monitor, [service()])
        await world.time.run_for(70)
    first, second, third = world.probe.times(A)
    assert (second - first, third - second) == (pytest.approx(24.0), pytest.approx(36.0, abs=0.1))


async def test_the_first_result_decides_and_then_thresholds_both_ways(world):
    async with world.monitor:
        watch(world.monitor, [service()])
        await world.time.run_for(1)
        assert world.monitor.healthy("shop", A) is True
        world.probe.down.add(A)
        for expected in (True, True, False):
            await world.time.run_for(30)
            assert world.monitor.healthy("shop", A) is expected
        world.probe.down.clear()
        for expected in (False, True):
            await world.time.run_for(30)
            assert world.monitor.healthy("shop", A) is expected
    assert world.changes == [("shop", A, True), ("shop", A, False), ("shop", A, True)]


async def test_changes_are_published_as_events(world):
    async with world.monitor:
        watch(world.monitor, [service("shop", A, B)])
        await world.time.run_for(1)
        world.probe.down.add(B)
        await world.time.run_for(90)
    told = [(event.target, event.healthy) for event in world.events if isinstance(event, TargetHealthChanged)]
    assert sorted(told) == [(A, True), (B, False), (B, True)]
    states = [(event.old, event.new) for event in world.events if isinstance(event, ServiceHealthChanged)]
    assert states[-1] == (ServiceStatus.HEALTHY, ServiceStatus.DEGRADED)
    assert states[0][0] is ServiceStatus.UNKNOWN


async def test_another_table_keeps_what_stays_and_checks_what_is_new(world):
    async with world.monitor:
        world.probe.down.add(A)
        watch(world.monitor, [service("shop", A, B), service("crm", C)])
        await world.time.run_for(10)
        watch(world.monitor, [service("shop", A, C, roles=frozenset({"manager"}))])
        await world.time.run_for(1)
        assert world.monitor.healthy("shop", A) is False
        assert world.monitor.healthy("shop", C) is True
        assert world.monitor.healthy("shop", B) is None
        assert world.monitor.healthy("crm", C) is None
        await world.time.run_for(60)
    assert world.probe.times(A) == [1000, 1030, 1060]
    assert world.probe.times(B) == [1000]
    assert world.probe.times(C) == [1000, 1010, 1040, 1070]


async def test_the_aggregate_that_takes_over_gets_the_status_and_no_event(world):
    async with world.monitor:
        watch(world.monitor, [service()])
        await world.time.run_for(1)
        world.events.clear()
        world.changes.clear()
        successor = service()
        watch(world.monitor, [successor])
        await world.time.run_for(1)
        assert successor.status is ServiceStatus.HEALTHY
        assert world.monitor.healthy("shop", A) is True
    assert (world.events, world.changes) == ([], [])


async def test_a_changed_policy_is_asked_by_at_once_and_the_health_stays(world):
    async with world.monitor:
        world.probe.down.add(A)
        watch(world.monitor, [service()])
        await world.time.run_for(10)
        world.probe.down.clear()
        watch(world.monitor, [service(probe=ProbePolicy(interval=5.0, healthy_after=3))])
        await world.time.run_for(1)
        assert world.monitor.healthy("shop", A) is False
        await world.time.run_for(11)
        assert world.monitor.healthy("shop", A) is True
    assert world.probe.times(A) == [1000, 1010, 1015, 1020]


async def test_a_policy_changed_while_a_check_is_under_way_is_asked_by_next(world):
    world.probe.gate = asyncio.Event()
    world.probe.afterwards = lambda: world.probe.down.add(A)
    async with world.monitor:
        watch(world.monitor, [service()])
        await world.time.run_for(1)
        watch(world.monitor, [service(probe=ProbePolicy(interval=7.0))])
        world.probe.gate.set()
        await world.time.run_for(1)
        assert len(world.probe.times(A)) == 2
    assert world.changes == [("shop", A, False)]


async def test_a_dropped_target_is_forgotten_even_while_it_is_checked(world):
    world.probe.gate = asyncio.Event()
    async with world.monitor:
        watch(world.monitor, [service("shop", A), service("crm", B)])
        await world.time.run_for(1)
        watch(world.monitor, [service("crm", B)])
        world.probe.gate.set()
        await world.time.run_for(100)
    assert world.probe.times(A) == [1000]
    assert [change[0] for change in world.changes] == ["crm"]


async def test_checks_under_way_are_bounded():
    world = World(concurrency=5)
    world.probe.gate = asyncio.Event()
    async with world.monitor:
        watch(world.monitor, [service(f"s{n}", f"http://h{n}:1") for n in range(50)])
        await world.time.run_for(1)
        assert world.probe.under_way == 5
        world.probe.gate.set()
        await world.time.run_for(1)
        assert len(world.probe.asked) == 50
    assert world.probe.most_under_way == 5


async def test_one_scheduler_serves_ten_thousand_targets(world):
    services = [service(f"s{n}", f"http://h{n}:1") for n in range(10_000)]
    async with world.monitor:
        watch(world.monitor, services)
        await world.time.run_for(1)
        assert len(asyncio.all_tasks()) < 10
        assert len(world.probe.asked) == 10_000
        assert world.monitor.report().status is ServiceStatus.HEALTHY
    assert world.probe.most_under_way <= 64


async def test_leaving_cancels_what_is_under_way(world):
    world.probe.gate = asyncio.Event()
    async with world.monitor:
        watch(world.monitor, [service("shop", A, B)])
        await world.time.run_for(1)
        assert world.probe.under_way == 2
    assert world.probe.under_way == 0


async def test_a_probe_that_breaks_is_a_failed_check_and_the_others_go_on(world):
    reported: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    world.probe.broken = ValueError("http://a:1 said something odd")
    async with world.monitor:
        watch(world.monitor, [service()])
        await world.time.run_for(31)
        assert world.monitor.healthy("shop", A) is False
        assert "odd" not in world.monitor.report().services[0].targets[0].detail
    assert [context["exception"] for context in reported] == [world.probe.broken] * 2


async def test_a_probe_that_does_not_end_is_given_up(world, monkeypatch):
    monkeypatch.setattr(health_monitor, "GRACE", 0.0)
    world.probe.gate = asyncio.Event()
    async with world.monitor:
        watch(world.monitor, [service(probe=ProbePolicy(timeout=0.001))])
        for _ in range(30_000):
            if world.monitor.healthy("shop", A) is not None:
                break
            await asyncio.sleep(0.001)
        assert world.monitor.healthy("shop", A) is False


async def test_a_type_without_a_probe_is_refused_and_nothing_changes(world):
    watch(world.monitor, [service("shop")])
    with pytest.raises(ConfigurationError, match=r"service temporal.*grpc"):
        world.monitor.add(service("temporal", B, probe=ProbePolicy(type="grpc")))
    assert [part.name for part in world.monitor.report().services] == ["shop"]


# -- what traffic shows -------------------------------------------------------------------------------------


def fail(world: World, origin: str, times: int = 3, key: str = "shop") -> None:
    for _ in range(times):
        world.monitor.note(key, origin, False)


async def test_failed_requests_in_a_row_take_a_target_out_and_checks_bring_it_back(world):
    async with world.monitor:
        watch(world.monitor, [service("shop", A, B)])
        await world.time.run_for(10)
        fail(world, A)
        assert world.monitor.healthy("shop", A) is False
        await world.time.run_for(1)
        assert world.changes[-1] == ("shop", A, False)
        assert world.probe.times(A) == [1000, 1010]
        assert world.monitor.healthy("shop", A) is False
        await world.time.run_for(30)
        assert world.monitor.healthy("shop", A) is True


async def test_a_success_in_between_starts_the_row_anew(world):
    async with world.monitor:
        watch(world.monitor, [service("shop", A, B)])
        await world.time.run_for(1)
        for _ in range(20):
            fail(world, A, 2)
            world.monitor.note("shop", A, True)
        assert world.monitor.healthy("shop", A) is True


async def test_traffic_never_takes_the_last_target_but_has_it_checked(world):
    async with world.monitor:
        watch(world.monitor, [service("shop", A, B)])
        await world.time.run_for(10)
        fail(world, A)
        fail(world, B, 30)
        assert world.monitor.healthy("shop", B) is True
        await world.time.run_for(1)
        assert world.probe.times(B) == [1000, 1010]


async def test_a_drained_target_spares_nobody(world):
    drained = ServiceRoute(name="shop", targets=(Target.parse(A), Target.parse(B, weight=0)), probe=POLICY)
    async with world.monitor:
        watch(world.monitor, [drained])
        await world.time.run_for(1)
        fail(world, A, 30)
        assert world.monitor.healthy("shop", A) is True
        world.probe.down.add(B)
        await world.time.run_for(100)
        assert world.monitor.healthy("shop", B) is False
        assert drained.status is ServiceStatus.HEALTHY


async def test_a_flood_of_failures_is_not_a_flood_of_checks(world):
    async with world.monitor:
        watch(world.monitor, [service("shop", A)])
        for _ in range(50):
            fail(world, A, 30)
            await world.time.run_for(0.1)
    assert len(world.probe.times(A)) <= 6


async def test_failures_do_not_put_off_a_check_that_is_due_sooner(world):
    async with world.monitor:
        watch(world.monitor, [service("shop", A, probe=ProbePolicy(interval=0.5))])
        for _ in range(40):
            fail(world, A, 30)
            await world.time.run_for(0.1)
    assert len(world.probe.times(A)) >= 8


async def test_notes_of_what_is_not_watched_are_ignored(world):
    world.monitor.note("nobody", A, False)
    watch(world.monitor, [service()])
    world.monitor.note("shop", B, False)


async def test_without_a_probe_traffic_alone_tells(world):
    quiet = service("shop", A, B, probe=ProbePolicy(type="none", interval=30.0))
    async with world.monitor:
        watch(world.monitor, [quiet])
        await world.time.run_for(100)
        assert world.probe.asked == []
        assert world.monitor.healthy("shop", A) is None
        fail(world, A)
        assert world.monitor.healthy("shop", A) is False
        await world.time.run_for(61)
        assert world.monitor.healthy("shop", A) is True
        await world.time.run_for(300)
        assert len(world.probe.asked) == 2


# -- the report ---------------------------------------------------------------------------------------------


async def test_the_report(world):
    shop = service("shop", A, B)
    crm = service("crm", C)
    own = service("shop", "http://own:1", tenant_id=TENANT)
    redis = service("redis", "http://r:1", kind=ServiceKind.INTERNAL)
    world.probe.down |= {B, "http://own:1"}
    async with world.monitor:
        watch(world.monitor, [shop, crm, own, redis])
        await world.time.run_for(5)
        asked = len(world.probe.asked)
        report = world.monitor.report()
        theirs = world.monitor.report(TENANT)
        assert len(world.probe.asked) == asked
    assert [(part.name, part.status) for part in report.services] == [
        ("crm", "healthy"),
        ("shop", "degraded"),
    ]
    assert report.status is ServiceStatus.DEGRADED
    assert report.timestamp == "2027-01-15T08:16:45.000Z"
    part = report.services[1]
    assert (part.key, part.response_time_ms, part.since) == ("shop", 12.5, "2027-01-15T08:16:40.000Z")
    known = [
        (target.target, target.healthy, target.response_time_ms, target.detail) for target in part.targets
    ]
    assert known == [(A, True, 12.5, "status 200"), (B, False, None, "connection refused")]
    assert [(part.tenant_id, part.status) for part in theirs.services] == [
        (None, "healthy"),
        (TENANT, "down"),
    ]
    assert world.monitor.report("another-tenant") == report


async def test_since_moves_only_with_the_status(world):
    async with world.monitor:
        watch(world.monitor, [service()])
        await world.time.run_for(20)
        world.probe.down.add(A)
        await world.time.run_for(100)
        watch(world.monitor, [service()])
        assert world.monitor.report().services[0].since == "2027-01-15T08:18:10.000Z"


async def test_a_report_serves_again_for_a_second_unless_a_health_changed(world):
    async with world.monitor:
        watch(world.monitor, [service("shop", A, B)])
        await world.time.run_for(1)
        first = world.monitor.report()
        await world.time.run_for(0.5)
        assert world.monitor.report() is first
        fail(world, A)
        assert world.monitor.report().status is ServiceStatus.DEGRADED
        await world.time.run_for(2)
        assert world.monitor.report() is not first


async def test_a_report_shows_new_checks_and_new_services(world):
    async with world.monitor:
        watch(world.monitor, [service()])
        await world.time.run_for(1)
        first = world.monitor.report().services[0].targets[0].checked_at
        await world.time.run_for(30)
        assert world.monitor.report().services[0].targets[0].checked_at != first
        watch(world.monitor, [service(), service("crm", B)])
        assert [part.name for part in world.monitor.report().services] == ["crm", "shop"]


async def test_a_target_that_is_not_back_yet_has_no_say_in_the_response_time(world):
    async with world.monitor:
        world.probe.down.add(A)
        watch(world.monitor, [service()])
        await world.time.run_for(1)
        world.probe.down.clear()
        await world.time.run_for(30)
        part = world.monitor.report().services[0]
    assert (part.status, part.response_time_ms, part.targets[0].response_time_ms) == ("down", None, 12.5)


async def test_services_come_and_go_one_by_one(world):
    """Who stays keeps its health and its schedule; who is new is checked at once."""
    async with world.monitor:
        watch(world.monitor, [service("shop", A)])
        await world.time.run_for(10)
        world.monitor.add(service("crm", B))
        await world.time.run_for(10)
        assert (world.probe.times(A), world.probe.times(B)) == ([1000], [1010])
        world.monitor.add(service("crm", B, C))
        await world.time.run_for(1)
        assert (world.probe.times(B), world.probe.times(C)) == ([1010], [1020])
        assert {one.name for one in world.monitor.report().services} == {"shop", "crm"}
        world.monitor.remove("crm")
        world.monitor.remove("crm")
        await world.time.run_for(60)
        assert (len(world.probe.times(A)), world.probe.times(B)) == (3, [1010])
        assert {one.name for one in world.monitor.report().services} == {"shop"}
        assert world.monitor.healthy("crm", B) is None


async def test_one_that_cannot_be_probed_is_not_taken(world):
    watch(world.monitor, [service("shop", A)])
    with pytest.raises(ConfigurationError, match="grpc"):
        world.monitor.add(service("shop", B, probe=ProbePolicy(type="grpc")))
    assert world.monitor.healthy("shop", A) is None
    assert ("shop", A) in world.monitor._targets
    assert ("shop", B) not in world.monitor._targets


async def test_a_tenant_whose_targets_do_not_answer_holds_up_nobody_else():
    world = World(concurrency=8)
    world.probe.gate = asyncio.Event()
    slow = [f"http://slow{number}:1" for number in range(50)]
    async with world.monitor:
        world.monitor.add(service("slow", *slow, tenant_id=TENANT))
        await world.time.run_for(0.5)
        assert sum(len(world.probe.times(origin)) for origin in slow) == 1, "an eighth of the checks"
        world.monitor.add(service("shop", A, B))
        world.monitor.add(service("own", C, tenant_id="7f9f43c1-6a4e-4b0e-9f57-0d1f0e6a2b11"))
        await world.time.run_for(1.5)
        assert all(len(world.probe.times(origin)) == 1 for origin in (A, B, C))
        world.probe.gate.set()
        await world.time.run_for(70)
        assert all(world.monitor.healthy(f"{TENANT}/slow", origin) for origin in slow)


async def test_a_tenant_does_not_have_its_targets_checked_all_the_time(world):
    often = ProbePolicy(interval=0.05, timeout=2.0)
    async with world.monitor:
        watch(world.monitor, [service("own", A, tenant_id=TENANT, probe=often)])
        await world.time.run_for(12)
    assert world.probe.times(A) == [1000, 1005, 1010]
