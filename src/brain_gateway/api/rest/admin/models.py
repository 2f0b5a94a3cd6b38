"""What the API takes and answers beside the models of gateway.yaml. Answers leave out what is as usual."""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from brain_gateway.api.rest.admin.health_models import GatewayHealthAnswer
from brain_gateway.domain.routing.target import MAX_WEIGHT
from brain_gateway.domain.tenants import MAX_NAME, TenantStatus, is_for_people
from brain_gateway.schemas.file import GatewayFile, Label, check_user, unix_seconds
from brain_gateway.schemas.policies import LimitModel
from brain_gateway.schemas.service import RouteModel, ServiceModel, TargetEntry, TargetModel
from brain_gateway.schemas.types import MOST_ROLES, NUMBER, Duration, Model, RoleName, ServiceName, TenantId

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
    if not is_for_people(text):
        raise ValueError(f"must be 1 to {MAX_NAME} printable characters, not only spaces")
    return text


Printable = Annotated[str, AfterValidator(_printable)]
WHOSE = Field(default=None, description="Whose it is to be: the same as the parameter `tenant`.")
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
    tenant: TenantId | None = WHOSE


class ServiceReplacement(ServiceModel):
    """A service as it is to be. Its name, and whose it is, do not change."""

    name: ServiceName | None = None
    id: str | None = ReadOnly
    tenant: str | None = ReadOnly
    version: int | None = ReadOnly
    owner: str | None = ReadOnly
    created_at: str | None = ReadOnly
    updated_at: str | None = ReadOnly
    leases: dict[str, Any] | None = ReadOnly


class ServiceAnswer(ServiceModel, Bookkeeping):
    """A registered service. Where a global one lives is shown to a super_admin alone."""

    id: str = ID
    name: str
    tenant: str | None = Field(None, description="Whose it is; left out: everybody's.")
    leases: dict[str, DateTime] | None = Field(
        None, description="Targets that registered themselves, and when they are gone unless they renew."
    )


class RouteReplacement(RouteModel):
    """A route as it is to be."""

    id: str | None = ReadOnly


class RouteAnswer(RouteModel):
    """A route; its `id` changes with its path and methods."""

    id: str = Field(description='For the path of this API: "GET /monthly/{month:slug}".')


class TargetState(Model):
    """What of a target can be changed."""

    url: str
    weight: Annotated[int, Field(ge=0, le=MAX_WEIGHT), NUMBER] = 1


class TargetAnswer(TargetModel):
    """A target of a service."""

    id: str = Field(description="For the path of this API: its address.")
    expires_at: DateTime | None = Field(
        None, description="It registered itself, and is gone then unless it renews."
    )


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
    roles: Annotated[tuple[RoleName, ...], Field(max_length=MOST_ROLES)] = ()
    name: Printable | None = Field(None, description="For people.")
    tenant: TenantId | None = WHOSE
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

    id: str | None = ReadOnly
    name: str | None = ReadOnly
    tenant: str | None = ReadOnly
    version: int | None = ReadOnly
    owner: str | None = ReadOnly
    created_at: str | None = ReadOnly
    updated_at: str | None = ReadOnly


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
    tenant: TenantId | None = WHOSE
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

    tenant: TenantId | None = WHOSE
    service: ServiceName | None = None
    path: Annotated[str, Field(max_length=8000, pattern=r"^/[!-~]*$")] | None = Field(
        None, description="Below the service's name, whatever the query."
    )
    prefix: bool = Field(False, description="Whether all paths that begin so are meant.")


class PurgeAnswer(BaseModel):
    """How many answers were forgotten here."""

    purged: int


class TargetHealthAnswer(BaseModel):
    """How a target is. Where a global service lives is shown to a super_admin alone."""

    url: str | None = None
    status: Literal["healthy", "down", "unknown"]
    breaker: Literal["closed", "half_open", "open"]
    response_time_ms: float | None = None
    checked_at: DateTime | None = None
    detail: str


class ServiceHealthAnswer(BaseModel):
    """How a service is."""

    name: str
    tenant: str | None = None
    status: Literal["healthy", "degraded", "down", "unknown"]
    since: DateTime
    response_time_ms: float | None = None
    breaker: Literal["closed", "half_open", "open"]
    targets: list[TargetHealthAnswer]


class HealthAnswer(BaseModel):
    """How the services are."""

    status: Literal["healthy", "degraded", "down", "unknown"]
    timestamp: DateTime
    gateway: GatewayHealthAnswer | None = Field(None, description="For a super_admin alone.")
    services: list[ServiceHealthAnswer]


class HeadAnswer(BaseModel):
    """The end of a chain."""

    tenant: str | None = Field(None, description="Left out: the platform's.")
    sequence: int
    hash: str


class AuditAnswer(HeadAnswer):
    """One change."""

    occurred_at: DateTime
    actor: str
    actor_tenant: str | None = None
    action: str
    subject: str
    request_id: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    previous: str = Field(description="The hash of the entry before.")


class ChainAnswer(BaseModel):
    """What a chain was found to be."""

    tenant: str | None = Field(None, description="Left out: the platform's.")
    entries: int
    head: str
    holds: bool
    faults: list[str]


class ConfigurationAnswer(GatewayFile):
    """Everything, as a file declares it."""


class DeclaredConfiguration(Model):
    """A configuration and whose it is."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "owner": "shop-team",
                    "document": {
                        "packaged_services": False,
                        "services": {"shop": {"targets": ["http://10.0.0.5:9010"]}},
                    },
                }
            ]
        }
    )

    document: dict[str, Any] | str = Field(description="As of gateway.yaml; as text: YAML or JSON.")
    owner: Annotated[Label, Field(description="The label of what is declared.")]
    prune: bool = Field(True, description="Delete what this label declared once and declares no more.")
    take_over: bool = Field(False, description="Declare also what another label declares.")


class ConfigurationToApply(DeclaredConfiguration):
    """A configuration to be put in force."""

    base: Annotated[int, Field(ge=0), NUMBER] | None = Field(
        None, description="`base` of the plan that was agreed to."
    )


class ChangeAnswer(BaseModel):
    """One step of a plan."""

    step: Literal["create", "update", "delete", "adopt", "conflict"]
    kind: Literal["tenant", "limit", "service", "api_key"]
    key: str = Field(description='Its name, or "tenant/name".')
    owner: str | None = Field(None, description="Who declares it now.")
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class PlanAnswer(BaseModel):
    """What is to be done."""

    base: int = Field(description="The configuration version that the plan is made for.")
    owner: str
    changes: list[ChangeAnswer]
    summary: dict[str, int] = Field(description="How many steps of each kind, and how much is unchanged.")


class AppliedAnswer(PlanAnswer):
    """What was done, and the version that it made."""

    version: int
