"""Leased limits: whatever the order of events, all processes together never admit more than the limit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.application.ports.limit_store import LeaseRequest
from brain_gateway.domain.errors import LimitsUnavailable
from brain_gateway.domain.resilience.lease_terms import LONGEST_LIFE, SHORTEST_LIFE
from brain_gateway.domain.resilience.leases import REST, Ask, Grant, LeasedWindow, LeaseTerms, lease_life
from brain_gateway.domain.resilience.limits import RateLimit
from brain_gateway.domain.resilience.lone_share import AT_ONCE
from tests.fakes.limit_store import SETTLE, MemoryLimits, StoredLimits


@dataclass
class World:
    """True time, a store whose clock is elsewhere, and processes whose clocks are elsewhere again."""

    limit: RateLimit
    now: float = 1000.0
    admitted: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stored = StoredLimits(lambda: self.now + 7e5)


class Process:
    """One process with one window of the limit."""

    def __init__(self, world: World, offset: float, members: int, refuses: bool = False) -> None:
        self.world = world
        self.offset = offset
        self.terms = LeaseTerms(members=members, refuses=refuses)
        self.store = MemoryLimits(world.stored)
        self.store.pulse_now(str(offset))
        self.calls = 0
        self.window = LeasedWindow("k", world.limit, self.terms, self._called)
        self._under_way: tuple[float, Ask, Grant | None] | None = None

    def _called(self, window: LeasedWindow) -> None:
        self.calls += 1

    @property
    def clock(self) -> float:
        return self.world.now + self.offset

    def request(self) -> bool:
        """One request comes; it is admitted or not."""
        if not self.window.admit(self.clock):
            return False
        self.world.admitted.append(self.world.now)
        return True

    def send(self, need: int) -> None:
        """Ask the store, as `need` who wait do; the answer is under way."""
        if self._under_way is not None:
            return
        self.window.waiting = need
        sent = self.clock
        ask = self.window.compose(sent)
        request = LeaseRequest("k", self.world.limit, self.window.life, self.terms.members, ask)
        self._under_way = (sent, ask, None)
        try:
            grant = self.store.lease_now([request])[0]
        except LimitsUnavailable:
            grant = None
        self._under_way = (sent, ask, grant)

    def receive(self, arrives: bool = True) -> None:
        """The answer comes, or the connection breaks."""
        if self._under_way is None:
            return
        (sent, ask, grant), self._under_way = self._under_way, None
        self.window.waiting = 0
        if grant is None or not arrives:
            self.window.failed()
        else:
            self.window.granted(sent, self.clock, ask, grant)

    def round(self, need: int = 1) -> None:
        self.send(need)
        self.receive()


def most_in_a_window(admitted: list[float], window: float) -> int:
    """The most admissions that any half-open interval of this length holds."""
    return max((sum(first <= at < first + window for at in admitted) for first in admitted), default=0)


LIMITS = st.builds(
    RateLimit,
    st.sampled_from([1, 2, 5, 10, 64, 65, 100]),
    st.sampled_from([0.2, 1.0, 2.0, 20.0]),
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["request", "request", "send", "receive", "drop", "tidy", "release", "pass"]),
        st.integers(0, 2),
        st.integers(0, 30),
    ),
    max_size=120,
)


def act(process: Process, what: str, number: int) -> None:
    """One step of one process."""
    if what == "request":
        for _ in range(number):
            process.request()
    elif what == "send":
        process.send(number)
    elif what in ("receive", "drop"):
        process.receive(what == "receive")
    elif what in ("tidy", "release"):
        process.window.tidy(process.clock, release=what == "release")


@given(LIMITS, STEPS)
def test_no_window_holds_more_in_whatever_order_it_happens(limit, steps):
    world = World(limit)
    processes = [Process(world, offset, 3) for offset in (0.0, -900.0, 5e6)]
    for what, who, number in steps:
        if what == "pass":
            world.now += limit.window * number / 40
        else:
            act(processes[who], what, number)
    assert most_in_a_window(world.admitted, limit.window) <= limit.requests


@given(st.integers(1, 20), st.integers(1, 20), STEPS)
def test_no_span_holds_more_than_its_burst_and_its_spacing(requests, burst, steps):
    limit = RateLimit(max(requests, burst), 2.0, burst=burst)
    world = World(limit)
    processes = [Process(world, offset, 3) for offset in (0.0, -900.0, 5e6)]
    for what, who, number in steps:
        if what == "pass":
            world.now += number / 40
        else:
            act(processes[who], what, number)
    for at, first in enumerate(world.admitted):
        for more, last in enumerate(world.admitted[at:], 1):
            assert more <= burst + (last - first) * limit.requests / limit.window + 1e-6


def three_alone(limit, before):
    """A world in which all have lost the store after so many requests each, and know what is left."""
    world = World(limit)
    processes = [Process(world, offset, 3) for offset in (0.0, -900.0, 5e6)]
    for process, number in zip(processes, before, strict=True):
        for _ in range(number):
            if not process.request():
                process.round()
                process.request()
        world.now += limit.window / 50
    for process in processes:  # each knows what is left: who has heard nothing yet takes part of the whole
        process.round(need=0)
        process.terms.alone_since = process.clock
    return world, processes


BEFORE = st.lists(st.integers(0, 40), min_size=3, max_size=3)


@given(LIMITS, BEFORE, STEPS)
def test_if_all_lose_the_store_at_once_the_sum_still_holds(limit, before, after):
    world, processes = three_alone(limit, before)
    for what, who, number in after:
        if what == "pass":
            world.now += limit.window * number / 40
        elif what == "request":
            act(processes[who], what, number)
    assert most_in_a_window(world.admitted, limit.window) <= limit.requests


AFTER_A_LOSS = st.lists(
    st.tuples(st.sampled_from(["request", "report", "pass"]), st.integers(0, 2), st.integers(0, 30)),
    max_size=20,
)


@given(LIMITS, st.lists(st.sampled_from([0, 3, 100]), min_size=3, max_size=3), AFTER_A_LOSS)
def test_if_the_store_loses_its_data_the_sum_still_holds(limit, before, steps):
    """Reports come one by one, and their answers know of no others."""
    world, processes = three_alone(limit, before)
    world.stored.lose()
    noticed = set()
    for what, who, number in steps:
        process = processes[who]
        if what == "request":
            act(process, what, number)
        elif what == "pass":
            world.now += limit.window * number / 1000
        else:
            if who not in noticed:
                noticed.add(who)
                process.store.pulse_now(str(who))
                process.window.lost(process.clock)
            process.round(0)
    assert most_in_a_window(world.admitted, limit.window) <= limit.requests


@given(LIMITS, st.integers(1, 30))
def test_one_process_alone_gets_the_whole_limit(limit, bunch):
    world = World(limit)
    process = Process(world, 0.0, 1)
    for _ in range(4 * limit.requests):
        if not process.request():
            process.round(bunch)
    assert len(world.admitted) == limit.requests
    assert 0.0 < process.window.retry_after(process.clock) <= (limit.window + LONGEST_LIFE) * 1.1


# Single rules


@pytest.fixture
def world():
    return World(RateLimit(10, 20.0))


@pytest.fixture
def process(world):
    return Process(world, 0.0, 2)


@pytest.mark.parametrize(
    ("limit", "life"),
    [
        (RateLimit(100, 60.0), LONGEST_LIFE),
        (RateLimit(100, 10.0), 0.5),
        (RateLimit(1, 0.001), SHORTEST_LIFE),
        (RateLimit(100, 60.0, burst=1), 0.15),
    ],
)
def test_the_life_of_a_lease(limit, life):
    assert lease_life(limit) == pytest.approx(life)


def test_the_first_request_waits_and_takes_what_it_needs(process):
    assert not process.request()
    assert process.window.undecided(process.clock)
    process.round()
    assert process.request()
    assert not process.request()
    assert process.window.undecided(process.clock)


def test_tokens_are_void_a_life_after_they_were_asked_for(world, process):
    process.send(1)
    world.now += process.window.life
    process.receive()
    assert not process.request()


def test_a_refusal_holds_for_a_life_and_says_when_to_come_again(world, process):
    process.round(10)
    for _ in range(10):
        assert process.request()
    process.round(1)
    assert not process.window.undecided(process.clock)
    assert process.window.retry_after(process.clock) == pytest.approx(21.0, abs=0.1)
    calls = process.calls
    assert not any(process.request() for _ in range(100))
    assert process.calls == calls
    world.now += max(process.window.life, REST)
    assert process.window.undecided(process.clock)


def test_more_is_asked_for_ahead_as_demand_grows(world, process):
    wide = World(RateLimit(100_000, 60.0))
    process = Process(wide, 0.0, 2)
    wanted = []
    for _ in range(10):
        process.window.ask()
        process.send(0 if wanted else 1)
        assert process._under_way is not None
        wanted.append(process._under_way[1].want)
        process.receive()
        for _ in range(50):
            process.request()
        wide.now += 0.01
    assert wanted[0] == 1
    assert max(wanted) > 16


def test_it_calls_ahead_of_need_and_once(world):
    wide = World(RateLimit(1000, 60.0))
    process = Process(wide, 0.0, 1)
    process.round(40)
    assert (process.window.remaining(process.clock), process.calls) == (40, 0)
    for _ in range(40):
        assert process.request()
    assert process.calls == 1


def test_what_lies_unused_is_given_back(world, process):
    process.round(6)
    process.request()
    assert process.window.tidy(process.clock)
    assert not process.window.has_news
    world.now += process.window.life / 4
    process.window.tidy(process.clock)
    assert process.window.has_news
    process.round(0)
    other = Process(world, 3.0, 2)
    other.round(10)
    assert other.window.remaining(other.clock) == 9
    assert not process.window.tidy(process.clock)


def test_kept_tokens_are_for_those_who_waited(process):
    process.round(3)
    window = process.window
    assert window.reserve(2, process.clock) == 2
    assert window.remaining(process.clock) == 1
    assert [process.request() for _ in range(2)] == [True, False]
    window.claim()
    assert process.request()
    assert not process.request()
    window.claim()
    assert process.request()
    assert window.reserve(2, process.clock) == 0


def test_at_rest_it_may_be_forgotten(world, process):
    window = process.window
    assert window.resets_in(process.clock) == 0.0
    process.round(2)
    assert window.resets_in(process.clock) > 0.0
    process.request()
    window.tidy(process.clock, release=True)
    process.round(0)
    assert window.resets_in(process.clock) > 0.0
    world.now += 22.0
    assert window.resets_in(process.clock) == 0.0


# Without the store


def alone(process: Process, refuses: bool = False) -> None:
    process.terms.alone_since = process.clock
    process.terms.refuses = refuses


def test_alone_a_process_goes_on_with_its_part(world, process):
    alone(process)
    assert not process.window.undecided(process.clock)
    assert [process.request() for _ in range(8)].count(True) == 5
    assert process.window.retry_after(process.clock) == pytest.approx(20.0, abs=0.01)
    assert not process.window.unavailable()
    world.now += 20.1
    assert [process.request() for _ in range(8)].count(True) == 5


def test_alone_what_was_full_stays_full_until_it_expires(world, process):
    other = Process(world, 5.0, 2)
    other.round(10)
    process.round(1)
    alone(process)
    assert not process.request()
    world.now += 10.0
    assert not process.request()
    world.now += 12.0
    assert [process.request() for _ in range(8)].count(True) == 5


def test_alone_tokens_in_hand_hold_on(process):
    process.round(4)
    alone(process, refuses=True)
    assert [process.request() for _ in range(6)].count(True) == 4
    assert process.window.unavailable()


def test_alone_a_limit_smaller_than_the_processes_is_not_to_be_had(world):
    process = Process(World(RateLimit(1, 20.0)), 0.0, 2)
    alone(process)
    assert not process.request()
    assert process.window.unavailable()


def test_a_burst_is_divided_too():
    world = World(RateLimit(10, 20.0, burst=4))
    process = Process(world, 0.0, 2)
    alone(process)
    assert [process.request() for _ in range(5)].count(True) == 2
    world.now += AT_ONCE * 4
    assert process.request()


def test_what_was_admitted_alone_is_reported_once(world, process):
    alone(process)
    for _ in range(3):
        assert process.request()
    assert process.window.has_unreported
    process.terms.alone_since = None
    process.send(0)
    process.receive(arrives=False)
    assert process.window.has_unreported, "nobody knows whether it came"
    process.round(0)
    assert not process.window.has_unreported
    other = Process(world, 5.0, 2)
    other.round(10)
    assert other.window.remaining(other.clock) == 4, "three counted twice: rather that than not at all"


def test_after_a_loss_everything_is_reported(world, process):
    process.round(4)
    for _ in range(3):
        process.request()
    world.stored.lose()
    process.send(1)
    process.receive()
    process.store.pulse_now("p")
    process.window.lost(process.clock)
    assert not process.request(), "what was leased of the old store is void"
    world.now += SETTLE
    process.round(0)
    other = Process(world, 5.0, 2)
    other.round(10)
    assert other.window.remaining(other.clock) == 7


def test_after_a_loss_nothing_of_the_old_store_is_used_or_given_back(process):
    process.round(2)
    process.round(3)  # waits behind the first
    process.window.tidy(process.clock)
    assert process.window.remaining(process.clock) == 5
    process.window.lost(process.clock)
    assert process.window.remaining(process.clock) == 0
    assert process.window.compose(process.clock) == Ask(0, 0)


def test_without_a_report_nothing_is_said(process):
    told: list[Callable[[], None]] = []
    assert process.window.compose(process.clock) == Ask(0, 0)
    process.window.granted(process.clock, process.clock, Ask(0, 0), Grant(0, free=10))
    assert not told
    assert not process.window.has_news


@pytest.mark.parametrize("delay", [0.001, 0.02])
def test_at_a_steady_rate_the_store_is_asked_a_few_times_in_a_life(delay):
    """However late its answers come; and nobody waits for one."""
    world = World(RateLimit(10**8, 60.0))
    process = Process(world, offset=0.0, members=1)
    rate, answered, calls, arrives = 5000, 0, 0, None
    process.round()
    for at in range(5 * rate):
        world.now += 1 / rate
        if arrives is not None and world.now >= arrives:
            arrives = None
            process.receive()
        passed = process.request()
        answered += passed
        if arrives is None and (process.window._asked or not passed):
            process.send(0 if passed else 1)
            calls, arrives = calls + 1, world.now + delay
        if at == 3 * rate:
            answered = calls = 0  # it has found the rate by now
    assert answered == 2 * rate - 1
    assert calls <= 2 * 5
