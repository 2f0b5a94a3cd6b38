"""Which tenants, keys and limits there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from brain_gateway.application.authorization import Action, Actor
from brain_gateway.application.bus import Query
from brain_gateway.application.dto import ApiKeyDTO, LimitDTO, Page, PageRequest, TenantDTO
from brain_gateway.application.ports.unit_of_work import UnitOfWork
from brain_gateway.domain.errors import ResourceNotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTenantsQuery(Query[Page[TenantDTO]]):
    """A page of tenants whose name begins with `prefix`."""

    action = Action.READ_TENANTS
    prefix: str = ""
    deleted: bool = False
    page: PageRequest = field(default_factory=PageRequest)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetTenantQuery(Query[TenantDTO]):
    """The tenant with this id."""

    action = Action.READ_TENANTS
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListApiKeysQuery(Query[Page[ApiKeyDTO]]):
    """A page of a tenant's keys (None: of everyone's)."""

    action = Action.READ_KEYS
    user_id: str | None = None
    revoked: bool = False
    page: PageRequest = field(default_factory=PageRequest)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListLimitsQuery(Query[Sequence[LimitDTO]]):
    """The limits that were set: the global ones, and a tenant's (None: everyone's)."""

    action = Action.READ_LIMITS


@dataclass(frozen=True, slots=True, kw_only=True)
class GetApiKeyQuery(Query[ApiKeyDTO]):
    """One key by its id, also a revoked one."""

    action = Action.READ_KEYS
    key_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetLimitQuery(Query[LimitDTO]):
    """The limit of this name that was set for a tenant (None: for everyone)."""

    action = Action.READ_LIMITS
    name: str


async def list_tenants(query: ListTenantsQuery, unit: UnitOfWork, actor: Actor) -> Page[TenantDTO]:
    """Sorted by id."""
    return await unit.tenants.page(query.prefix, query.deleted, query.page)


async def get_tenant(query: GetTenantQuery, unit: UnitOfWork, actor: Actor) -> TenantDTO:
    """Raises ResourceNotFound."""
    found = await unit.tenants.get(query.id)
    if found is None:
        raise ResourceNotFound("there is no such tenant")
    return found


async def list_api_keys(query: ListApiKeysQuery, unit: UnitOfWork, actor: Actor) -> Page[ApiKeyDTO]:
    """Sorted by id."""
    return await unit.api_keys.page(query.tenant_id, query.user_id, query.revoked, query.page)


async def get_api_key(query: GetApiKeyQuery, unit: UnitOfWork, actor: Actor) -> ApiKeyDTO:
    """Raises ResourceNotFound."""
    found = await unit.api_keys.get(query.key_id)
    if found is None:
        raise ResourceNotFound("there is no such key")
    return found


async def get_limit(query: GetLimitQuery, unit: UnitOfWork, actor: Actor) -> LimitDTO:
    """Raises ResourceNotFound."""
    found = await unit.limits.get(query.tenant_id, query.name)
    if found is None:
        raise ResourceNotFound("no such limit is set")
    return found


async def list_limits(query: ListLimitsQuery, unit: UnitOfWork, actor: Actor) -> Sequence[LimitDTO]:
    """Sorted by tenant and name."""
    return await unit.limits.all()
