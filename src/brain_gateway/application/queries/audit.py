"""Who did what, and whether the record of it holds."""

from __future__ import annotations

from dataclasses import dataclass, field

from brain_gateway.application.authorization import Action, Actor
from brain_gateway.application.bus import Query
from brain_gateway.application.dto import Page, PageRequest
from brain_gateway.application.ports.audit_log import AuditFilter
from brain_gateway.application.ports.unit_of_work import UnitOfWork
from brain_gateway.domain.audit import AuditEntry, ChainVerifier


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAuditQuery(Query[Page[AuditEntry]]):
    """A page of the audit log of a tenant, or of the platform's own (None); newest first."""

    action = Action.READ_AUDIT
    wanted: AuditFilter = field(default_factory=AuditFilter)
    page: PageRequest = field(default_factory=PageRequest)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainReport:
    """What a chain was found to be: its length, the hash that it ends with, and every fault."""

    tenant_id: str | None
    entries: int
    head: str
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyAuditQuery(Query[tuple[ChainReport, ...]]):
    """Verify the chain of a tenant; of the platform (None): every chain."""

    action = Action.READ_AUDIT


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditHeadQuery(Query[tuple[int, str]]):
    """Sequence and hash of the last entry of a tenant's chain (None: the platform's): to be kept elsewhere."""

    action = Action.READ_AUDIT


async def audit_head(query: AuditHeadQuery, unit: UnitOfWork, actor: Actor) -> tuple[int, str]:
    """As it is kept beside the chain."""
    return await unit.audit.head(query.tenant_id)


async def list_audit(query: ListAuditQuery, unit: UnitOfWork, actor: Actor) -> Page[AuditEntry]:
    """Sorted by sequence, from the newest down."""
    return await unit.audit.page(query.tenant_id, query.wanted, query.page)


async def verify_audit(query: VerifyAuditQuery, unit: UnitOfWork, actor: Actor) -> tuple[ChainReport, ...]:
    """Reads each chain once from its beginning, and compares its end with the head that is kept apart."""
    chains = [query.tenant_id] if query.tenant_id is not None else await unit.audit.chains()
    return tuple([await _verified(unit, chain) for chain in chains])


async def _verified(unit: UnitOfWork, tenant_id: str | None) -> ChainReport:
    verifier = ChainVerifier()
    async for entry in unit.audit.chain(tenant_id):
        verifier.take(entry)
    verifier.expect(*await unit.audit.head(tenant_id))
    return ChainReport(
        tenant_id=tenant_id,
        entries=verifier.sequence,
        head=verifier.head,
        faults=tuple(verifier.faults),
    )
