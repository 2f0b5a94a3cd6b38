"""The scalars of the file: each reads what people write, and says in one sentence what it wants."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, TypeVar
from urllib.parse import unquote

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
)

from brain_gateway.application.gateway.routing_table import RESERVED
from brain_gateway.domain.errors import GatewayError
from brain_gateway.domain.routing.http_method import is_method
from brain_gateway.domain.routing.route_pattern import RoutePattern
from brain_gateway.domain.tenancy import tenant_id
from brain_gateway.settings.durations import DURATION_PATTERN, parse_duration

Value = TypeVar("Value")

_NAME = r"^[a-z0-9][a-z0-9-]{0,62}$"
_ROLE = r"^[A-Za-z][A-Za-z0-9_.-]{0,62}$"  # what identities may carry, and no more: see header_safe.py
MOST_ROLES = 32
MOST_TEXT = 2000  # characters of a path
_PREFIX = r"^(/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*/?$"
_USUAL_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})


class Model(BaseModel):
    """Base of every mapping of the file: unknown keys are refused, values cannot be changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def saying(domain: Callable[[str], Value]) -> Callable[[object], Value]:
    """`domain` as a validator: its error, which says what to do, becomes the message of the fault."""

    def validate(value: object) -> Value:
        if not isinstance(value, str):
            raise ValueError("must be text")
        try:
            return domain(value)
        except GatewayError as error:
            raise ValueError(error.detail) from error

    return validate


def _like(pattern: str, must: str) -> Callable[[str], str]:
    compiled = re.compile(pattern)

    def validate(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError(must)
        return text

    return validate


def _not_empty(values: tuple[Value, ...]) -> tuple[Value, ...]:
    if not values:
        raise ValueError("must have at least one entry")
    return values


def _number(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("must be a number")
    return value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _method(text: str) -> str:
    if not is_method(text):
        raise ValueError("must be an HTTP method such as GET: a token of RFC 9110")
    if text not in _USUAL_METHODS and text.upper() in _USUAL_METHODS:
        raise ValueError(
            f"must be in upper case, {text.upper()}: methods are case-sensitive (RFC 9110 section 9.1)"
        )
    return text


def _service_name(text: str) -> str:
    if text in RESERVED:
        raise ValueError("is a path of the gateway itself: choose another name")
    return _like(
        _NAME, "must be 1 to 63 lower-case letters, digits and hyphens, and not begin with a hyphen"
    )(text)


def _tenant(text: str) -> str:
    if tenant_id(text) != text:
        raise ValueError("must be written in lower case")
    return text


def _prefix(text: str) -> str:
    _like(_PREFIX, "must be a path such as /api/v1/agents, without query and empty segments")(text)
    if any(unquote(segment) in (".", "..") for segment in text.split("/")):
        raise ValueError("must not contain . or .. as a segment")
    return text.rstrip("/")


NUMBER = BeforeValidator(_number)
Share = Annotated[float, Field(ge=0, le=1), NUMBER]
Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    WithJsonSchema(
        {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": DURATION_PATTERN}]}
    ),
]
Instant = Annotated[Duration, Field(gt=0)]
NOT_EMPTY = AfterValidator(_not_empty)
AT_LEAST_ONE = Field(json_schema_extra={"minItems": 1})
LowerCase = BeforeValidator(_lower)
ServiceName = Annotated[str, AfterValidator(_service_name), Field(json_schema_extra={"pattern": _NAME})]
TenantId = Annotated[str, AfterValidator(saying(_tenant)), Field(json_schema_extra={"format": "uuid"})]
RoleName = Annotated[
    str,
    AfterValidator(
        _like(_ROLE, "must be the name of a role, such as tenant_admin: letters, digits, _, . and -")
    ),
    Field(json_schema_extra={"pattern": _ROLE}),
]
Method = Annotated[str, Field(max_length=64), AfterValidator(_method)]
Prefix = Annotated[
    str, Field(max_length=MOST_TEXT), AfterValidator(_prefix), Field(json_schema_extra={"pattern": _PREFIX})
]
Pattern = Annotated[
    RoutePattern,
    PlainValidator(saying(RoutePattern), json_schema_input_type=str),
    PlainSerializer(str, return_type=str),
]
