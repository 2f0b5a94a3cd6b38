"""How keys are spread. What the store does is a contract: tests/contracts/test_limit_store.py."""

from __future__ import annotations

from collections import Counter

from brain_gateway.infrastructure.valkey.limits import PARTS, part_of


def test_keys_are_spread_evenly_and_stay_where_they_are():
    counts = Counter(part_of(f"tenant-{number}|crm|default|100/60") for number in range(8000))
    assert set(counts) == set(range(PARTS))
    assert max(counts.values()) < 1.2 * min(counts.values())
    assert part_of("tenant|crm|default|100/60") == part_of("tenant|crm|default|100/60")
