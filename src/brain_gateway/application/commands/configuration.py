"""Put a declared configuration in force: planned against what is there, all of it or nothing."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from brain_gateway.application.authorization import Action
from brain_gateway.application.bus import Command
from brain_gateway.application.commands.changing import subject
from brain_gateway.application.configuration import GatewayConfiguration
from brain_gateway.application.configuration_plan import (
    Kind,
    Plan,
    PlannedChange,
    PlanOptions,
    Present,
    Step,
    make_plan,
)
from brain_gateway.application.dto import ApiKeyDTO, LimitDTO, ServiceRegistrationDTO, Stored, TenantDTO
from brain_gateway.application.ports.api_key_record import ApiKeyRecord
from brain_gateway.application.ports.configuration_versions import ChangeKind
from brain_gateway.application.ports.unit_of_work import UnitOfWork
from brain_gateway.application.work import Describe, Work
from brain_gateway.domain.errors import Conflict, PreconditionFailed
from brain_gateway.domain.events import (
    ApiKeyIssued,
    ApiKeyRevoked,
    ConfigurationApplied,
    LimitChanged,
    TenantRegistered,
    TenantUpdated,
)
from brain_gateway.domain.resilience.rate_limit import RateLimit
from brain_gateway.domain.routing.service_changes import events_between
from brain_gateway.domain.routing.service_route import ServiceRoute
from brain_gateway.domain.tenants import Tenant

Item = TypeVar("Item")
Kept = TypeVar("Kept", bound=Stored)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyConfigurationCommand(Command[Plan]):
    """Apply `wanted`. `base`: the version of the plan that was agreed to (None: whatever is there is planned against).

    `skip_conflicts`: what belongs to another file is left to it instead of refusing all.
    """

    action = Action.APPLY_CONFIGURATION
    wanted: GatewayConfiguration
    options: PlanOptions
    base: int | None = None
    skip_conflicts: bool = False
    fingerprint: str = ""


async def apply_configuration(command: ApplyConfigurationCommand, work: Work) -> Plan:
    """Raises PreconditionFailed when something changed since `base`, Conflict for what belongs to another file."""
    version = await work.unit.versions.lock()
    if command.base is not None and command.base != version:
        raise PreconditionFailed(
            f"the configuration has version {version} by now, not {command.base}: plan again"
        )
    known = await present(work.unit)
    plan = await asyncio.to_thread(
        make_plan, command.wanted, known, command.options, printer(work.describe)
    )  # in a thread, here and below: requests to services go on meanwhile
    if plan.conflicts and not command.skip_conflicts:
        raise Conflict("; ".join(map(_belongs_elsewhere, plan.conflicts[:20])))
    steps = _Steps(work, command.options.owner)
    taken = [change for change in plan.changes if change.step is not Step.CONFLICT]
    await asyncio.to_thread(steps.take, taken)
    await steps.write()
    if taken:
        work.happened((_applied(command.options.owner, plan, work.now),))
    if command.fingerprint:
        await work.unit.versions.declare(command.options.owner, command.fingerprint)
    return plan


async def present(unit: UnitOfWork) -> Present:
    """What the store holds."""
    return Present(
        version=await unit.versions.current(),
        services=await unit.services.all(),
        limits=await unit.limits.all(),
        tenants=await unit.tenants.all(),
        api_keys=await unit.api_keys.all(revoked=True),
    )


def printer(describe: Describe) -> Callable[[object], str]:
    """Fingerprints of what is declared: a hash of its document in one spelling."""

    def fingerprint(declared: object) -> str:
        document = declared if isinstance(declared, str) else describe(declared)
        text = json.dumps(document, sort_keys=True, separators=(",", ":"), default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    return fingerprint


def _belongs_elsewhere(change: PlannedChange) -> str:
    owner = change.known.owner if change.known else ""
    return f"{change.kind} {change.key} is declared by {owner}: take it over, or leave it out"


def _applied(owner: str, plan: Plan, now: float) -> ConfigurationApplied:
    counts = {step: sum(change.step is step for change in plan.changes) for step in Step}
    return ConfigurationApplied(
        occurred_at=now,
        owner=owner,
        created=counts[Step.CREATE],
        updated=counts[Step.UPDATE] + counts[Step.ADOPT],
        deleted=counts[Step.DELETE],
    )


@dataclass(slots=True)
class _Batch(Generic[Item]):
    """What is to be written of one kind; `removed` are ids."""

    added: list[Item] = field(default_factory=list)
    saved: list[Item] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)


class _Steps:
    """Takes the steps of a plan: collects what is to be written, and tells of it."""

    def __init__(self, work: Work, owner: str) -> None:
        self._work = work
        self._owner = owner
        self._services: _Batch[ServiceRegistrationDTO] = _Batch()
        self._keys: _Batch[ApiKeyDTO] = _Batch()
        self._tenants: _Batch[TenantDTO] = _Batch()
        self._limits: _Batch[LimitDTO] = _Batch()

    def take(self, changes: Sequence[PlannedChange]) -> None:
        """All of them, in their order."""
        for change in changes:
            _TAKE[change.kind](self, change)

    def service(self, change: PlannedChange) -> None:
        """A service; the targets that registered themselves stay."""
        work, known = self._work, change.known
        assert known is None or isinstance(known, ServiceRegistrationDTO)
        after: ServiceRegistrationDTO | None = None
        if isinstance(change.declared, ServiceRoute):
            after = self._declared_service(known, change.declared, change.fingerprint)
        elif known is not None:
            self._services.removed.append(known.id)
        item = after or known
        assert item is not None
        old = known.service if known else None
        work.noted(_ACTION, subject(item.service), item.tenant_id, known, after)
        work.happened(events_between(old, after.service if after else None, work.now))
        work.changed(ChangeKind.SERVICE, item.id, item.service.key)

    def _declared_service(
        self, known: ServiceRegistrationDTO | None, declared: ServiceRoute, print_: str
    ) -> ServiceRegistrationDTO:
        if known is None:
            item = ServiceRegistrationDTO(service=declared, **self._new(print_))
            self._services.added.append(item)
            return item
        own = {target.origin for target in declared.targets}
        leased = tuple(
            one for one in known.service.targets if one.origin in known.leases and one.origin not in own
        )
        service = replace(declared, targets=(*declared.targets, *leased))
        leases = {target.origin: known.leases[target.origin] for target in leased}
        item = replace(self._next(known, print_), service=service, leases=leases)
        self._services.saved.append(item)
        return item

    def api_key(self, change: PlannedChange) -> None:
        """A key, known by its hash."""
        work, known, record = self._work, change.known, change.declared
        assert known is None or isinstance(known, ApiKeyDTO)
        if change.step is Step.DELETE:
            assert known is not None
            item, after = known, None
            self._keys.removed.append(known.id)
            kind: type[ApiKeyIssued] | type[ApiKeyRevoked] = ApiKeyRevoked
        else:
            assert isinstance(record, ApiKeyRecord)
            kind = ApiKeyIssued
            if known is None:
                item = after = ApiKeyDTO(**_fields(record), **self._new(change.fingerprint))
                self._keys.added.append(item)
            else:
                item = after = replace(self._next(known, change.fingerprint), **_fields(record))
                self._keys.saved.append(item)
        work.noted(_ACTION, f"key/{item.prefix}", item.tenant_id, known, after)
        event = kind(occurred_at=work.now, tenant_id=item.tenant_id, key_id=item.id, prefix=item.prefix)
        work.happened((event,))
        work.changed(ChangeKind.API_KEY, item.id, item.hash)

    def tenant(self, change: PlannedChange) -> None:
        """A tenant by its name; one that was deleted stays so."""
        work, known, name = self._work, change.known, change.declared
        assert known is None or isinstance(known, TenantDTO)
        assert isinstance(name, str)
        if known is None:
            item = TenantDTO(tenant=Tenant(id=change.key, name=name), **self._new(change.fingerprint))
            item = replace(item, id=change.key)
            self._tenants.added.append(item)
            work.happened((TenantRegistered(occurred_at=work.now, tenant_id=item.id, name=name),))
        else:
            item = replace(self._next(known, change.fingerprint), tenant=replace(known.tenant, name=name))
            self._tenants.saved.append(item)
            status = item.tenant.status.value
            work.happened((TenantUpdated(occurred_at=work.now, tenant_id=item.id, name=name, status=status),))
        work.noted(_ACTION, f"tenant/{item.id}", item.id, known, item)
        work.changed(ChangeKind.TENANT, item.id, item.id)

    def limit(self, change: PlannedChange) -> None:
        """A limit by its tenant and name."""
        work, known, limit = self._work, change.known, change.declared
        assert known is None or isinstance(known, LimitDTO)
        tenant_id, _, name = change.key.rpartition("/")
        after: LimitDTO | None = None
        if change.step is Step.DELETE:
            assert known is not None
            self._limits.removed.append(known.id)
        else:
            assert isinstance(limit, RateLimit)
            if known is None:
                new = self._new(change.fingerprint)
                after = LimitDTO(tenant_id=tenant_id or None, name=name, limit=limit, **new)
                self._limits.added.append(after)
            else:
                after = replace(self._next(known, change.fingerprint), limit=limit)
                self._limits.saved.append(after)
        work.noted(_ACTION, f"limit/{name}", tenant_id or None, known, after)
        event = LimitChanged(
            occurred_at=work.now,
            tenant_id=tenant_id or None,
            limit=name,
            requests=after.limit.requests if after else None,
            window=after.limit.window if after else None,
        )
        work.happened((event,))
        work.changed(ChangeKind.LIMITS)

    async def write(self) -> None:
        """All of it, in few statements; tenants first, since the rest may belong to them."""
        unit = self._work.unit
        await unit.tenants.write_many(self._tenants.added, self._tenants.saved)
        for limit in self._limits.added:
            await unit.limits.add(limit)
        for limit in self._limits.saved:
            await unit.limits.save(limit, limit.version - 1)
        await unit.limits.remove_many(self._limits.removed)
        services, keys = self._services, self._keys
        await unit.services.write_many(services.added, services.saved, services.removed)
        await unit.api_keys.write_many(keys.added, keys.saved, keys.removed)

    def _new(self, print_: str) -> dict[str, Any]:
        work = self._work
        return {
            "id": work.new_id(),
            "owner": self._owner,
            "declared": print_,
            "created_at": work.now,
            "updated_at": work.now,
        }

    def _next(self, known: Kept, print_: str) -> Kept:
        return replace(
            known,
            version=known.version + 1,
            owner=self._owner,
            declared=print_,
            updated_at=self._work.now,
        )


def _fields(record: ApiKeyRecord) -> dict[str, Any]:
    return {
        "hash": record.hash,
        "prefix": record.prefix,
        "tenant_id": record.tenant_id,
        "user_id": record.user_id,
        "roles": record.roles,
        "expires_at": record.expires_at,
    }


_ACTION = Action.APPLY_CONFIGURATION
_TAKE: dict[Kind, Callable[[_Steps, PlannedChange], None]] = {
    Kind.TENANT: _Steps.tenant,
    Kind.LIMIT: _Steps.limit,
    Kind.SERVICE: _Steps.service,
    Kind.API_KEY: _Steps.api_key,
}
