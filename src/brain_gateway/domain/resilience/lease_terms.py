"""What a leased limit and its store say to each other, and for how long tokens are leased."""

from __future__ import annotations

from dataclasses import dataclass

from brain_gateway.domain.resilience.limits import RateLimit

LONGEST_LIFE = 1.0  # seconds
SHORTEST_LIFE = 0.05  # a shorter lease would be over when the answer comes


def lease_life(limit: RateLimit) -> float:
    """How long tokens may be used after they were asked for, in seconds: a twentieth of the window, in bounds."""
    life = min(LONGEST_LIFE, limit.window / 20)
    if limit.burst is not None:
        life = min(life, limit.burst * limit.window / limit.requests / 4)  # a life is lost between bursts
    return max(SHORTEST_LIFE, life)


@dataclass(frozen=True, slots=True)
class Ask:
    """What a window wants of the store.

    `want` tokens, of which `need` are waited for; `back`: (receipt, count) of unused ones; `report`: (seconds that
    they still count, count) of admissions that the store does not know.
    """

    want: int
    need: int
    back: tuple[tuple[int, int], ...] = ()
    report: tuple[tuple[float, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Grant:
    """What the store says: `count` tokens with their `receipt`, how many are `free` after that, and in how many
    seconds the next one is due when there were too few."""

    count: int
    receipt: int = 0
    free: int = 0
    retry_after: float = 0.0


@dataclass(slots=True)
class LeaseTerms:
    """What holds for all leased windows of a process.

    `members`: how many processes share the limits. `alone_since`: when the store went away, None while it is there.
    `refuses`: without the store nothing is admitted.
    """

    members: int = 1
    alone_since: float | None = None
    refuses: bool = False
