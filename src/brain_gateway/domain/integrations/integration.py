"""What the catalogue says of a third party: the same for every tenant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from brain_gateway.domain.errors import ConfigurationError, InvalidDocument
from brain_gateway.domain.integrations.authentication import NO_AUTHENTICATION, Authentication, nothing
from brain_gateway.domain.integrations.credential_field import CredentialField
from brain_gateway.domain.resilience.limits import RateLimit
from brain_gateway.domain.tenancy import Secret

INTEGRATION_NAME: Final = r"[a-z0-9][a-z0-9-]{0,62}"
DEFAULT_RATE_LIMIT: Final = RateLimit(60, 60.0)
DEFAULT_RETRIES: Final = 3
ONLY_VARIANT: Final = "default"
"""The name of the variant of an integration that has one."""

_NAME = re.compile(INTEGRATION_NAME, re.ASCII)


class IntegrationCategory(StrEnum):
    """The platform's five."""

    SOCIAL_MEDIA = "social_media"
    AI_PROVIDERS = "ai_providers"
    ECOMMERCE = "ecommerce"
    BUSINESS_OPS = "business_ops"
    SEARCH_ENGINES = "search_engines"


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrationVariant:
    """One way to be a customer of a vendor: its credentials, where its API is and how a call is signed.

    base_urls: by name, "default" first; they and `headers` (sent with every call) may have {field} and
    {field.attribute} to be filled in from the credentials. write_authentication: for calls that change
    something, where it is another.
    """

    name: str = ONLY_VARIANT
    fields: tuple[CredentialField, ...] = ()
    authentication: Authentication = NO_AUTHENTICATION
    write_authentication: Authentication | None = None
    base_urls: Mapping[str, str] = field(default_factory=nothing)
    headers: Mapping[str, str] = field(default_factory=nothing)

    def required_fields(self) -> tuple[str, ...]:
        """Names of the fields without which it cannot be activated."""
        return tuple(one.name for one in self.fields if one.required)

    def validate(self, credentials: Mapping[str, Secret]) -> tuple[str, ...]:
        """Every fault of `credentials`; names fields, never a value, nor a name that is not the catalogue's
        (it may be a secret in the wrong place).
        """
        faults = [fault for one in self.fields if (fault := one.fault(credentials.get(one.name)))]
        known = [one.name for one in self.fields]
        if not credentials.keys() <= set(known):
            faults.append(
                f"unknown fields: known are {', '.join(known)}" if known else "takes no credentials"
            )
        return tuple(faults)


@dataclass(frozen=True, slots=True, kw_only=True)
class Integration:
    """A third party in the catalogue: `agents` is the size of its pattern (4, 3, 2 or 1); `rate_limit` (calls
    per tenant) and `retries` are what a tenant begins with; `documentation` is the vendor's page, if known.

    Raises ConfigurationError.
    """

    name: str
    title: str
    category: IntegrationCategory
    agents: int
    variants: tuple[IntegrationVariant, ...]
    rate_limit: RateLimit = DEFAULT_RATE_LIMIT
    retries: int = DEFAULT_RETRIES
    documentation: str | None = None

    def __post_init__(self) -> None:
        if _NAME.fullmatch(self.name) is None:
            raise ConfigurationError(f"integration name {self.name!r} is not like amazon-sp")
        if self.agents not in (1, 2, 3, 4):
            raise ConfigurationError(f"integration {self.name}: agents must be 1, 2, 3 or 4")
        if not self.variants or len({variant.name for variant in self.variants}) < len(self.variants):
            raise ConfigurationError(f"integration {self.name}: needs a variant, and each name once")

    def variant(self, name: str) -> IntegrationVariant:
        """The variant of that name. Raises InvalidDocument."""
        for variant in self.variants:
            if variant.name == name:
                return variant
        known = ", ".join(variant.name for variant in self.variants)
        raise InvalidDocument(faults=(f"variant: must be one of {known}",))

    def variant_for(self, credentials: Mapping[str, Secret]) -> IntegrationVariant:
        """The variant that these credentials come nearest to: fewest faults, then most fields in common, then
        the catalogue's order.
        """

        def distance(variant: IntegrationVariant) -> tuple[int, int]:
            shared = credentials.keys() & {one.name for one in variant.fields}
            return len(variant.validate(credentials)), -len(shared)

        return min(self.variants, key=distance)

    def required_fields(self, variant: str | None = None) -> tuple[str, ...]:
        """Names of the credential fields that must be there, for a variant (None: the first)."""
        return (self.variants[0] if variant is None else self.variant(variant)).required_fields()

    def validate(self, credentials: Mapping[str, Secret], variant: str | None = None) -> tuple[str, ...]:
        """Every fault of `credentials` (none: they are complete), by the variant named or the nearest one."""
        chosen = self.variant_for(credentials) if variant is None else self.variant(variant)
        return chosen.validate(credentials)
