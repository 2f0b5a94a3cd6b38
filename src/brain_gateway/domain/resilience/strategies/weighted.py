"""In proportion to the weights, and evenly mixed."""

from __future__ import annotations

from collections.abc import Sequence

from brain_gateway.domain.resilience.routing_strategy import active


class Weighted:
    """Smooth weighted round robin (the scheme that nginx uses for `weight`).

    Each target earns its weight per request; the richest is chosen and pays the sum of what was earned.
    Over any sum-of-weights requests with the same targets available each is chosen exactly `weight` times,
    never in a lump.
    """

    __slots__ = ("_credit", "_order", "_weights")

    def __init__(self, weights: Sequence[int], identities: Sequence[str]) -> None:
        self._weights = tuple(weights)
        self._order = active(weights)
        self._credit = [0] * len(weights)

    def choose(self, available: Sequence[bool], in_flight: Sequence[int], key: bytes, entropy: float) -> int:
        """See RoutingStrategy.choose."""
        credit, earned, best = self._credit, 0, -1
        for position in self._order:
            if not available[position]:
                continue
            credit[position] += self._weights[position]
            earned += self._weights[position]
            if best < 0 or credit[position] > credit[best]:
                best = position
        if best >= 0:
            credit[best] -= earned
        return best
