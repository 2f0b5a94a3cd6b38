"""The less busy of two drawn at random."""

from __future__ import annotations

from collections.abc import Sequence

from brain_gateway.domain.resilience.routing_strategy import active


class PowerOfTwo:
    """Two distinct targets from one draw; takes the one with fewer requests under way per weight.

    Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing" (IEEE TPDS 12(10), 2001): nearly
    as even as the least busy of all, without every gateway running to the same target at once.
    """

    __slots__ = ("_order", "_weights")

    def __init__(self, weights: Sequence[int], identities: Sequence[str]) -> None:
        self._weights = tuple(weights)
        self._order = active(weights)

    def choose(self, available: Sequence[bool], in_flight: Sequence[int], key: bytes, entropy: float) -> int:
        """See RoutingStrategy.choose."""
        candidates = [position for position in self._order if available[position]]
        if len(candidates) < 2:
            return candidates[0] if candidates else -1
        first, second = draw_two(len(candidates), entropy)
        one, other = candidates[first], candidates[second]
        if in_flight[other] * self._weights[one] < in_flight[one] * self._weights[other]:
            return other
        return one


def draw_two(count: int, entropy: float) -> tuple[int, int]:
    """Two distinct numbers below `count` (at least 2), every ordered pair equally likely over entropy in
    [0, 1).
    """
    scaled = entropy * count
    first = min(int(scaled), count - 1)
    second = min(int((scaled - first) * (count - 1)), count - 2)
    return first, second + 1 if second >= first else second
