"""Instants and spans as floats, rounded so that a promise about time is never broken by the last bit."""

from __future__ import annotations

from math import inf, nextafter


def not_before(instant: float, span: float) -> float:
    """The smallest float that is not before the exact sum `instant + span` (both finite, in seconds).

    The rounding error of the sum is found exactly (Knuth's two-sum) and only then is the result moved up.
    """
    total = instant + span
    back = total - instant
    error = (instant - (total - back)) + (span - back)
    return nextafter(total, inf) if error > 0.0 else total


def seconds_until(now: float, instant: float) -> float:
    """How long to wait from `now` so that `now + wait >= instant` holds in floats; 0.0 when it is due."""
    if instant <= now:
        return 0.0
    wait = instant - now
    return wait if now + wait >= instant else nextafter(wait, inf)
