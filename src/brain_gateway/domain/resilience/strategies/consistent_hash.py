"""The same key to the same target, as long as it is there."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from math import log
from struct import pack

from brain_gateway.domain.resilience.routing_strategy import active

_MASK = (1 << 64) - 1
_FRACTION = 12  # bits dropped so that a fraction of 52 bits, and never 1.0, is left for the logarithm


class ConsistentHash:
    """Weighted rendezvous hashing: every target gets a score from key and identity, the highest wins.

    When a target goes, only its own keys move, and they spread over the others by weight; when one comes,
    it takes its share and nothing else moves. The answer depends on the arguments alone: every process
    agrees. A request without a key (an absent header) is spread by entropy instead of all going to one
    target. Thaler, Ravishankar, "Using name-based mappings to increase hit rates" (IEEE/ACM ToN 6(1),
    1998); the weighting by -weight / log(u) is that of draft-ietf-bess-weighted-hrw.
    """

    __slots__ = ("_order", "_seeds", "_uniform", "_weights")

    def __init__(self, weights: Sequence[int], identities: Sequence[str]) -> None:
        self._weights = tuple(weights)
        self._order = active(weights)
        self._seeds = tuple(_digest(identity.encode()) for identity in identities)
        self._uniform = len({weights[position] for position in self._order}) < 2

    def choose(self, available: Sequence[bool], in_flight: Sequence[int], key: bytes, entropy: float) -> int:
        """See RoutingStrategy.choose."""
        point = _digest(key or pack("<d", entropy))
        best, best_score = -1, -1.0
        for position in self._order:
            if not available[position]:
                continue
            mixed = _mix(point ^ self._seeds[position])
            score = mixed if self._uniform else self._weights[position] / -log(_fraction(mixed))
            if score > best_score:
                best, best_score = position, score
        return best


def _digest(data: bytes) -> int:
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "big")


def _fraction(mixed: int) -> float:
    """64 bits as a number strictly between 0 and 1."""
    return ((mixed >> _FRACTION) + 0.5) / (1 << (64 - _FRACTION))


def _mix(value: int) -> int:
    """The finaliser of splitmix64 (Steele, Lea, Flood 2014): each input bit moves every output bit."""
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)
