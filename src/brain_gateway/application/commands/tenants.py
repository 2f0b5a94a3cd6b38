"""Register, rename, suspend, resume and delete tenants."""

from __future__ import annotations

from dataclasses import dataclass, replace

from brain_gateway.application.authorization import Action
from brain_gateway.application.bus import Command
from brain_gateway.application.commands.changing import check_version
from brain_gateway.application.dto import BY_HAND, TenantDTO
from brain_gateway.application.ports.configuration_versions import ChangeKind
from brain_gateway.application.work import Work
from brain_gateway.domain.errors import ConfigurationError, Conflict, InvalidDocument, ResourceNotFound
from brain_gateway.domain.events import TenantDeleted, TenantRegistered, TenantUpdated
from brain_gateway.domain.tenants import Tenant, TenantStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterTenantCommand(Command[TenantDTO]):
    """A new tenant; without an id it gets one."""

    action = Action.WRITE_TENANTS
    name: str
    id: str | None = None
    owner: str = BY_HAND


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateTenantCommand(Command[TenantDTO]):
    """Rename (None: as it is), suspend or resume a tenant."""

    action = Action.WRITE_TENANTS
    id: str
    name: str | None = None
    status: TenantStatus | None = None
    expected: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteTenantCommand(Command[None]):
    """Refuse a tenant from now on, and delete what it owns; its requests under way are finished."""

    action = Action.WRITE_TENANTS
    id: str
    expected: int | None = None


async def register_tenant(command: RegisterTenantCommand, work: Work) -> TenantDTO:
    """Raises Conflict when the id is taken (a deleted tenant keeps its own), InvalidDocument."""
    tenant = _valid(command.id or work.new_id(), command.name, TenantStatus.ACTIVE)
    item = TenantDTO(
        id=tenant.id, owner=command.owner, created_at=work.now, updated_at=work.now, tenant=tenant
    )
    await work.unit.tenants.add(item)
    work.noted(command.action, _subject(item), item.id, None, item)
    work.happened((TenantRegistered(occurred_at=work.now, tenant_id=item.id, name=tenant.name),))
    work.changed(ChangeKind.TENANT, item.id, item.id)
    return item


async def update_tenant(command: UpdateTenantCommand, work: Work) -> TenantDTO:
    """Raises ResourceNotFound, PreconditionFailed, InvalidDocument."""
    if command.status is TenantStatus.DELETED:
        raise InvalidDocument("status: must be active or suspended; to delete a tenant, delete it")
    found = await existing(work, command.id, command.expected)
    tenant = _valid(found.id, command.name or found.tenant.name, command.status or found.tenant.status)
    if tenant == found.tenant:
        return found
    item = replace(found, tenant=tenant, version=found.version + 1, updated_at=work.now)
    await work.unit.tenants.save(item, found.version)
    work.noted(command.action, _subject(item), item.id, found, item)
    event = TenantUpdated(
        occurred_at=work.now, tenant_id=item.id, name=tenant.name, status=tenant.status.value
    )
    work.happened((event,))
    work.changed(ChangeKind.TENANT, item.id, item.id)
    return item


async def delete_tenant(command: DeleteTenantCommand, work: Work) -> None:
    """Raises ResourceNotFound, PreconditionFailed."""
    found = await existing(work, command.id, command.expected)
    gone = replace(found.tenant, status=TenantStatus.DELETED)
    item = replace(found, tenant=gone, version=found.version + 1, updated_at=work.now)
    await work.unit.tenants.save(item, found.version)
    await work.unit.tenants.erase_belongings(found.id)
    work.noted(command.action, _subject(found), found.id, found, None)
    work.happened((TenantDeleted(occurred_at=work.now, tenant_id=found.id),))
    work.changed(ChangeKind.TENANT, found.id, found.id)


async def existing(work: Work, tenant_id: str, expected: int | None) -> TenantDTO:
    """A tenant that is not deleted. Raises ResourceNotFound, PreconditionFailed."""
    found = await work.unit.tenants.get(tenant_id)
    if found is None or found.tenant.status is TenantStatus.DELETED:
        raise ResourceNotFound("there is no such tenant")
    check_version(found.version, expected)
    return found


async def refuse_unserved(work: Work, tenant_id: str) -> None:
    """Nothing is given to a tenant that was deleted. Raises Conflict."""
    found = await work.unit.tenants.get(tenant_id)
    if found is not None and found.tenant.status is TenantStatus.DELETED:
        raise Conflict("this tenant has been deleted")


def _valid(id_: str, name: str, status: TenantStatus) -> Tenant:
    try:
        return Tenant(id=id_, name=name, status=status)
    except ConfigurationError as error:
        raise InvalidDocument(error.detail) from error


def _subject(item: TenantDTO) -> str:
    return f"tenant/{item.id}"
