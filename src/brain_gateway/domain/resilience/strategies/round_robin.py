"""One after the other."""

from __future__ import annotations

from collections.abc import Sequence

from brain_gateway.domain.resilience.routing_strategy import active


class RoundRobin:
    """Takes the next available target after the last one; weights other than 0 do not count."""

    __slots__ = ("_next", "_order")

    def __init__(self, weights: Sequence[int], identities: Sequence[str]) -> None:
        self._order = active(weights)
        self._next = 0

    def choose(self, available: Sequence[bool], in_flight: Sequence[int], key: bytes, entropy: float) -> int:
        """See RoutingStrategy.choose."""
        order = self._order
        for step in range(self._next, self._next + len(order)):
            position = order[step % len(order)]
            if available[position]:
                self._next = (step + 1) % len(order)
                return position
        return -1
