"""Frozen values of the domain as JSON and back, by the types of their fields: what comes back is checked again.

What was written by a newer version and is not known here is refused, not dropped: it may be what protects something.
Null is dropped: there nothing was asked for, and versions may differ for a while.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, TypeAlias, Union, get_args, get_origin, get_type_hints

import orjson

Json: TypeAlias = Any
"""None, bool, int, float, str, list or dict: what a document is made of."""
Kind: TypeAlias = Any
"""A type as annotations have it: a class, `X | None`, `tuple[X, ...]`."""


_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS


def plain(value: object) -> Json:
    """`value` as JSON has it: dataclasses as objects, sets sorted, enumerations by value."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return value
    if isinstance(value, (frozenset, set)):
        return sorted(map(plain, value))
    if isinstance(value, (tuple, list)):
        return [plain(one) for one in value]
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if is_dataclass(value):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value) if one.init}
    raise TypeError(f"{type(value).__name__} cannot be stored")


def to_text(value: object) -> str:
    """`plain(value)` as JSON text, keys sorted, so that equal values are equal texts."""
    return orjson.dumps(value, default=plain, option=_OPTIONS).decode()


def from_text(text: str) -> Json:
    """JSON text as plain values. Raises ValueError."""
    return orjson.loads(text)


def object_in(text: str) -> dict[str, Json]:
    """The JSON object that a text is. Raises ValueError."""
    return _object(orjson.loads(text))


def known_in(data: dict[str, Json], names: Collection[str], what: str) -> dict[str, Json]:
    """`data` without what is null and has none of these names. Raises ValueError for another name."""
    known = {name: one for name, one in data.items() if name in names or one is not None}
    unknown = known.keys() - set(names)
    if unknown:
        raise ValueError(f"{what} has no {min(unknown)} in this version")
    return known


def build(kind: Kind, data: Json) -> Json:
    """The value of type `kind` in plain `data`. Raises ValueError, and what its type raises."""
    return _builder(kind)(data)


def parts_of(kind: type) -> Mapping[str, Any]:
    """The types of a dataclass's fields."""
    return _hints(kind)


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    hints = get_type_hints(kind)
    return {one.name: hints[one.name] for one in fields(kind) if one.init}


@cache
def _builder(kind: Kind) -> Callable[[Any], Any]:
    origin: Any = get_origin(kind)
    inner = get_args(kind)
    if origin in (Union, types.UnionType):
        return _optional(inner)
    if origin is tuple:
        return _sequence(tuple, inner[0])
    if origin is frozenset:
        return _sequence(frozenset, inner[0])
    if origin is not None and issubclass(origin, Mapping):
        return _mapping(inner[1])
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    if is_dataclass(kind):
        return _record(kind)
    return _scalar(kind)


def _optional(kinds: tuple[Any, ...]) -> Callable[[Any], Any]:
    (inner,) = (kind for kind in kinds if kind is not type(None))
    make = _builder(inner)
    return lambda data: None if data is None else make(data)


def _sequence(collect: Callable[[Any], Any], inner: Kind) -> Callable[[Any], Any]:
    make = _builder(inner)

    def sequence(data: Json) -> Json:
        if not isinstance(data, list):
            raise ValueError("a list was expected")
        return collect(map(make, data))

    return sequence


def _mapping(inner: Kind) -> Callable[[Any], Any]:
    make = _builder(inner)
    return lambda data: types.MappingProxyType({key: make(one) for key, one in _object(data).items()})


def _record(kind: Kind) -> Callable[[Any], Any]:
    def record(data: Json) -> Json:
        hints = _hints(kind)
        given = known_in(_object(data), hints.keys(), kind.__name__)
        return kind(**{name: _builder(hints[name])(one) for name, one in given.items()})

    return record


def _scalar(kind: Kind) -> Callable[[Any], Any]:
    if kind not in (bool, int, float, str):
        raise TypeError(f"{kind} cannot be read back")

    def scalar(data: Json) -> Json:
        if kind is float and type(data) is int:
            return float(data)
        if type(data) is not kind:
            raise ValueError(f"{kind.__name__} was expected, not {type(data).__name__}")
        return data

    return scalar


def _object(data: Json) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise ValueError("an object was expected")
    return data
