"""Faults of request bodies, in the words that the configuration file's faults have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, TypeVar, cast

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from brain_gateway.domain.errors import (
    ConfigurationError,
    Conflict,
    GatewayError,
    InvalidDocument,
    MalformedRequest,
)
from brain_gateway.domain.routing.service_route import ServiceRoute
from brain_gateway.schemas.building import ServiceBuilder
from brain_gateway.schemas.checks import findings, ties
from brain_gateway.schemas.faults import Path, dotted
from brain_gateway.schemas.messages import message, path_of
from brain_gateway.schemas.service import ServiceModel

Model = TypeVar("Model", bound=BaseModel)
_ENOUGH = InvalidDocument.MOST + 1  # more are not shown, and a document may have a hundred thousand


def invalid(error: RequestValidationError, model: object) -> GatewayError:
    """Faults of the body: InvalidDocument with them; of the query or the path: MalformedRequest."""
    details = cast("list[ErrorDetails]", list(error.errors()))
    in_body = [detail for detail in details if detail["loc"][:1] == ("body",)]
    if len(in_body) == len(details):
        own = [cast("ErrorDetails", {**one, "loc": one["loc"][1:]}) for one in in_body]
        return InvalidDocument(faults=_told(own, model))
    others = (one for one in details if one not in in_body)
    return MalformedRequest("; ".join(f"{'.'.join(map(str, one['loc']))}: {message(one)}" for one in others))


def validated(model: type[Model], values: Mapping[str, Any]) -> Model:
    """`values` as a model. Raises InvalidDocument with the faults."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise InvalidDocument(faults=_told(error.errors(), model)) from None


def service_of(
    builder: ServiceBuilder, name: str, model: ServiceModel, tenant_id: str | None
) -> ServiceRoute:
    """The service that a document describes. Raises InvalidDocument with the faults."""
    faults = [_line(path, text) for path, text in findings(model)]
    if builder.needs_port(model):
        faults.append("targets: is missing: give it targets, or the port that the host template asks for")
    if not faults:
        try:
            return builder.build(name, model, tenant_id)
        except Conflict:
            pass  # told below, with the routes
        except ConfigurationError as error:
            faults += error.faults
        except GatewayError as error:
            faults.append(error.detail)
    faults += [_line(path, text) for path, text in islice(ties(model), _ENOUGH)]
    raise InvalidDocument(faults=tuple(faults))


def _told(details: Iterable[ErrorDetails], model: object) -> tuple[str, ...]:
    root = model if isinstance(model, type) and issubclass(model, BaseModel) else BaseModel
    return tuple(_line(path_of(detail), message(detail, root=root)) for detail in islice(details, _ENOUGH))


def _line(path: Path, text: str) -> str:
    return f"{dotted(path)}: {text}" if path else f"the document: {text}"
