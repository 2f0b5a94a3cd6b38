"""What the store keeps: each builder gives a valid one, with ids of its own and what is said otherwise."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from brain_gateway.application.dto import ApiKeyDTO, LimitDTO, ServiceRegistrationDTO, TargetLease, TenantDTO
from brain_gateway.application.ports.audit_log import AuditDraft
from brain_gateway.application.ports.configuration_versions import ChangeKind, ConfigurationChange
from brain_gateway.application.ports.idempotency_records import IdempotencyRecord
from brain_gateway.application.ports.unit_of_work import UnitOfWork, UnitsOfWork
from brain_gateway.application.scope import PLATFORM, Scope
from brain_gateway.domain.events import ServiceRegistered
from brain_gateway.domain.integrations.integration import IntegrationCategory
from brain_gateway.domain.integrations.integration_config import IntegrationConfig
from brain_gateway.domain.resilience.rate_limit import RateLimit
from brain_gateway.domain.routing.route import Route
from brain_gateway.domain.routing.route_pattern import RoutePattern
from brain_gateway.domain.routing.service_route import ServiceRoute
from brain_gateway.domain.routing.target import Target
from brain_gateway.domain.tenancy import ApiKey
from brain_gateway.domain.tenants import Tenant, TenantStatus

NOW = 1_800_000_000.0


def new_id() -> str:
    """A UUID."""
    return str(uuid.uuid4())


def a_service(
    name: str = "reports",
    tenant_id: str | None = None,
    *,
    targets: Sequence[str] = ("http://10.0.0.5:8003",),
    routes: Sequence[str] = (),
    leases: dict[str, TargetLease] | None = None,
    stored: dict[str, Any] | None = None,
    **settings: Any,
) -> ServiceRegistrationDTO:
    """A registered service; `routes` are patterns, `stored` its bookkeeping, `settings` of ServiceRoute."""
    service = ServiceRoute(
        name=name,
        tenant_id=tenant_id,
        targets=tuple(map(Target.parse, targets)),
        routes=tuple(Route(RoutePattern(path)) for path in routes),
        **settings,
    )
    given = {"id": new_id(), "created_at": NOW, "updated_at": NOW, **(stored or {})}
    return ServiceRegistrationDTO(service=service, leases=leases or {}, **given)


def changed(item: ServiceRegistrationDTO, **settings: Any) -> ServiceRegistrationDTO:
    """The next version of a service, with other settings."""
    return replace(item, version=item.version + 1, service=replace(item.service, **settings))


def a_tenant(
    tenant_id: str | None = None, name: str = "Demo", status: TenantStatus = TenantStatus.ACTIVE
) -> TenantDTO:
    """A registered tenant."""
    tenant = Tenant(id=tenant_id or new_id(), name=name, status=status)
    return TenantDTO(id=tenant.id, created_at=NOW, updated_at=NOW, tenant=tenant)


def a_key(tenant_id: str, **about: Any) -> ApiKeyDTO:
    """A registered API key."""
    key = ApiKey.from_entropy(uuid.uuid4().bytes)
    given = {"id": new_id(), "hash": key.hash, "prefix": key.prefix, "user_id": "ada", **about}
    return ApiKeyDTO(tenant_id=tenant_id, **given)


def a_limit(tenant_id: str | None = None, name: str = "default", requests: int = 5) -> LimitDTO:
    """A limit per minute."""
    return LimitDTO(id=new_id(), tenant_id=tenant_id, name=name, limit=RateLimit(requests, 60.0))


def an_integration(tenant_id: str, name: str = "stripe") -> IntegrationConfig:
    """A configuration that is not active."""
    return IntegrationConfig(
        id=new_id(),
        integration_name=name,
        category=IntegrationCategory.BUSINESS_OPS,
        tenant_id=tenant_id,
    )


def a_draft(tenant_id: str | None = None, **about: Any) -> AuditDraft:
    """Something to be audited."""
    given = {"occurred_at": NOW, "actor": "ada", "actor_tenant": tenant_id, "action": "write_services",
             "subject": "service/reports", "request_id": "r-1", **about}  # fmt: skip
    return AuditDraft(tenant_id=tenant_id, **given)


def an_event(tenant_id: str | None = None, service: str = "reports", at: float = NOW) -> ServiceRegistered:
    """Something that happened."""
    return ServiceRegistered(occurred_at=at, tenant_id=tenant_id, service=service)


def a_record(caller: str = "ada", key: str = "k-1", at: float = NOW) -> IdempotencyRecord:
    """An answer that was given."""
    return IdempotencyRecord(
        caller=caller, key=key, fingerprint="f", status=201, headers="{}", body="{}", created_at=at
    )


MINE, THEIRS = new_id(), new_id()
MARK = "theirs"
"""What shows where somebody's belongings appear."""


class Belongings:
    """One of everything that a tenant can have, with its id and MARK in it."""

    def __init__(self, owner: str) -> None:
        lease = {"http://10.0.0.5:8003": TargetLease(f"{owner}-lease", NOW)}
        self.service = a_service(f"{MARK}-{owner[:8]}", owner, routes=[f"/{MARK}"], leases=lease)
        self.tenant = a_tenant(owner, MARK)
        self.key = a_key(owner, user_id=MARK)
        self.limit = a_limit(owner, MARK)
        self.integration = an_integration(owner, MARK)

    async def store(self, unit: UnitOfWork) -> None:
        """All of it, written in their own scope."""
        owner = self.tenant.id
        await unit.services.add(self.service)
        await unit.tenants.add(self.tenant)
        await unit.api_keys.add(self.key)
        await unit.limits.add(self.limit)
        await unit.integrations.add(self.integration)
        await unit.audit.append([a_draft(owner, actor=MARK)])
        version = await unit.versions.record([ConfigurationChange(ChangeKind.SERVICE, MARK, MARK)], MARK, NOW)
        await unit.outbox.add([an_event(owner, MARK)], version)
        await unit.versions.declare(MARK, MARK)
        await unit.idempotency.add(a_record(f"{MARK}-{owner}"))
        await unit.commit()


async def filled(store: UnitsOfWork) -> Belongings:
    """Two tenants and the platform have something of everything; what the one to be reached has."""
    found = Belongings(THEIRS)
    for owner, things in ((THEIRS, found), (MINE, Belongings(MINE))):
        async with store(Scope(owner)) as unit:
            await things.store(unit)
    async with store(PLATFORM) as unit:
        await unit.services.add(a_service("shared", routes=["/shared"]))
        await unit.limits.add(a_limit())
        await unit.audit.append([a_draft()])
        await unit.outbox.add([an_event()], 0)
        await unit.commit()
    return found
