"""A plan as people read it: + is created, ~ changed, - deleted, = adopted as it is, ! belongs to another label."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import typer

from brain_gateway.cli.remote.api import Document
from brain_gateway.cli.remote.exits import printable
from brain_gateway.cli.remote.screen import shown

_SIGNS: Final = {"create": "+", "update": "~", "delete": "-", "adopt": "=", "conflict": "!"}
_COLOURS: Final = {"+": "green", "~": "yellow", "-": "red", "=": "cyan", "!": "red"}
_COUNTED: Final = (
    ("create", "to create"),
    ("update", "to change"),
    ("delete", "to delete"),
    ("adopt", "to adopt"),
)
_NAMES: Final = ("url", "path", "hash")
"""The members by which entries of lists are told apart."""


def lines_of(plan: Document) -> Iterator[str]:
    """The plan line by line, coloured, its summary last."""
    for change in plan["changes"]:
        sign = _SIGNS[change["step"]]
        yield _coloured(sign, f"{sign} {_kind(change)} {change['key']}{_remark(change)}")
        if change["step"] == "update":
            for inner, text in differences(change["before"], change["after"]):
                yield _coloured(inner, f"    {inner} {text}")
    yield summary(plan)


def summary(plan: Document) -> str:
    """How much is to be done, in one line."""
    counts = plan["summary"]
    parts = [f"{counts[step]} {what}" for step, what in _COUNTED if counts.get(step)]
    if counts.get("conflict"):
        parts.append(f"{counts['conflict']} in conflict")
    return f"{', '.join(parts) or 'nothing to do'}; {counts['unchanged']} unchanged"


def is_empty(plan: Document) -> bool:
    """Whether everything is as it should be."""
    return not plan["changes"]


def conflicts(plan: Document) -> list[str]:
    """What another label declares."""
    return [
        f"{_kind(change)} {change['key']} is declared by {change.get('owner', 'another')}"
        for change in plan["changes"]
        if change["step"] == "conflict"
    ]


def differences(before: object, after: object, path: str = "") -> Iterator[tuple[str, str]]:
    """(sign, text) of everything in which two documents differ, down to their scalars."""
    if before == after:
        return
    old, new = _members(before), _members(after)
    if old is None or new is None:
        sign = "+" if before is None else "-" if after is None else "~"
        values = [shown(one) for one in (before, after) if one is not None]
        yield sign, f"{path}: {' -> '.join(values)}"
        return
    for name in {**old, **new}:
        below = f"[{name}]" if isinstance(before, list) else f".{name}" if path else name
        yield from differences(old.get(name), new.get(name), path + below)


def _members(value: object) -> dict[str, Any] | None:
    """What can be compared one by one: of a mapping its members, of a list of mappings its entries by name."""
    if isinstance(value, dict):
        return value
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        named = {_name(one): one for one in value}
        return named if len(named) == len(value) else None
    return None


def _name(entry: dict[str, Any]) -> str:
    name = next((str(entry[key]) for key in _NAMES if key in entry), "")
    methods: Sequence[str] = entry.get("methods", ())
    return f"{','.join(methods)} {name}" if methods else name


def _kind(change: Document) -> str:
    return str(change["kind"]).replace("_", " ")


def _remark(change: Document) -> str:
    """Whose it was, where that changes or stands in the way."""
    owner = change.get("owner")
    if change["step"] == "conflict":
        return f"  (declared by {owner or 'another'})"
    return f"  (was {owner}'s)" if change["step"] == "adopt" and owner else ""


def _coloured(sign: str, text: str) -> str:
    return typer.style(printable(text), fg=_COLOURS.get(sign))
