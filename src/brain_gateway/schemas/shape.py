"""Which keys a document knows at a path: read off the models."""

from __future__ import annotations

from types import UnionType
from typing import Annotated, TypeGuard, Union, get_args, get_origin

from pydantic import BaseModel

from brain_gateway.schemas.faults import Path
from brain_gateway.schemas.file import GatewayFile


def known_keys(path: Path, root: type[BaseModel] = GatewayFile) -> list[str]:
    """The keys that the mapping at `path` below `root` may have; empty where the keys are names or it is unknown."""
    here: object = root
    for step in path:
        here = _below(here, step)
    return sorted(here.model_fields) if _is_model(here) else []


def _below(annotation: object, step: str | int) -> object:
    """The type of `step` (a key, or an index of a list) in a value of type `annotation`."""
    if _is_model(annotation):
        field = annotation.model_fields.get(str(step))
        return _stripped(field.annotation) if field else None
    arguments = get_args(annotation)
    if get_origin(annotation) is dict:
        return _stripped(arguments[1])
    return _stripped(arguments[0]) if get_origin(annotation) is tuple else None


def _stripped(annotation: object) -> object:
    """Without Annotated[...] and without `| None`."""
    if get_origin(annotation) is Annotated:
        return _stripped(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return _stripped(next(part for part in get_args(annotation) if part is not type(None)))
    return annotation


def _is_model(annotation: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
