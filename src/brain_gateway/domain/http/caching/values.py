"""Field lines as values by name."""

from __future__ import annotations

from collections.abc import Iterable

Values = dict[bytes, bytes]


def combined(lines: Iterable[bytes]) -> Values:
    """Values by name in lower case; those of one name joined as one list (RFC 9110 section 5.3)."""
    values: Values = {}
    for line in lines:
        name, _, value = line.partition(b":")
        name, value = name.lower(), value.strip(b" \t")
        values[name] = values[name] + b", " + value if name in values else value
    return values


def firsts(lines: Iterable[bytes], names: Iterable[bytes]) -> Values:
    """The first value of each of these fields, which are no lists (Expires, Date, Age ...)."""
    wanted = frozenset(names)
    values: Values = {}
    for line in lines:
        name, _, value = line.partition(b":")
        name = name.lower()
        if name in wanted and name not in values:
            values[name] = value.strip(b" \t")
    return values
