"""The states of targets across changes of the table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from brain_gateway.domain.resilience.circuit_breaker import BreakerPolicy
from brain_gateway.domain.routing.service_route import Timeouts
from brain_gateway.domain.routing.target import Target
from tests.builders.gateway import TENANT, FakeGateway, service

A, B = "http://a:1", "http://b:1"


def test_what_stays_keeps_its_state():
    gateway = FakeGateway(service("shop", A, B))
    state = gateway.target()
    state.breaker.failed(0.0)
    state.in_flight = 3
    gateway.replace(service("shop", B, A), service("crm"))
    assert gateway.target(at=1) is state
    assert (state.breaker.failures, state.in_flight) == (1, 3)


def test_the_same_origin_of_two_services_has_two_states():
    gateway = FakeGateway(service("shop", A), service("crm", A), service("shop", A, tenant_id=TENANT))
    states = [gateway.target("shop"), gateway.target("crm"), gateway.entry("shop", TENANT).targets[0]]
    assert len({id(state) for state in states}) == 3


def test_what_no_table_names_any_more_is_closed_and_forgotten():
    gateway = FakeGateway(service("shop", A, B))
    gone, stays = gateway.pool(at=0), gateway.pool(at=1)
    state = gateway.target()
    gateway.replace(service("shop", B))
    assert (gone.closed, stays.closed) == (True, False)
    gateway.replace(service("shop", A, B))
    assert gateway.target() is not state


def test_a_changed_breaker_policy_starts_the_circuit_anew():
    gateway = FakeGateway(service("shop", A))
    gateway.target().breaker.trip(0.0)
    gateway.replace(service("shop", A, breaker=BreakerPolicy(failures=9)))
    assert (gateway.target().breaker.calm, gateway.target().breaker.policy.failures) == (True, 9)


def test_a_changed_weight_or_connect_timeout_holds_at_once():
    gateway = FakeGateway(service("shop", targets=(Target.parse(A), Target.parse(B))))
    drained = (Target.parse(A, 0), Target.parse(B))
    gateway.replace(service("shop", targets=drained, timeouts=Timeouts(connect=1.5)))
    assert {gateway.admitted().target.name for _ in range(4)} == {B}
    assert gateway.pool().connect_timeout == 1.5
    gateway.replace(service("shop", targets=(replace(drained[0], weight=1),)))
    assert gateway.admitted().target.name == A


def test_marks_and_states_by_name():
    gateway = FakeGateway(service("shop", A, tenant_id=TENANT))
    key = f"{TENANT}/shop"
    gateway.targets.mark(key, A, False)
    gateway.targets.mark("nothing", A, False)
    state = gateway.entry("shop", TENANT).targets[0]
    assert not state.healthy
    assert gateway.targets.breaker_state(key, A) == "closed"
    state.breaker.trip(0.0)
    assert gateway.targets.breaker_state(key, A) == "open"
    assert gateway.targets.breaker_state("nothing", A) == "closed"


@pytest.mark.parametrize(
    ("failures", "seconds", "available"),
    [(0, 0.0, True), (4, 0.0, True), (5, 0.0, False), (5, 59.9, False), (5, 60.0, True)],
)
def test_a_target_is_available_unless_its_circuit_is_open(failures, seconds, available):
    gateway = FakeGateway()
    for _ in range(failures):
        gateway.target().breaker.failed(0.0)
    for _ in range(2):  # asking takes no trial
        assert gateway.target().available(seconds) is available


def test_a_target_is_called_by_its_name_and_another_name_means_other_connections():
    named = (Target("http", "10.0.0.1", 80, server_name="crm.test"),)
    gateway = FakeGateway(service("shop", targets=named))
    state, pool = gateway.target(), gateway.pool()
    assert state.host_line == b"Host: crm.test\r\n"
    gateway.replace(service("shop", targets=named))
    assert gateway.target() is state
    gateway.replace(service("shop", targets=(replace(named[0], server_name="other.test"),)))
    assert gateway.target().host_line == b"Host: other.test\r\n"
    assert (pool.closed, gateway.pool().closed) == (True, False)


def test_a_service_that_is_gone_takes_its_targets_along():
    gateway = FakeGateway(service("shop", A, B), service("crm", A))
    pools = [gateway.pool(at=0), gateway.pool(at=1)]
    gateway.targets.forget("shop")
    gateway.targets.forget("shop")
    assert all(pool.closed for pool in pools)
    assert gateway.targets.find("shop", A) is None
    assert gateway.targets.breaker("shop", A) is None
    assert gateway.targets.breaker_state("shop", A) == "closed"
    assert gateway.targets.find("crm", A) is gateway.target("crm")
    gateway.targets.mark("shop", A, False)
