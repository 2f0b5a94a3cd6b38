"""How every command changes a registered service: found, changed by one of the domain's verbs, saved, told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from brain_gateway.application.authorization import Action
from brain_gateway.application.dto import ServiceRegistrationDTO
from brain_gateway.application.ports.configuration_versions import ChangeKind
from brain_gateway.application.visibility import shown_to
from brain_gateway.application.work import Work
from brain_gateway.domain.errors import (
    ConfigurationError,
    Conflict,
    InvalidDocument,
    PreconditionFailed,
    ResourceNotFound,
    RoleRequired,
)
from brain_gateway.domain.routing.service_changes import events_between
from brain_gateway.domain.routing.service_route import ServiceRoute

Change = Callable[[ServiceRoute], ServiceRoute]


class Counted(Protocol):
    """A repository of what tenants have."""

    async def count(self, tenant_id: str) -> int:
        """How many are a tenant's own."""
        ...


async def writable(work: Work, tenant_id: str | None, service_id: str) -> ServiceRegistrationDTO:
    """The service to change. Raises ResourceNotFound, and RoleRequired for a global one that a tenant only sees."""
    found = await work.unit.services.get(service_id)
    if found is None or not shown_to(found, tenant_id):
        raise ResourceNotFound("there is no such service")
    if tenant_id is not None and found.tenant_id is None:
        raise RoleRequired("a global service is changed by a super_admin; register one of your own")
    return found


def check_version(version: int, expected: int | None) -> None:
    """Whether what is to be changed is still what the caller has read. Raises PreconditionFailed."""
    if expected is not None and expected != version:
        raise PreconditionFailed(f"it has version {version} by now, not {expected}: read it again")


def changed_by(change: Change, service: ServiceRoute) -> ServiceRoute:
    """The changed service. Raises InvalidDocument for what cannot be, and what the verbs raise."""
    try:
        return change(service)
    except ConfigurationError as error:
        raise InvalidDocument(faults=error.faults) from error


async def change_service(
    work: Work,
    tenant_id: str | None,
    service_id: str,
    change: Change,
    expected: int | None,
    action: Action = Action.WRITE_SERVICES,
) -> ServiceRegistrationDTO:
    """Change one service; one that is as it was keeps its version."""
    return await change_found(work, await writable(work, tenant_id, service_id), change, expected, action)


async def change_found(
    work: Work,
    found: ServiceRegistrationDTO,
    change: Change,
    expected: int | None,
    action: Action = Action.WRITE_SERVICES,
) -> ServiceRegistrationDTO:
    """Change a service that was found to be `writable`."""
    check_version(found.version, expected)
    service = guarded(work, changed_by(change, found.service), found.service.outside_only)
    kept = {target.origin for target in service.targets}
    leases = {origin: lease for origin, lease in found.leases.items() if origin in kept}
    return await save_service(work, found, replace(found, service=service, leases=leases), action)


async def save_service(
    work: Work,
    before: ServiceRegistrationDTO,
    after: ServiceRegistrationDTO,
    action: Action,
    expired: frozenset[str] = frozenset(),
) -> ServiceRegistrationDTO:
    """Save a changed service and tell of it; nothing happens when it is as it was."""
    events = tuple(events_between(before.service, after.service, work.now, expired))
    if not events and before.leases == after.leases and before.owner == after.owner:
        return before
    saved = replace(after, version=before.version + 1, updated_at=work.now)
    await work.unit.services.save(saved, before.version)
    work.noted(action, subject(saved.service), saved.tenant_id, before, saved)
    work.happened(events)
    work.changed(ChangeKind.SERVICE, saved.id, saved.service.key)
    return saved


def guarded(work: Work, service: ServiceRoute, already: bool = False) -> ServiceRoute:
    """A tenant's own service lives, and is looked up, where a tenant may send the gateway: what its names resolve to is
    judged at each connection too, from its registration by a tenant on. Raises RoleRequired."""
    if service.tenant_id is None:
        return service
    if not work.actor.everywhere:
        work.target_rule.check(service)
        if service.discovery is not None:
            work.target_rule.check(service.at(service.discovery.unanswered))
        already = True
    return replace(service, outside_only=already) if service.outside_only != already else service


async def refuse_too_many(work: Work, of: Counted, tenant_id: str, most: int, what: str) -> None:
    """A tenant's people do not fill what all tenants share; a super_admin may. Raises Conflict."""
    if not work.actor.everywhere and await of.count(tenant_id) >= most:
        raise Conflict(f"a tenant has at most {most} {what}: take some away, or ask a super_admin")


def subject(service: ServiceRoute) -> str:
    """What the audit log calls a service."""
    return f"service/{service.name}"
