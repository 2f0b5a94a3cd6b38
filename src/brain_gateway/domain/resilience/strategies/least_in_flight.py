"""The least busy."""

from __future__ import annotations

from collections.abc import Sequence

from brain_gateway.domain.resilience.routing_strategy import active


class LeastInFlight:
    """Takes the target with the fewest requests under way per weight; among equals, the next after the last
    one.
    """

    __slots__ = ("_next", "_order", "_weights")

    def __init__(self, weights: Sequence[int], identities: Sequence[str]) -> None:
        self._weights = tuple(weights)
        self._order = active(weights)
        self._next = 0

    def choose(self, available: Sequence[bool], in_flight: Sequence[int], key: bytes, entropy: float) -> int:
        """See RoutingStrategy.choose."""
        order, weights, best, chosen_step = self._order, self._weights, -1, 0
        for step in range(self._next, self._next + len(order)):
            position = order[step % len(order)]
            if not available[position]:
                continue
            # in_flight / weight compared across, so that no division rounds
            if best < 0 or in_flight[position] * weights[best] < in_flight[best] * weights[position]:
                best, chosen_step = position, step
        if best >= 0:
            self._next = (chosen_step + 1) % len(order)
        return best
