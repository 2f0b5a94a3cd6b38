"""What the endpoints of integrations take and answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema

from brain_gateway.api.rest.admin.models import ID, WHOSE, DateTime, ReadOnly
from brain_gateway.domain.integrations.integration import IntegrationCategory
from brain_gateway.domain.integrations.integration_config import MAX_RETRIES
from brain_gateway.domain.tenancy import Secret
from brain_gateway.schemas.policies import LimitModel
from brain_gateway.schemas.types import NUMBER, Model, TenantId

RATE_LIMIT = Field(
    default=None, description="Calls that the vendor gets from this tenant. Default: the catalogue's."
)
Retries = Annotated[int, Field(ge=0, le=MAX_RETRIES), NUMBER]
RETRIES = Field(
    default=None,
    description="How often a call that failed is made again, where that is safe. Default: the catalogue's.",
)


@dataclass(frozen=True, slots=True)
class Handed:
    """Credentials as they came: texts by field, masked; None for what is nothing of the kind, and is not shown."""

    values: Mapping[str, Secret] | None


def _handed(value: object) -> Handed:
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        return Handed(None)
    return Handed({name: Secret(text) for name, text in value.items()})


Credentials = Annotated[
    Handed,
    PlainValidator(_handed),
    WithJsonSchema({"type": "object", "additionalProperties": {"type": "string"}, "writeOnly": True}),
]


class Activation(Model):
    """Credentials to activate an integration with."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"credentials": {"secret_key": "sk_test_..."}}]},
        hide_input_in_errors=True,
    )

    credentials: Credentials | None = Field(
        None, description="By field. Left out: those on file. They are stored apart, and never shown."
    )
    variant: str | None = Field(
        None, description="Which of the catalogue's they are for. Default: the one that they come nearest to."
    )
    tenant: TenantId | None = WHOSE


class IntegrationState(Model):
    """What of an integration can be changed."""

    rate_limit: LimitModel | None = RATE_LIMIT
    retries: Retries | None = RETRIES


class IntegrationReplacement(IntegrationState):
    """An integration's settings as they are to be."""

    id: str | None = ReadOnly
    name: str | None = ReadOnly
    tenant: str | None = ReadOnly
    category: str | None = ReadOnly
    active: bool | None = ReadOnly
    health: str | None = ReadOnly
    credentials: dict[str, Any] | None = ReadOnly
    version: int | None = ReadOnly


class CredentialsAnswer(BaseModel):
    """What is known of credentials."""

    variant: str
    fields: list[str] = Field(description="Those that are set.")
    changed_at: DateTime


class IntegrationAnswer(BaseModel):
    """What a tenant has set up of an integration."""

    id: str = ID
    name: str
    tenant: str
    category: IntegrationCategory
    active: bool
    rate_limit: LimitModel
    retries: int
    health: Literal["healthy", "degraded", "down", "unknown"]
    credentials: CredentialsAnswer | None = Field(None, description="Left out: there are none.")
    version: int = Field(description="Counts the changes from 1; part of the ETag.")


class FieldAnswer(BaseModel):
    """One field of an integration's credentials."""

    name: str
    required: bool
    secret: bool
    pattern: str | None = Field(None, description="A regular expression that the whole value must match.")
    description: str | None = None
    values: list[str] | None = Field(None, description="The only ones that are taken.")


class VariantAnswer(BaseModel):
    """One way to be a customer of a vendor."""

    name: str
    scheme: str = Field(description="How calls prove whose they are.")
    fields: list[FieldAnswer]


class CatalogueEntryAnswer(BaseModel):
    """An integration that can be activated."""

    name: str
    title: str
    category: IntegrationCategory
    agents: int
    rate_limit: LimitModel = Field(description="What a tenant begins with.")
    retries: int
    documentation: str | None = None
    variants: list[VariantAnswer]
