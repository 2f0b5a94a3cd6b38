"""What pydantic found, in words that say what to do."""

from __future__ import annotations

import re
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from brain_gateway.schemas.faults import Path
from brain_gateway.schemas.file import GatewayFile
from brain_gateway.schemas.shape import known_keys

Context = dict[str, Any]

_WANTED: dict[str, Callable[[Context], str]] = {
    "bool_parsing": lambda _: "must be true or false",
    "bool_type": lambda _: "must be true or false",
    "dict_type": lambda _: "must be a mapping (lines of `key: value`)",
    "enum": lambda context: f"must be one of {', '.join(_choices(context))}",
    "finite_number": lambda _: "must be a number",
    "float_parsing": lambda _: "must be a number",
    "float_type": lambda _: "must be a number",
    "greater_than": lambda context: f"must be more than {context['gt']:g}",
    "greater_than_equal": lambda context: f"must be at least {context['ge']:g}",
    "int_from_float": lambda _: "must be a whole number",
    "int_parsing": lambda _: "must be a whole number",
    "int_parsing_size": lambda _: "must be a whole number",
    "int_type": lambda _: "must be a whole number",
    "less_than_equal": lambda context: f"must be at most {context['le']:.16g}",
    "literal_error": lambda context: f"must be one of {', '.join(_choices(context))}",
    "model_type": lambda _: "must be a mapping (lines of `key: value`)",
    "model_attributes_type": lambda _: "must be a mapping (lines of `key: value`)",
    "string_type": lambda _: "must be text; put it in quotes",
    "string_too_long": lambda context: f"must have at most {context['max_length']} characters",
    "too_long": lambda context: f"must have at most {context['max_length']} entries",
    "tuple_type": lambda _: "must be a list ([a, b] or lines of `- a`)",
    "value_error": lambda context: str(context["error"]),
}


def message(error: ErrorDetails, reference: str | None = None, root: type[BaseModel] = GatewayFile) -> str:
    """One sentence: what it must be, what it is, and the nearest allowed word when there is one.

    `reference` is the value as written when it comes from the environment; it is shown in place of the value,
    which may be a secret. `root`: the model of the whole document.
    """
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_key(error["loc"], root)
    if kind == "missing":
        return "is missing: add it"
    value = error["input"]
    wanted = _WANTED[kind](context) if kind in _WANTED else error["msg"]
    if isinstance(value, str) and f'"{value}"' in wanted:
        return wanted.replace(value, reference or value)
    if kind == "value_error" and isinstance(value, dict):
        return wanted  # about several keys: it names them
    return f"{wanted}{_shown(value, reference)}{_nearest(value, _choices(context))}"


def _unknown_key(path: tuple[int | str, ...], root: type[BaseModel]) -> str:
    *parent, key = path
    known = known_keys(tuple(parent), root)
    near = get_close_matches(str(key), known, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
    return f"is not a known key; {hint}"


def _choices(context: Context) -> list[str]:
    """The words that pydantic lists as "'a', 'b' or 'c'"."""
    return re.findall(r"'([^']*)'", str(context.get("expected", "")))


def _shown(value: object, reference: str | None) -> str:
    if reference is not None:
        return f", not the value of {reference}"
    if value is None:
        return ", and there is nothing"
    if isinstance(value, bool):
        return f", not {str(value).lower()}"
    if isinstance(value, str):
        return f', not "{value[:60]}{"..." if len(value) > 60 else ""}"'
    return f", not {value}" if isinstance(value, int | float) else f", not a {_shape(value)}"


def _shape(value: object) -> str:
    return "mapping" if isinstance(value, dict) else "list"


def _nearest(value: object, choices: list[str]) -> str:
    near = get_close_matches(str(value).lower(), choices, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


def path_of(error: ErrorDetails) -> Path:
    """The path of the fault in the file. pydantic marks a fault of a key itself by a last step "[key]"."""
    loc = error["loc"]
    return loc[:-1] if loc and loc[-1] == "[key]" else loc
