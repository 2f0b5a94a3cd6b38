"""What the API takes and answers beside the models of gateway.yaml. Answers leave out what is as usual."""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from brain_gateway.domain.tenants import MAX_NAME, TenantStatus
from brain_gateway.schemas.file import check_user, unix_seconds
from brain_gateway.schemas.policies import LimitModel
from brain_gateway.schemas.service import RouteModel, ServiceModel, TargetEntry, TargetModel
from brain_gateway.schemas.types import Duration, Model, RoleName, ServiceName, TenantId

_SERVICE_EXAMPLE: dict[str, Any] = {
    "name": "reports",
    "targets": ["http://10.0.0.5:9010"],
    "prefix": "/api/v2",
    "routes": [{"path": "/monthly/{month:slug}", "methods": ["GET"], "roles": ["manager"]}],
}
Item = TypeVar("Item")
ID = Field(description="A UUID.")
DateTime = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


def _printable(text: str) -> str:
    if not 1 <= len(text) <= MAX_NAME or not text.isprintable():
        raise ValueError(f"must be 1 to {MAX_NAME} printable characters")
    return text


Printable = Annotated[str, AfterValidator(_printable)]
ReadOnly = Field(
    default=None, description="Read-only: taken so that what was read can be sent back; ignored."
)


class Page(BaseModel, Generic[Item]):
    """Some of a list, in its order."""

    items: list[Item]
    next: str | None = Field(None, description="The cursor of the page that follows; left out at the end.")


class Bookkeeping(BaseModel):
    """What is always there."""

    version: int = Field(description="Counts the changes from 1; part of the ETag.")
    owner: str = Field(description="Who declares it: api, registry, gateway.yaml, or the label of a file.")
    created_at: DateTime
    updated_at: DateTime


class NewService(ServiceModel):
    """A service to register."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SERVICE_EXAMPLE]})

    name: ServiceName


class ServiceReplacement(ServiceModel):
    """A service as it is to be. Its name, and whose it is, do not change."""

    name: ServiceName | None = None
    id: str | None = ReadOnly
    tenant: str | None = ReadOnly
    version: int | None = ReadOnly
    owner: str | None = ReadOnly
    created_at: str | None = ReadOnly
    updated_at: str | None = ReadOnly


class ServiceAnswer(ServiceModel, Bookkeeping):
    """A registered service. Where a global one lives is shown to a super_admin alone."""

    id: str = ID
    name: str
    tenant: str | None = Field(None, description="Whose it is; left out: everybody's.")


class RouteReplacement(RouteModel):
    """A route as it is to be."""

    id: str | None = ReadOnly


class RouteAnswer(RouteModel):
    """A route; its `id` changes with its path and methods."""

    id: str = Field(description="For the path of this API.")


class TargetLeaseAnswer(BaseModel):
    """The target registered itself, and is there until then unless it renews its lease."""

    expires_at: DateTime


class TargetAnswer(TargetModel):
    """A target of a service."""

    id: str = Field(description="For the path of this API.")
    lease: TargetLeaseAnswer | None = None


class NewTenant(Model):
    """A tenant to register; without an id it gets one."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Acme"}]})

    id: TenantId | None = None
    name: Printable


class TenantState(Model):
    """What of a tenant can be changed."""

    name: Printable
    status: Literal[TenantStatus.ACTIVE, TenantStatus.SUSPENDED]


class TenantAnswer(Bookkeeping):
    """A tenant."""

    id: str = ID
    name: str
    status: TenantStatus


class NewKey(Model):
    """An API key to issue."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"user": "nightly-export", "roles": ["client"]}]}
    )

    user: Annotated[str, AfterValidator(check_user), Field(description="Who its holder is.")]
    roles: tuple[RoleName, ...] = ()
    name: Printable | None = Field(None, description="For people.")
    expires_at: (
        Annotated[
            float,
            BeforeValidator(unix_seconds),
            WithJsonSchema({"type": "string", "format": "date-time"}),
        ]
        | None
    ) = Field(None, description="From when on it is refused. Default: never.")


class KeyAnswer(Bookkeeping):
    """An API key; the key itself is not kept."""

    id: str = ID
    tenant: str
    prefix: str = Field(description="The first characters of the key, to recognise it by.")
    user: str
    name: str | None = None
    roles: list[str] | None = None
    expires_at: DateTime | None = None
    revoked_at: DateTime | None = None


class IssuedKeyAnswer(KeyAnswer):
    """A new key. It is shown this once; an answer that is repeated says so instead."""

    key: str | None = Field(None, description="The key.")
    note: str | None = Field(None, description="Why there is no key in it.")


class LimitReplacement(LimitModel):
    """A limit as it is to be."""


class LimitAnswer(LimitModel, Bookkeeping):
    """A limit in place of the default."""

    id: str = ID
    name: str = Field(description="default, agents, admin, public, or service:NAME for one tenant.")
    tenant: str | None = Field(None, description="Whose requests it counts; left out: everybody's.")


class NewInstance(Model):
    """An instance that offers itself."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"service": "reports", "target": "http://10.0.0.7:9010", "ttl": "30s"}]
        }
    )

    service: ServiceName
    target: TargetEntry
    ttl: Annotated[Duration, Field(description="Seconds until it is gone unless it renews: 1 s to 1 h.")] = (
        30.0
    )
    settings: dict[str, Any] | None = Field(
        None, description="Of the service, where it is not registered yet: as of a service, without targets."
    )


class Renewal(Model):
    """A heartbeat."""

    ttl: Annotated[Duration, Field(description="Seconds from now on.")] = 30.0


class InstanceAnswer(BaseModel):
    """An instance and its lease."""

    id: str = Field(description="The lease: a UUID.")
    service: str
    service_id: str
    tenant: str | None = None
    target: TargetModel
    expires_at: DateTime


class NewPurge(Model):
    """What is to be forgotten; without a service, everything."""

    service: ServiceName | None = None
    path: Annotated[str, Field(max_length=8000, pattern=r"^/[!-~]*$")] | None = Field(
        None, description="Below the service's name, whatever the query."
    )
    prefix: bool = Field(False, description="Whether all paths that begin so are meant.")


class PurgeAnswer(BaseModel):
    """How many answers were forgotten here."""

    purged: int
