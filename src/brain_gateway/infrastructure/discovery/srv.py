"""What SRV records say (RFC 2782): where the instances of a service are, which go first, and their shares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd

FINEST = 100  # the largest weight; the balancer needs no finer shares


@dataclass(frozen=True, slots=True)
class SrvRecord:
    """One record; `target` is a host name in text, with its final dot."""

    priority: int
    weight: int
    port: int
    target: str


def no_service(records: Sequence[SrvRecord]) -> bool:
    """Whether the domain says that it has no such service: the target of its only record is the root."""
    return len(records) == 1 and records[0].target == "."


def first_choice(records: Sequence[SrvRecord]) -> list[SrvRecord]:
    """Those with the least priority. The others are for when all of these are away, which DNS cannot know."""
    real = [record for record in records if record.target != "." and record.port]
    least = min((record.priority for record in real), default=0)
    return [record for record in real if record.priority == least]


def shares(weights: Sequence[int]) -> list[int]:
    """Weights of 1 to FINEST in these proportions; 0 means a very small one, where others are larger."""
    top = max(weights, default=0)
    if not top:
        return [1] * len(weights)
    if min(weights) and top <= FINEST:
        scaled = list(weights)
    else:
        scaled = [max(1, round(weight * FINEST / top)) for weight in weights]
    common = gcd(*scaled)
    return [weight // common for weight in scaled]
