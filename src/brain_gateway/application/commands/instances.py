"""Services that register themselves: an instance takes a lease, renews it by heartbeats, and is gone when it ends."""

from __future__ import annotations

from dataclasses import dataclass, replace

from brain_gateway.application.authorization import Action
from brain_gateway.application.bus import Command
from brain_gateway.application.commands.changing import (
    change_service,
    changed_by,
    guarded,
    save_service,
)
from brain_gateway.application.commands.services import RegisterServiceCommand, register_service
from brain_gateway.application.configuration_plan import REGISTRY
from brain_gateway.application.dto import ServiceRegistrationDTO, TargetLease
from brain_gateway.application.work import Work
from brain_gateway.domain.errors import Conflict, InvalidDocument, ResourceNotFound
from brain_gateway.domain.routing.service_changes import with_target, with_weight, without_target
from brain_gateway.domain.routing.service_route import ServiceRoute
from brain_gateway.domain.routing.target import Target

SHORTEST_LEASE, LONGEST_LEASE = 1.0, 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterInstanceCommand(Command["InstanceDTO"]):
    """An instance of `service` offers itself for `ttl` seconds; the service is registered too, if it is new.

    `service` has exactly one target: the instance. A service that is there keeps its settings.
    """

    action = Action.REGISTER_INSTANCES
    service: ServiceRoute
    ttl: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewInstanceCommand(Command["InstanceDTO"]):
    """A heartbeat: `ttl` seconds more from now."""

    action = Action.REGISTER_INSTANCES
    lease_id: str
    ttl: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveInstanceCommand(Command[None]):
    """An instance says good-bye."""

    action = Action.REGISTER_INSTANCES
    lease_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireInstancesCommand(Command[int]):
    """Take out every instance whose lease has ended; how many."""

    action = Action.REGISTER_INSTANCES


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceDTO:
    """An instance and its lease. Times are unix seconds."""

    lease_id: str
    expires_at: float
    service_id: str
    service: str
    tenant_id: str | None
    target: Target


async def register_instance(command: RegisterInstanceCommand, work: Work) -> InstanceDTO:
    """Raises Conflict when the target is there without a lease: it was not the instance that put it there."""
    _check_ttl(command.ttl)
    service = guarded(work, command.service)
    (target,) = service.targets
    found = await work.unit.services.find(service.tenant_id, service.name)
    if found is None:
        bare = replace(service, targets=())
        found = await register_service(
            RegisterServiceCommand(tenant_id=command.tenant_id, service=bare, owner=REGISTRY), work
        )
    lease = TargetLease(work.new_id(), work.now + command.ttl)
    saved = await _with_instance(work, found, target, lease)
    return _instance(saved, target, lease)


async def _with_instance(
    work: Work, found: ServiceRegistrationDTO, target: Target, lease: TargetLease
) -> ServiceRegistrationDTO:
    """An instance that comes again (it was restarted, say) takes a new lease; the old one is worth nothing more."""
    if any(known.origin == target.origin for known in found.service.targets):
        if target.origin not in found.leases:
            raise Conflict(f"{target.origin} is a target of {found.service.name} that was set by hand")
        service = changed_by(lambda one: with_weight(one, target.origin, target.weight), found.service)
    else:
        service = changed_by(lambda one: with_target(one, target), found.service)
    leases = {**found.leases, target.origin: lease}
    service = guarded(work, service, found.service.outside_only)
    after = replace(found, service=service, leases=leases)
    return await save_service(work, found, after, Action.REGISTER_INSTANCES)


async def renew_instance(command: RenewInstanceCommand, work: Work) -> InstanceDTO:
    """A heartbeat that is late counts as long as the instance has not been taken out. Raises ResourceNotFound."""
    _check_ttl(command.ttl)
    found, origin = await _leased(work, command.lease_id)
    lease = TargetLease(command.lease_id, work.now + command.ttl)
    if not await work.unit.services.renew(lease.id, lease.expires_at):
        raise ResourceNotFound("this lease has ended: register the instance again")
    target = next(one for one in found.service.targets if one.origin == origin)
    return _instance(found, target, lease)


async def remove_instance(command: RemoveInstanceCommand, work: Work) -> None:
    """Raises ResourceNotFound."""
    found, origin = await _leased(work, command.lease_id)
    await change_service(
        work,
        command.tenant_id,
        found.id,
        lambda service: without_target(service, origin),
        None,
        command.action,
    )


async def expire_instances(command: ExpireInstancesCommand, work: Work) -> int:
    """Whoever comes second finds nothing to do."""
    count = 0
    for found in await work.unit.services.expired(work.now):
        gone = frozenset(origin for origin, lease in found.leases.items() if lease.expires_at <= work.now)
        targets = tuple(target for target in found.service.targets if target.origin not in gone)
        leases = {origin: lease for origin, lease in found.leases.items() if origin not in gone}
        after = replace(found, service=replace(found.service, targets=targets), leases=leases)
        await save_service(work, found, after, command.action, gone)
        count += len(gone)
    return count


async def _leased(work: Work, lease_id: str) -> tuple[ServiceRegistrationDTO, str]:
    found = await work.unit.services.leased(lease_id)
    if found is None:
        raise ResourceNotFound("there is no such lease: it has ended; register the instance again")
    origin = next(origin for origin, lease in found.leases.items() if lease.id == lease_id)
    return found, origin


def _instance(found: ServiceRegistrationDTO, target: Target, lease: TargetLease) -> InstanceDTO:
    return InstanceDTO(
        lease_id=lease.id,
        expires_at=lease.expires_at,
        service_id=found.id,
        service=found.service.name,
        tenant_id=found.tenant_id,
        target=target,
    )


def _check_ttl(ttl: float) -> None:
    if not SHORTEST_LEASE <= ttl <= LONGEST_LEASE:
        raise InvalidDocument(f"ttl: must be from {SHORTEST_LEASE:g} to {LONGEST_LEASE:g} seconds")
