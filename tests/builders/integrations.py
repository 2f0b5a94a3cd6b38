"""Makers of catalogue entries and of what tenants set up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from brain_gateway.domain.integrations.authentication import Authentication, AuthScheme
from brain_gateway.domain.integrations.credential_field import CredentialField
from brain_gateway.domain.integrations.integration import (
    Integration,
    IntegrationCategory,
    IntegrationVariant,
)
from brain_gateway.domain.integrations.integration_config import IntegrationConfig
from brain_gateway.domain.tenancy import Secret

TENANT = "0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a"
OTHER = "5d1f0a52-7c39-4a0e-9b0c-3e7d0c6f8a21"
ID = "1c7a4f3e-90ab-4d5c-8e2f-0a1b2c3d4e5f"
PAY_KEY = CredentialField(
    name="secret_key", pattern="sk_(test|live)_[a-z0-9]{4,}", description="sk_ and more"
)
PAY_HOOK = CredentialField(name="webhook_secret", required=False)
GOOD = {"secret_key": "sk_test_abcd"}


def variant(*fields: CredentialField, name: str = "default", **more: Any) -> IntegrationVariant:
    """A variant with these fields, without authentication unless it is given."""
    return IntegrationVariant(name=name, fields=fields, **more)


def integration(*variants: IntegrationVariant, **more: Any) -> Integration:
    """An entry called pay; without variants, one with a needed secret_key and a webhook_secret."""
    bearer = Authentication(AuthScheme.BEARER, {"token": "secret_key"})
    usual = (variant(PAY_KEY, PAY_HOOK, authentication=bearer),)
    values = {
        "name": "pay",
        "title": "Pay",
        "category": IntegrationCategory.BUSINESS_OPS,
        "agents": 4,
        **more,
    }
    return Integration(variants=variants or usual, **values)


def config(**more: Any) -> IntegrationConfig:
    """What TENANT has set up of that entry: nothing yet."""
    values = {"id": ID, "integration_name": "pay", "category": IntegrationCategory.BUSINESS_OPS, **more}
    return IntegrationConfig(**{"tenant_id": TENANT, **values})


def secrets(values: Mapping[str, str]) -> dict[str, Secret]:
    """Credentials as they come: masked."""
    return {name: Secret(value) for name, value in values.items()}
