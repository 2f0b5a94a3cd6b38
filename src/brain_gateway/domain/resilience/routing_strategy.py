"""What every balancing strategy is asked, and what they share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class RoutingStrategy(Protocol):
    """Picks one of n targets; the position in every sequence is the target."""

    def choose(self, available: Sequence[bool], in_flight: Sequence[int], key: bytes, entropy: float) -> int:
        """The position of the target to use, or -1 when none is available.

        available: may be used now. in_flight: requests under way. key: what the request hashes on. entropy:
        [0, 1).
        """
        ...


def active(weights: Sequence[int]) -> tuple[int, ...]:
    """The positions that are not drained (weight 0)."""
    return tuple(position for position, weight in enumerate(weights) if weight > 0)
