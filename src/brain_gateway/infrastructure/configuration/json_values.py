"""The short way for JSON: what the API is sent is written by programs, and YAML takes several times as long to read."""

from __future__ import annotations

import json


def plain_json(text: str) -> dict[str, object] | None:
    """The values of a JSON object, the same that YAML reads out of it.

    None where it is for YAML to read, or to say what is wrong: other texts, references to the environment, members that
    are there twice.
    """
    if not text.startswith("{") or "${" in text:
        return None
    try:
        values: dict[str, object] = json.loads(text, object_pairs_hook=_once, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return values


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError
    return members


def _refuse(constant: str) -> object:
    raise ValueError(constant)
