"""One at a time, and those that wait."""

from __future__ import annotations

from brain_gateway.application.gateway.caching import flights as module
from brain_gateway.application.gateway.caching.flights import PASS_SECONDS, Flights
from tests.fakes.manual_clock import ManualClock

KEY = ("k", b"")


class Waits:
    def __init__(self):
        self.told = []

    def go_on(self, again):
        self.told.append(again)


def test_those_that_wait_are_told_once():
    flights = Flights(ManualClock())
    flight, one, two = flights.lead(KEY), Waits(), Waits()
    flight.followers += [one, two]
    flight.leave(two)
    flight.leave(two)
    assert flights.of(KEY) is flight
    flights.land(KEY, flight, again=True)
    flights.land(KEY, flight)
    assert (one.told, two.told) == ([True], [])
    assert flights.of(KEY) is None


def test_landing_leaves_another_one_alone():
    flights = Flights(ManualClock())
    old = flights.lead(KEY)
    flights.land(KEY, old)
    new = flights.lead(KEY)
    flights.land(KEY, old)
    assert flights.of(KEY) is new


def test_what_was_of_no_use_is_remembered_for_a_while(monkeypatch):
    clock = ManualClock()
    flights = Flights(clock)
    assert flights.worthwhile(KEY)
    flights.useless(KEY)
    assert not flights.worthwhile(KEY)
    clock.tick(PASS_SECONDS)
    assert flights.worthwhile(KEY)
    monkeypatch.setattr(module, "MOST_PASSES", 2)
    for number in range(5):
        flights.useless((number, b""))
    assert [flights.worthwhile((number, b"")) for number in range(5)] == [True, True, True, False, False]
