"""The schedule gives each target at its last set time, in order, whatever was set before."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.application.gateway.health_schedule import CheckSchedule
from brain_gateway.application.gateway.health_watch import WatchedTarget
from brain_gateway.domain.routing.service_route import ProbePolicy
from brain_gateway.domain.routing.target import Target


def item(n: int = 0) -> WatchedTarget:
    return WatchedTarget("s", Target("http", f"h{n}", 1), ProbePolicy())


def test_nothing_scheduled():
    schedule = CheckSchedule()
    assert schedule.pop(1e9) is None
    assert schedule.wait(0) is None


def test_an_item_comes_when_it_is_due_and_once():
    schedule, one = CheckSchedule(), item()
    schedule.put(one, 10)
    assert schedule.pop(9.9) is None
    assert schedule.wait(4) == 6
    assert schedule.wait(11) == 0
    assert schedule.pop(10) is one
    assert one.due == math.inf
    assert schedule.wait(0) is None


def test_a_dropped_item_is_skipped():
    schedule, one, two = CheckSchedule(), item(1), item(2)
    schedule.put(one, 1)
    schedule.put(two, 2)
    one.watched = False
    assert schedule.wait(0) == 2
    assert schedule.pop(5) is two


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 100)), max_size=60))
def test_the_last_time_set_holds(settings):
    schedule, items, last = CheckSchedule(), [item(n) for n in range(5)], {}
    for n, due in settings:
        schedule.put(items[n], due)
        last[n] = due
    came = []
    for now in range(101):
        while (popped := schedule.pop(now)) is not None:
            came.append((now, items.index(popped)))
    assert sorted(came) == sorted((due, n) for n, due in last.items())
