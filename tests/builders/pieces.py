"""Ways in which a network cuts bytes into pieces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise

from hypothesis import strategies as st


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    """`data` cut at these places; empty pieces are left out, as a network never delivers them."""
    bounds = [0, *sorted(min(place, len(data)) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(bounds) if end > start]


def every_cut(data: bytes, most: int | None = None) -> Iterator[list[bytes]]:
    """Every way to cut `data` at up to `most` places (None: at any number of them)."""
    inner = range(1, len(data))
    for count in range(len(inner) + 1 if most is None else most + 1):
        for places in combinations(inner, count):
            yield cut(data, places)


def cuts(longest: int = 400) -> st.SearchStrategy[Sequence[int]]:
    """Places to cut at; also everywhere."""
    return st.one_of(st.lists(st.integers(0, longest), max_size=12), st.just(range(longest)))
