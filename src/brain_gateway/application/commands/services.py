"""Register, change and deregister services."""

from __future__ import annotations

from dataclasses import dataclass

from brain_gateway.application.authorization import Action
from brain_gateway.application.bus import Command
from brain_gateway.application.commands.changing import (
    Change,
    change_found,
    check_version,
    guarded,
    refuse_too_many,
    subject,
    writable,
)
from brain_gateway.application.commands.tenants import refuse_unserved
from brain_gateway.application.dto import BY_HAND, ServiceRegistrationDTO
from brain_gateway.application.ports.configuration_versions import ChangeKind
from brain_gateway.application.work import Work
from brain_gateway.domain.routing.service_changes import events_between
from brain_gateway.domain.routing.service_route import ServiceRoute

MOST_SERVICES = 1000  # of one tenant, which its own people register


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterServiceCommand(Command[ServiceRegistrationDTO]):
    """Offer a service; it belongs to `service.tenant_id`, which must be `tenant_id`."""

    action = Action.WRITE_SERVICES
    service: ServiceRoute
    owner: str = BY_HAND


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateServiceCommand(Command[ServiceRegistrationDTO]):
    """Change a service by `change`, within the transaction; `expected` is the version that it must have."""

    action = Action.WRITE_SERVICES
    service_id: str
    change: Change
    expected: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeregisterServiceCommand(Command[None]):
    """Offer a service no more."""

    action = Action.WRITE_SERVICES
    service_id: str
    expected: int | None = None


async def register_service(command: RegisterServiceCommand, work: Work) -> ServiceRegistrationDTO:
    """Raises Conflict when its owner has one of that name (of two at once, one wins), has too many, or
    has been deleted."""
    service = guarded(work, command.service)
    if service.tenant_id is not None:
        await refuse_unserved(work, service.tenant_id)
        await refuse_too_many(
            work, work.unit.services, service.tenant_id, MOST_SERVICES, "services of its own"
        )
    item = ServiceRegistrationDTO(
        id=work.new_id(), owner=command.owner, created_at=work.now, updated_at=work.now, service=service
    )
    await work.unit.services.add(item)
    work.noted(command.action, subject(service), service.tenant_id, None, item)
    work.happened(events_between(None, service, work.now))
    work.changed(ChangeKind.SERVICE, item.id, service.key)
    return item


async def update_service(command: UpdateServiceCommand, work: Work) -> ServiceRegistrationDTO:
    """Targets that registered themselves stay. Raises ResourceNotFound, PreconditionFailed, InvalidDocument."""
    found = await writable(work, command.tenant_id, command.service_id)

    def change(service: ServiceRoute) -> ServiceRoute:
        changed = command.change(service)
        named = {target.origin for target in changed.targets}
        leased = (one for one in service.targets if one.origin in found.leases and one.origin not in named)
        return changed.at((*changed.targets, *leased))

    return await change_found(work, found, change, command.expected)


async def deregister_service(command: DeregisterServiceCommand, work: Work) -> None:
    """Raises ResourceNotFound, PreconditionFailed."""
    found = await writable(work, command.tenant_id, command.service_id)
    check_version(found.version, command.expected)
    await work.unit.services.remove(found.id, found.version)
    work.noted(command.action, subject(found.service), found.tenant_id, found, None)
    work.happened(events_between(found.service, None, work.now))
    work.changed(ChangeKind.SERVICE, found.id, found.service.key)
