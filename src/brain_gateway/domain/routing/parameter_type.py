"""The types of parameters in a route pattern: one row each."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

ParameterValue = str | int | UUID

RANK_PATH, RANK_TEXT, RANK_TYPED, RANK_LITERAL = range(4)


@dataclass(frozen=True, slots=True, eq=False)
class ParameterType:
    """How a parameter looks in a path (`expression`), how specific it is (`rank`) and what it becomes
    (`convert`).
    """

    name: str
    expression: re.Pattern[str]
    rank: int
    convert: Callable[[str], ParameterValue]

    def accepts(self, text: str) -> bool:
        """Whether the whole of `text` is such a value."""
        return self.expression.fullmatch(text) is not None


# str and path take any character: policies hang on routes, so no odd character may lead around one.
PARAMETER_TYPES: Final[dict[str, ParameterType]] = {
    kind.name: kind
    for kind in (
        ParameterType("str", re.compile(r"[^/]+"), RANK_TEXT, str),
        ParameterType("int", re.compile(r"[0-9]{1,19}"), RANK_TYPED, int),
        ParameterType("slug", re.compile(r"[A-Za-z0-9_-]+"), RANK_TYPED, str),
        ParameterType(
            "uuid", re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"), RANK_TYPED, UUID
        ),
        ParameterType("path", re.compile(r"(?s:.*)"), RANK_PATH, str),
    )
}

# Two different typed parameters that some text satisfies at once; every other pair of typed ones is disjoint.
SHARING: Final = frozenset({frozenset({"int", "slug"}), frozenset({"uuid", "slug"})})


def share_a_text(one: ParameterType, other: ParameterType) -> bool:
    """Whether some text satisfies both (types of the same rank)."""
    return one is other or frozenset({one.name, other.name}) in SHARING
