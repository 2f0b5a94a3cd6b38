"""What must be done so that the store holds what a file declares: a plan, made without touching anything.

Rules:

1. What is declared and not there is created; what is there and differs is updated; what is alike is left alone.
2. What the owner declared once and declares no more is deleted, if pruning is asked for. Nothing of other owners is.
3. What was made by hand, registered itself, or came from the gateway's own file is taken over by who declares it. What
   another file declares is not: that is a conflict, unless taking over is asked for.
4. Targets with a lease belong to the instances that took them: they are neither compared nor removed.
5. `keep_changes`: what the owner declares as it did the last time is left alone, though it was changed by hand since.
6. A revoked key stays revoked, and tenants are deleted by hand alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from brain_gateway.application.configuration import GatewayConfiguration
from brain_gateway.application.dto import (
    BY_HAND,
    ApiKeyDTO,
    LimitDTO,
    ServiceRegistrationDTO,
    TenantDTO,
)
from brain_gateway.application.ports.api_key_record import ApiKeyRecord
from brain_gateway.domain.resilience.rate_limit import RateLimit
from brain_gateway.domain.routing.service_changes import events_between
from brain_gateway.domain.routing.service_route import ServiceRoute

FILE = "gateway.yaml"
"""The owner of what the gateway's own configuration file declares."""
REGISTRY = "registry"
"""The owner of services that exist because an instance registered itself."""
_FREE = frozenset((BY_HAND, REGISTRY, FILE))

Declared = ServiceRoute | ApiKeyRecord | RateLimit | str
Known = ServiceRegistrationDTO | ApiKeyDTO | LimitDTO | TenantDTO
Fingerprint = Callable[[Declared], str]


class Kind(StrEnum):
    """What a file can declare."""

    TENANT = "tenant"
    LIMIT = "limit"
    SERVICE = "service"
    API_KEY = "api_key"


class Step(StrEnum):
    """What is to be done."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    ADOPT = "adopt"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedChange:
    """One step. `key` names the thing within its kind: "name" or "tenant/name"; `known` is what is there, `declared`
    what the file says."""

    step: Step
    kind: Kind
    key: str
    known: Known | None = None
    declared: Declared | None = None
    fingerprint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """How a file is applied; see the rules above."""

    owner: str
    prune: bool = True
    take_over: bool = False
    keep_changes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """What the store holds; keys include revoked ones."""

    version: int
    services: Sequence[ServiceRegistrationDTO]
    limits: Sequence[LimitDTO]
    tenants: Sequence[TenantDTO]
    api_keys: Sequence[ApiKeyDTO]


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps from the configuration version `version` on; `unchanged` counts what is as declared."""

    version: int
    changes: tuple[PlannedChange, ...]
    unchanged: int

    @property
    def conflicts(self) -> tuple[PlannedChange, ...]:
        """What belongs to another file."""
        return tuple(change for change in self.changes if change.step is Step.CONFLICT)


def make_plan(
    wanted: GatewayConfiguration, present: Present, options: PlanOptions, fingerprint: Fingerprint
) -> Plan:
    """The plan; the steps in the order in which they can be taken."""
    planner = _Planner(options, fingerprint)
    changes = [
        *planner.compare(Kind.TENANT, _tenants(wanted), {item.id: item for item in present.tenants}),
        *planner.compare(
            Kind.LIMIT, _limits(wanted), {limit_key(x.tenant_id, x.name): x for x in present.limits}
        ),
        *planner.compare(Kind.SERVICE, _services(wanted), {x.service.key: x for x in present.services}),
        *planner.compare(Kind.API_KEY, _keys(wanted), {item.hash: item for item in present.api_keys}),
    ]
    return Plan(present.version, tuple(changes), planner.unchanged)


class _Planner:
    def __init__(self, options: PlanOptions, fingerprint: Fingerprint) -> None:
        self._options = options
        self._fingerprint = fingerprint
        self.unchanged = 0

    def compare(
        self, kind: Kind, wanted: Mapping[str, Declared], present: Mapping[str, Known]
    ) -> Iterator[PlannedChange]:
        """The steps for one kind."""
        for key, declared in wanted.items():
            known = present.get(key)
            print_ = self._fingerprint(declared)
            step = Step.CREATE if known is None else self._step(known, declared, print_)
            if step is None:
                self.unchanged += 1
            else:
                yield PlannedChange(
                    step=step, kind=kind, key=key, known=known, declared=declared, fingerprint=print_
                )
        if self._options.prune and kind is not Kind.TENANT:
            for key, known in present.items():
                if known.owner == self._options.owner and key not in wanted and not _revoked(known):
                    yield PlannedChange(step=Step.DELETE, kind=kind, key=key, known=known)

    def _step(self, known: Known, declared: Declared, print_: str) -> Step | None:
        options = self._options
        alike = _alike(known, declared)
        if known.owner == options.owner:
            if alike or (options.keep_changes and known.declared == print_):
                return None
            return Step.UPDATE
        if _revoked(known):
            return None
        if known.owner not in _FREE and not options.take_over:
            return Step.CONFLICT
        return Step.ADOPT if alike else Step.UPDATE


def limit_key(tenant_id: str | None, name: str) -> str:
    """How a plan names a limit."""
    return name if tenant_id is None else f"{tenant_id}/{name}"


def without_leased(item: ServiceRegistrationDTO) -> ServiceRoute:
    """A service as it was declared: without the targets that registered themselves."""
    if not item.leases:
        return item.service
    targets = tuple(one for one in item.service.targets if one.origin not in item.leases)
    return replace(item.service, targets=targets)


def _revoked(known: Known) -> bool:
    return isinstance(known, ApiKeyDTO) and known.revoked_at is not None


def _alike(known: Known, declared: Declared) -> bool:
    if isinstance(known, ServiceRegistrationDTO):
        assert isinstance(declared, ServiceRoute)
        return not any(events_between(without_leased(known), declared, 0.0))
    if isinstance(known, LimitDTO):
        return known.limit == declared
    if isinstance(known, TenantDTO):
        return known.tenant.name == declared
    assert isinstance(declared, ApiKeyRecord)
    return known.revoked_at is not None or declared == record_of(known)


def record_of(item: ApiKeyDTO) -> ApiKeyRecord:
    """A stored key as the data plane knows it."""
    return ApiKeyRecord(
        hash=item.hash,
        prefix=item.prefix,
        tenant_id=item.tenant_id,
        user_id=item.user_id,
        roles=item.roles,
        expires_at=item.expires_at,
    )


def _tenants(wanted: GatewayConfiguration) -> dict[str, Declared]:
    return dict(wanted.tenants)


def _limits(wanted: GatewayConfiguration) -> dict[str, Declared]:
    shared: dict[str, Declared] = {limit_key(None, name): limit for name, limit in wanted.own_limits()}
    for (tenant_id, name), limit in wanted.tenant_limits.items():
        shared[limit_key(tenant_id, name)] = limit
    return shared


def _services(wanted: GatewayConfiguration) -> dict[str, Declared]:
    return {service.key: service for service in wanted.services}


def _keys(wanted: GatewayConfiguration) -> dict[str, Declared]:
    return {record.hash: record for record in wanted.api_keys}
