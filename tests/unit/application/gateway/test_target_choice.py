"""Which target: well ones first, then any that is willing, then a reason."""

from __future__ import annotations

from collections import Counter

import pytest

from brain_gateway.application.gateway.target_choice import choose
from brain_gateway.application.gateway.targets import TargetState
from brain_gateway.domain.errors import CircuitOpen, NoHealthyTarget
from brain_gateway.domain.resilience.circuit_breaker import BreakerPolicy
from brain_gateway.domain.routing.service_route import BalancerPolicy
from brain_gateway.domain.routing.target import Target
from tests.builders.gateway import FakeGateway, service
from tests.builders.requests import head

A, B, C = "http://a:1", "http://b:1", "http://c:1"


def chosen(
    gateway: FakeGateway, times: int = 6, failed: int | None = None, caller: str = "t", *fields: str
) -> Counter[str]:
    entry = gateway.entry()
    asked = head("GET /shop HTTP/1.1", *fields)
    past = None if failed is None else entry.targets[failed]
    found = [
        choose(entry, asked, caller, gateway.clock.now, lambda: gateway.random, past) for _ in range(times)
    ]
    return Counter(one.name if isinstance(one, TargetState) else type(one).__name__ for one in found)


def test_all_that_are_well_take_turns():
    assert chosen(FakeGateway(service("shop", A, B, C))) == {A: 2, B: 2, C: 2}


def test_what_a_probe_found_unwell_is_left_out():
    gateway = FakeGateway(service("shop", A, B, C))
    gateway.target(at=1).healthy = False
    assert chosen(gateway) == {A: 3, C: 3}


def test_when_all_are_unwell_all_are_tried():
    gateway = FakeGateway(service("shop", A, B))
    for at in (0, 1):
        gateway.target(at=at).healthy = False
    assert chosen(gateway) == {A: 3, B: 3}


def test_an_open_circuit_is_left_out_whatever_probes_say():
    gateway = FakeGateway(service("shop", A, B))
    gateway.target(at=0).breaker.trip(gateway.clock.now)
    gateway.target(at=1).healthy = False
    assert chosen(gateway) == {B: 6}


def test_all_circuits_open():
    gateway = FakeGateway(service("shop", A, B))
    for at in (0, 1):
        gateway.target(at=at).breaker.trip(gateway.clock.now)
    assert chosen(gateway) == {"CircuitOpen": 6}


def test_a_half_open_circuit_lets_as_many_trials_through_as_its_policy_says():
    gateway = FakeGateway(service("shop", A, breaker=BreakerPolicy(reset_timeout=10.0, half_open_requests=2)))
    gateway.target().breaker.trip(gateway.clock.now)
    gateway.clock.tick(10)
    assert chosen(gateway) == {A: 2, "CircuitOpen": 4}


def test_another_than_the_one_that_failed_if_there_is_one():
    gateway = FakeGateway(service("shop", A, B))
    assert chosen(gateway, failed=0) == {B: 6}
    gateway.target(at=1).healthy = False
    assert chosen(gateway, failed=0) == {B: 6}  # unwell by a probe, but it has not just failed
    gateway.target(at=1).breaker.trip(gateway.clock.now)
    assert chosen(gateway, failed=0) == {A: 6}


@pytest.mark.parametrize(
    ("targets", "reason"),
    [((), NoHealthyTarget), ((Target.parse(A, 0),), NoHealthyTarget), ((Target.parse(A),), CircuitOpen)],
)
def test_the_reason_why_there_is_none(targets, reason):
    gateway = FakeGateway(service(targets=targets))
    for state in gateway.entry().targets:
        state.breaker.trip(gateway.clock.now)
    assert chosen(gateway, 1) == {reason.__name__: 1}


def test_drained_targets_take_nothing():
    gateway = FakeGateway(service(targets=(Target.parse(A, 0), Target.parse(B))))
    assert chosen(gateway) == {B: 6}


def test_least_in_flight_looks_at_the_loads():
    gateway = FakeGateway(service("shop", A, B, balancer=BalancerPolicy("least_in_flight")))
    gateway.target(at=0).in_flight = 3
    assert chosen(gateway) == {B: 6}


def hashed(hash_on: str) -> FakeGateway:
    origins = [f"http://t{number}:1" for number in range(8)]
    return FakeGateway(service("shop", *origins, balancer=BalancerPolicy("consistent_hash", hash_on)))


def test_consistent_hashing_by_tenant():
    gateway = hashed("tenant")
    by_caller = [chosen(gateway, 6, None, f"tenant-{number}") for number in range(20)]
    assert all(len(one) == 1 for one in by_caller)
    assert len({next(iter(one)) for one in by_caller}) > 2


def test_consistent_hashing_by_a_header():
    gateway = hashed("header:X-Cart")
    for line in ("X-Cart: 7", "x-CART:7 "):
        assert chosen(gateway, 6, None, "a", line) == chosen(gateway, 6, None, "b", "X-Cart: 7")
    assert chosen(gateway, 6, None, "a") == chosen(
        gateway, 6, None, "a", "X-Other: 1"
    )  # without it: by caller
    assert len({next(iter(chosen(gateway, 1, None, "a", f"X-Cart: {number}"))) for number in range(20)}) > 2
