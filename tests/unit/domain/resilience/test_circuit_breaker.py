"""The circuit breaker: its table, every state that can be reached, and long random lives against a model."""

from copy import deepcopy
from itertools import product
from math import inf, nan

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.domain.resilience import circuit_breaker
from brain_gateway.domain.resilience.circuit_breaker import (
    BreakerPolicy,
    BreakerState,
    CircuitBreaker,
    Signal,
)

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN


def opened(policy: BreakerPolicy | None = None, at: float = 0.0) -> CircuitBreaker:
    breaker = CircuitBreaker(policy or BreakerPolicy())
    assert breaker.trip(at)
    return breaker


def test_the_table_has_a_rule_for_every_state_and_signal() -> None:
    assert set(circuit_breaker._TRANSITIONS) == set(product(BreakerState, Signal))


def test_five_failures_in_a_row_open_it_for_sixty_seconds() -> None:
    breaker = CircuitBreaker(BreakerPolicy())
    assert [breaker.failed(float(second)) for second in range(5)] == [False, False, False, False, True]
    assert breaker.state is OPEN
    assert (breaker.retry_after(4.0), breaker.retry_after(34.0)) == (60.0, 30.0)
    assert not breaker.admit(63.9)
    assert breaker.admit(64.0)
    assert breaker.state is HALF_OPEN


def test_a_success_starts_the_row_anew() -> None:
    breaker = CircuitBreaker(BreakerPolicy())
    for now in range(20):
        breaker.failed(float(now))
        if now % 4 == 3:
            assert not breaker.calm
            assert not breaker.succeeded(float(now))
            assert breaker.calm
    assert breaker.state is CLOSED


@pytest.mark.parametrize(
    ("report", "state", "changed"), [("succeeded", CLOSED, True), ("failed", OPEN, True)]
)
def test_a_trial_decides(report: str, state: BreakerState, changed: bool) -> None:
    breaker = opened()
    assert breaker.admit(60.0)
    assert getattr(breaker, report)(61.0) is changed
    assert breaker.state is state
    assert breaker.retry_after(61.0) == (60.0 if state is OPEN else 0.0)


def test_an_abandoned_trial_frees_its_place_and_says_nothing() -> None:
    breaker = opened()
    assert breaker.admit(60.0)
    assert not breaker.admit(61.0)
    breaker.abandoned(62.0)
    assert breaker.state is HALF_OPEN
    assert breaker.admit(62.0)


def test_half_open_lets_a_few_through() -> None:
    breaker = opened(BreakerPolicy(half_open_requests=3))
    assert [breaker.admit(60.0 + second) for second in range(5)] == [True, True, True, False, False]
    assert breaker.outstanding == 3


def test_a_trial_that_never_reports_back_is_given_up() -> None:
    breaker = opened()
    assert breaker.admit(60.0)
    assert breaker.retry_after(70.0) == 50.0
    assert not breaker.admit(119.9)
    assert breaker.admit(120.0)
    assert breaker.outstanding == 1
    breaker.abandoned(121.0, since=60.0)  # the lost one comes back late: its place is not its own any more
    assert not breaker.admit(121.0)


def test_results_from_before_the_present_state_are_ignored() -> None:
    breaker = opened(at=10.0)
    assert breaker.admit(70.0)
    assert not breaker.succeeded(71.0, since=5.0)
    assert not breaker.failed(71.0, since=5.0)
    breaker.abandoned(71.0, since=5.0)
    assert (breaker.state, breaker.outstanding) == (HALF_OPEN, 1)
    assert breaker.succeeded(72.0, since=70.0)
    assert [breaker.failed(73.0, since=9.0) for _ in range(9)] == [False] * 9
    assert breaker.calm


def test_late_results_leave_an_open_circuit_alone() -> None:
    breaker = opened()
    for report in (breaker.failed, breaker.succeeded, breaker.abandoned, breaker.trip):
        assert not report(50.0)
    assert breaker.state is OPEN
    assert breaker.admit(60.0)


def test_another_process_can_trip_it() -> None:
    breaker = CircuitBreaker(BreakerPolicy())
    assert breaker.trip(5.0)
    assert not breaker.calm
    assert breaker.admit(65.0)
    assert breaker.trip(66.0)
    assert (breaker.state, breaker.retry_after(66.0)) == (OPEN, 60.0)


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        ({"failures": 0}, "failures"),
        ({"reset_timeout": 0.0}, "reset_timeout"),
        ({"reset_timeout": -1.0}, "reset_timeout"),
        ({"reset_timeout": inf}, "reset_timeout"),
        ({"reset_timeout": nan}, "reset_timeout"),
        ({"half_open_requests": 0}, "half_open_requests"),
    ],
)
def test_invalid_thresholds_name_their_fault(fault: dict, named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        BreakerPolicy(**fault)


def closes(breaker: CircuitBreaker, now: float) -> bool:
    """Whether time and one success bring the circuit back."""
    later = now + 2 * breaker.policy.reset_timeout
    admitted = breaker.admit(later)
    breaker.succeeded(later)
    return admitted and breaker.state is CLOSED and breaker.calm


@pytest.mark.parametrize(
    "policy", [BreakerPolicy(1, 2.0, 1), BreakerPolicy(2, 2.0, 2), BreakerPolicy(3, 2.0, 1)]
)
def test_from_every_state_that_can_be_reached_it_closes_again(policy: BreakerPolicy) -> None:
    """All of them: every signal at every tick, until nothing new turns up (times relative to now)."""
    calls = [None, "admit", "succeeded", "failed", "abandoned", "trip"]

    def shape(breaker: CircuitBreaker, now: float) -> tuple:
        age = (min(now - at, 9.0) for at in (breaker._since, breaker._retry_at, *breaker._trials))
        return (breaker.state, breaker.failures, *age)

    pending = [(CircuitBreaker(policy), 0.0)]
    seen = {shape(*pending[0])}
    while pending:
        breaker, now = pending.pop()
        assert closes(deepcopy(breaker), now)
        assert breaker.outstanding <= policy.half_open_requests
        for call in calls:
            after = deepcopy(breaker)
            then = now + (call is None)
            if call is not None:
                getattr(after, call)(now)
            if shape(after, then) not in seen:
                seen.add(shape(after, then))
                pending.append((after, then))
    assert {state for state, *_ in seen} == set(BreakerState)


class BreakerLife(RuleBasedStateMachine):
    """Requests come, report late, or never; each carries the instant at which it was admitted."""

    @initialize(
        failures=st.integers(1, 4), reset=st.sampled_from([0.1, 1.0, 60.0]), half_open=st.integers(1, 3)
    )
    def begin(self, failures: int, reset: float, half_open: int) -> None:
        self.policy = BreakerPolicy(failures, reset, half_open)
        self.breaker = CircuitBreaker(self.policy)
        self.now = 0.0
        self.under_way: list[tuple[float, bool]] = []  # (admitted at, whether as a trial)

    @rule(part=st.sampled_from([0.001, 0.3, 0.999, 1.0, 2.5]))
    def time_passes(self, part: float) -> None:
        self.now += part * self.policy.reset_timeout

    @rule()
    def request(self) -> None:
        expected = self.breaker.would_admit(self.now)
        assert (self.breaker.retry_after(self.now) == 0.0) == expected
        assert self.breaker.admit(self.now) == expected
        if expected:
            self.under_way.append((self.now, self.breaker.state is HALF_OPEN))

    @precondition(lambda self: self.under_way)
    @rule(which=st.integers(0, 100), report=st.sampled_from(["succeeded", "failed", "abandoned"]))
    def report(self, which: int, report: str) -> None:
        since, _ = self.under_way.pop(which % len(self.under_way))
        before = self.breaker.state
        changed = getattr(self.breaker, report)(self.now, since)
        if report != "abandoned":
            assert changed == (self.breaker.state is not before)

    @rule()
    def trip(self) -> None:
        was_open = self.breaker.state is OPEN
        assert self.breaker.trip(self.now) is not was_open
        assert self.breaker.state is OPEN
        assert was_open or not self.breaker.admit(self.now)

    @invariant()
    def trials_are_few(self) -> None:
        """Trials of an earlier half-open time, and those that were given up, do not count."""
        young = [
            at
            for at, trial in self.under_way
            if trial and at >= self.breaker._since and self.now < at + self.policy.reset_timeout
        ]
        if self.breaker.state is HALF_OPEN:
            assert len(young) <= self.policy.half_open_requests

    @invariant()
    def calm_is_exactly_closed_without_failures(self) -> None:
        assert self.breaker.calm == (self.breaker.state is CLOSED and self.breaker.failures == 0)
        if self.breaker.calm:
            same = deepcopy(self.breaker)
            assert same.admit(self.now)
            assert not same.succeeded(self.now)
            assert same.calm

    @invariant()
    def waiting_as_told_is_enough(self) -> None:
        assert deepcopy(self.breaker).admit(self.now + self.breaker.retry_after(self.now))

    @invariant()
    def it_is_never_stuck(self) -> None:
        assert closes(deepcopy(self.breaker), self.now)


TestBreakerLife = BreakerLife.TestCase
TestBreakerLife.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_hurry_makes_an_open_circuit_due_and_touches_no_other():
    breaker = CircuitBreaker(BreakerPolicy(failures=1, reset_timeout=60.0))
    breaker.hurry(0.0)
    assert breaker.calm
    breaker.failed(0.0)
    breaker.hurry(5.0)
    assert breaker.retry_after(5.0) == 0.0
    breaker.hurry(9.0)
    assert breaker.admit(5.0), "it was due before"
    breaker.hurry(5.0)
    assert breaker.state is BreakerState.HALF_OPEN
