"""One entry of the catalogue of integrations: catalogue/integrations/NAME.yaml."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StrictBool, StrictInt, StrictStr

from brain_gateway.domain.integrations.authentication import AuthScheme
from brain_gateway.domain.integrations.credential_field import FIELD_NAME, pattern_fault
from brain_gateway.domain.integrations.integration import INTEGRATION_NAME, IntegrationCategory
from brain_gateway.schemas.policies import LimitModel
from brain_gateway.schemas.types import Model

_FIELD_NAME = Field(pattern=rf"^{FIELD_NAME}$")
_HEADER_NAME = Field(pattern=r"^[A-Za-z][A-Za-z0-9-]*$")


def _pattern(text: str) -> str:
    fault = pattern_fault(text)
    if fault is not None:
        raise ValueError(fault)
    return text


def _https(text: str) -> str:
    """An https URL; templates in it are judged later."""
    parts = urlsplit(text)
    if parts.scheme != "https" or not parts.netloc or parts.query or parts.fragment or text.endswith("/"):
        raise ValueError("must be a URL such as https://api.example.com/v1, without query and final /")
    return text


Text = Annotated[StrictStr, Field(min_length=1)]
Https = Annotated[StrictStr, AfterValidator(_https), Field(json_schema_extra={"pattern": "^https://"})]
FieldName = Annotated[StrictStr, _FIELD_NAME]
HeaderName = Annotated[StrictStr, _HEADER_NAME]


class CredentialModel(Model):
    """One field of the credentials."""

    required: StrictBool = Field(default=True, description="Whether activation needs it.")
    secret: StrictBool = Field(default=True, description="Whether it is never shown.")
    pattern: Annotated[Text, AfterValidator(_pattern)] | None = Field(
        default=None, description="What the whole value must match: a regular expression in linear time."
    )
    description: StrictStr = Field(default="", description="For people: what it is, where it is found.")
    values: dict[Text, dict[FieldName, StrictStr]] | None = Field(
        default=None, description="The only values, each with what {field.attribute} stands for then."
    )


class AuthModel(Model):
    """How a call is signed: the scheme, which field plays which part, and what the scheme needs to know."""

    scheme: AuthScheme
    uses: dict[FieldName, FieldName] | None = Field(
        default=None, description="Part of the scheme to credential field, where the names differ."
    )
    header: HeaderName | None = Field(default=None, description="The header that carries key or token.")
    prefix: Text | None = Field(default=None, description="What stands before the key in the header.")
    parameter: Text | None = Field(default=None, description="The query parameter that carries the key.")
    token_url: Https | None = Field(default=None, description="Where tokens are had (OAuth 2).")
    scope: Text | None = Field(default=None, description="What is asked for with a token (OAuth 2).")
    service: Text | None = Field(default=None, description="The service's signing name (SigV4).")
    region: Text | None = Field(default=None, description="The region that is signed (SigV4).")
    algorithm: Literal["sha512"] | None = Field(default=None, description="Of the request hash.")


class VariantModel(Model):
    """One way to be a customer: what is left out holds as the entry says."""

    credentials: dict[FieldName, CredentialModel] | None = None
    auth: AuthModel | None = None
    write_auth: AuthModel | None = Field(default=None, description="For calls that change something.")
    base_urls: dict[FieldName, Https] | None = Field(
        default=None, description="By name, `default` among them; {field} is filled in from the credentials."
    )
    headers: dict[HeaderName, Text] | None = Field(
        default=None, description="Sent with every call; one with {field} only while the field is set."
    )


class IntegrationModel(VariantModel):
    """An entry of the catalogue."""

    name: Annotated[StrictStr, Field(pattern=rf"^{INTEGRATION_NAME}$", description="As the file is called.")]
    title: Text
    category: IntegrationCategory
    agents: Annotated[StrictInt, Field(ge=1, le=4, description="Size of its pattern of agents.")]
    origin: Literal["platform", "documents", "project"] = Field(
        description="Who says that it is there, and its size: the platform's list, its other documents, or we."
    )
    documentation: Https | None = Field(default=None, description="The vendor's page.")
    variants: dict[FieldName, VariantModel] | None = Field(
        default=None, description="Where a vendor has several ways: the entry's own keys are what they share."
    )
    rate_limit: LimitModel = LimitModel(requests=60, window=60.0)
    retries: Annotated[StrictInt, Field(ge=0, le=9, description="Of a call that failed.")] = 3
