"""Requests for one thing at a time: who asks first goes, the others wait for what comes (RFC 9211 section 2.6)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

MOST_PASSES = 10_000
PASS_SECONDS = 10.0


class Follower(Protocol):
    """One that waits."""

    def go_on(self, again: bool) -> None:
        """What was waited for is over: look again, or go alone, or (`again`) wait for another of those that wait."""


FlightKey = tuple[object, bytes]


class Flight:
    """One request under way, and those that wait for it."""

    __slots__ = ("followers",)

    def __init__(self) -> None:
        self.followers: list[Follower] = []

    def leave(self, follower: Follower) -> bool:
        """It waits no more; whether it did."""
        waits = follower in self.followers
        if waits:
            self.followers.remove(follower)
        return waits


class Flights:
    """By key. What turned out not to be storable is remembered for a while, since waiting for it is of no use.

    `clock`: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._under_way: dict[FlightKey, Flight] = {}
        self._passes: OrderedDict[FlightKey, float] = OrderedDict()

    def of(self, key: FlightKey) -> Flight | None:
        """The one that is under way."""
        return self._under_way.get(key)

    def lead(self, key: FlightKey) -> Flight:
        """Begin one."""
        flight = self._under_way[key] = Flight()
        return flight

    def land(self, key: FlightKey, flight: Flight, again: bool = False) -> None:
        """It is over, one way or the other (`again`: it brought no answer at all): those that wait go on."""
        self.abandon(key, flight)
        followers, flight.followers = flight.followers, []
        for follower in followers:
            follower.go_on(again)

    def abandon(self, key: FlightKey, flight: Flight) -> None:
        """Who comes from now on waits for another one."""
        if self._under_way.get(key) is flight:
            del self._under_way[key]

    def useless(self, key: FlightKey) -> None:
        """Its answers are not stored: nobody need wait for the next ones."""
        self._passes[key] = self._clock() + PASS_SECONDS
        self._passes.move_to_end(key)
        if len(self._passes) > MOST_PASSES:
            self._passes.popitem(last=False)

    def worthwhile(self, key: FlightKey) -> bool:
        """Whether waiting may be of use."""
        until = self._passes.get(key)
        if until is None:
            return True
        if until > self._clock():
            return False
        del self._passes[key]
        return True
