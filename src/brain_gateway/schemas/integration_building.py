"""From an entry of the catalogue to the domain's Integration."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from brain_gateway.domain.integrations.authentication import NO_AUTHENTICATION, Authentication
from brain_gateway.domain.integrations.credential_field import CredentialField
from brain_gateway.domain.integrations.integration import (
    ONLY_VARIANT,
    Integration,
    IntegrationVariant,
)
from brain_gateway.domain.resilience.limits import RateLimit
from brain_gateway.schemas.integration import AuthModel, CredentialModel, IntegrationModel, VariantModel

_SETTINGS = tuple(name for name in AuthModel.model_fields if name not in ("scheme", "uses"))


def integration(model: IntegrationModel) -> Integration:
    """The entry as the domain has it. Raises ConfigurationError for what only the domain can tell."""
    variants = model.variants or {ONLY_VARIANT: VariantModel()}
    limit = model.rate_limit
    return Integration(
        name=model.name,
        title=model.title,
        category=model.category,
        agents=model.agents,
        variants=tuple(_variant(name, variant, model) for name, variant in variants.items()),
        rate_limit=RateLimit(limit.requests, limit.window, limit.burst),
        retries=model.retries,
        documentation=model.documentation,
    )


def _variant(name: str, model: VariantModel, shared: IntegrationModel) -> IntegrationVariant:
    """A variant on top of what all share: credentials, addresses and headers are added, signing is replaced."""
    credentials = {**(shared.credentials or {}), **(model.credentials or {})}
    auth, write_auth = model.auth or shared.auth, model.write_auth or shared.write_auth
    return IntegrationVariant(
        name=name,
        fields=tuple(_field(field, about) for field, about in credentials.items()),
        authentication=_authentication(auth) if auth else NO_AUTHENTICATION,
        write_authentication=_authentication(write_auth) if write_auth else None,
        base_urls=_frozen({**(shared.base_urls or {}), **(model.base_urls or {})}),
        headers=_frozen({**(shared.headers or {}), **(model.headers or {})}),
    )


def _field(name: str, model: CredentialModel) -> CredentialField:
    values = {value: _frozen(attributes) for value, attributes in (model.values or {}).items()}
    return CredentialField(
        name=name,
        required=model.required,
        secret=model.secret,
        pattern=model.pattern,
        description=model.description,
        values=MappingProxyType(values),
    )


def _authentication(model: AuthModel) -> Authentication:
    settings = {name: value for name in _SETTINGS if (value := getattr(model, name)) is not None}
    return Authentication(model.scheme, _frozen(model.uses or {}), _frozen(settings))


def _frozen(values: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType(dict(values))
