"""What crosses the boundary of the application: aggregates with the bookkeeping of the store, and pages of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Generic, TypeVar

from brain_gateway.domain.resilience.rate_limit import RateLimit
from brain_gateway.domain.routing.route import Route
from brain_gateway.domain.routing.service_route import ServiceRoute
from brain_gateway.domain.tenants import Tenant

Item = TypeVar("Item", covariant=True)
BY_HAND = "api"
"""The owner of what was made over the API, and of nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What the store keeps beside each aggregate.

    `id` is a UUID; `version` counts the changes from 1 (its ETag). `owner` is who declares it: BY_HAND, "registry"
    (it registered itself), or the label of a configuration file; only that file prunes it. `declared` is the
    fingerprint of what the owner last declared. Times are unix seconds.
    """

    id: str
    version: int = 1
    owner: str = BY_HAND
    declared: str = ""
    created_at: float = 0.0
    updated_at: float = 0.0


@dataclass(frozen=True, slots=True)
class TargetLease:
    """A target that registered itself is there until `expires_at` (unix seconds), unless its lease is renewed."""

    id: str
    expires_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRegistrationDTO(Stored):
    """A registered service; `leases` by origin, of those targets that have one. `broken`: what is stored means nothing
    to this version; `service` only takes its name, so that nobody reaches it."""

    service: ServiceRoute
    leases: Mapping[str, TargetLease] = field(default_factory=lambda: MappingProxyType({}))
    broken: bool = False

    @property
    def tenant_id(self) -> str | None:
        """Whose it is; None: of all."""
        return self.service.tenant_id


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteConfigDTO:
    """One route of a registered service, and the version of that service."""

    service_id: str
    version: int
    route: Route


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantDTO(Stored):
    """A registered tenant."""

    tenant: Tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyDTO(Stored):
    """A registered API key: never the key, only its hash. `revoked_at` and `expires_at` in unix seconds."""

    hash: str
    prefix: str
    tenant_id: str
    user_id: str
    name: str = ""
    roles: frozenset[str] = frozenset()
    expires_at: float = math.inf
    revoked_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitDTO(Stored):
    """A limit in place of the default. `name`: a limit class (default, agents, admin, public), or "service:NAME" for
    one tenant on one service. `tenant_id` None: for everyone."""

    tenant_id: str | None
    name: str
    limit: RateLimit


@dataclass(frozen=True, slots=True)
class PageRequest:
    """`size` items after the one whose sort key is `after` (None: from the beginning)."""

    size: int = 100
    after: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Items in the order of their sort keys; `next` is what `after` must be for those that follow, None at the end."""

    items: tuple[Item, ...]
    next: tuple[str, ...] | None = None
