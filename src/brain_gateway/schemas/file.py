"""The whole of gateway.yaml."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from brain_gateway.domain.routing.target import Target
from brain_gateway.schemas.policies import LimitModel
from brain_gateway.schemas.service import ServiceModel
from brain_gateway.schemas.types import (
    MOST_ROLES,
    Model,
    RoleName,
    ServiceName,
    TenantId,
    saying,
)

_HASH = r"^sha256:[0-9a-f]{64}$"
_KEY_PREFIX = r"^bgk_[A-Za-z0-9_-]{0,8}$"
_DATE_TIME = WithJsonSchema({"type": "string", "format": "date-time"})
_LAST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()  # what can be written down again
_USER = r"^[!-~]{1,255}$"
_LABEL = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"
_TAKEN = frozenset(("api", "registry"))  # owners of what no file declares


def unix_seconds(value: object) -> float:
    """RFC 3339 text with a time zone, as unix seconds."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError('must be a date and time with a time zone, such as "2030-01-31T00:00:00Z"')
    seconds = moment.timestamp()
    if seconds > _LAST:
        raise ValueError("must be before the year 10000 in UTC; leave it out for never")
    return seconds


def _template(text: str) -> str:
    """A host template: parses as a target once {name} and {port} are filled in."""
    filled = fill_template(text, "name", 1)
    if "{" in filled or "}" in filled:
        raise ValueError("must contain no placeholders but {name} and {port}")
    saying(Target.parse)(filled)
    return text


def fill_template(template: str, name: str, port: int | None) -> str:
    """The URL of service `name` that listens on `port`."""
    return template.replace("{name}", name).replace("{port}", str(port))


def _hash(text: str) -> str:
    if not re.fullmatch(_HASH, text):
        raise ValueError(
            'must be "sha256:" and 64 hexadecimal digits in lower case, the hash of the whole key'
        )
    return text


def _key_prefix(text: str) -> str:
    if not re.fullmatch(_KEY_PREFIX, text):
        raise ValueError("must be the first characters of the key, bgk_ and at most 8 more")
    return text


def check_user(text: str) -> str:
    """Whose an API key is. Raises ValueError."""
    if not re.fullmatch(_USER, text):
        raise ValueError("must be 1 to 255 visible ASCII characters")
    return text


def check_label(text: str) -> str:
    """The label of a file, by which it knows its own. Raises ValueError."""
    if text in _TAKEN:
        raise ValueError("means what no file declares: choose another label")
    if not re.fullmatch(_LABEL, text):
        raise ValueError("must be 1 to 63 letters, digits, dots, hyphens and underscores")
    return text


Label = Annotated[str, AfterValidator(check_label), Field(json_schema_extra={"pattern": _LABEL})]


class LimitsModel(Model):
    """The limit classes; one that is left out keeps its default."""

    default: LimitModel | None = Field(default=None, description="Per tenant and service.")
    agents: LimitModel | None = Field(default=None, description="Services of kind ai.")
    admin: LimitModel | None = Field(
        default=None, description="Callers with role super_admin or tenant_admin."
    )
    public: LimitModel | None = Field(default=None, description="Anonymous callers, per client address.")


class TenantLimitsModel(LimitsModel):
    """Limits of one tenant, in the place of everyone's; one that is left out is as for everyone."""

    services: dict[ServiceName, LimitModel] | None = Field(
        default=None, description="By service: in the place of whatever limit the service has."
    )


class ApiKeyModel(Model):
    """One API key of a tenant. The key itself is never written down."""

    hash: Annotated[str, AfterValidator(_hash), Field(json_schema_extra={"pattern": _HASH})]
    prefix: Annotated[str, AfterValidator(_key_prefix), Field(json_schema_extra={"pattern": _KEY_PREFIX})] = (
        "bgk_"
    )
    user: Annotated[str, AfterValidator(check_user), Field(description="Who the key's holder is.")]
    roles: Annotated[tuple[RoleName, ...], Field(max_length=MOST_ROLES)] = ()
    expires_at: Annotated[float, BeforeValidator(unix_seconds), _DATE_TIME] | None = Field(
        default=None, description="From when on it is refused. Default: never."
    )


class TenantModel(Model):
    """A tenant: its name, services of its own (they shadow the global ones), and API keys."""

    name: str | None = Field(default=None, description="For people. Default: the id.")
    services: dict[ServiceName, ServiceModel] | None = None
    limits: TenantLimitsModel | None = None
    api_keys: tuple[ApiKeyModel, ...] = ()


class GatewayFile(Model):
    """gateway.yaml. Every key may be left out."""

    label: Label | None = Field(
        default=None, description="Whose what it declares is, to `config apply`. Default: the file's name."
    )
    packaged_services: Annotated[bool, Field(description="Whether to start from the packaged services.")] = (
        True
    )
    host_template: Annotated[str, AfterValidator(_template)] | None = Field(
        default=None, description="Where services without targets live: {name} and {port} are filled in."
    )
    limits: LimitsModel | None = None
    services: dict[ServiceName, ServiceModel | None] | None = Field(
        default=None, description="By name. A packaged service is changed key by key; null takes it out."
    )
    tenants: dict[TenantId, TenantModel] | None = Field(default=None, description="By id (UUID).")
