"""Tenants as the platform administers them: registered, suspended, resumed, deleted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from brain_gateway.domain.errors import ConfigurationError, CredentialsInvalid
from brain_gateway.domain.tenancy import tenant_id

MAX_NAME = 200


def is_for_people(name: str) -> bool:
    """Whether a name can be read in a list: 1 to 200 printable characters, not only spaces."""
    return len(name) <= MAX_NAME and name.isprintable() and bool(name.strip())


class TenantStatus(StrEnum):
    """ACTIVE tenants are served; SUSPENDED and DELETED ones are refused, whatever token they show."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """A customer of the platform. `id` is a UUID; `name` is for people (`is_for_people`).

    A deleted tenant stays as a tombstone, so that its tokens stay refused. Raises ConfigurationError.
    """

    id: str
    name: str
    status: TenantStatus = TenantStatus.ACTIVE

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "id", tenant_id(self.id))
        except CredentialsInvalid as error:
            raise ConfigurationError(error.detail) from None
        if not is_for_people(self.name):
            raise ConfigurationError(
                f"a tenant's name is 1 to {MAX_NAME} printable characters, not only spaces"
            )

    @property
    def served(self) -> bool:
        """Whether its requests are admitted."""
        return self.status is TenantStatus.ACTIVE
