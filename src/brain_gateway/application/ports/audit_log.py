"""Port: the audit log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from brain_gateway.application.dto import Page, PageRequest
from brain_gateway.domain.audit import AuditEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditDraft:
    """An entry before it has its place in a chain; the fields are those of AuditEntry."""

    tenant_id: str | None
    occurred_at: float
    actor: str
    actor_tenant: str | None
    action: str
    subject: str
    request_id: str = ""
    before: Mapping[str, object] | None = None
    after: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """What is wanted; None: no matter. Times are unix seconds."""

    actor: str | None = None
    action: str | None = None
    subject: str | None = None
    since: float | None = None
    until: float | None = None


class AuditLog(Protocol):
    """Appended to, never changed: a chain for each tenant and one of the platform. A tenant sees its own alone."""

    async def append(self, drafts: Sequence[AuditDraft]) -> None:
        """Seal drafts onto the chains of their tenants, in order, one writer of a chain at a time."""
        ...

    async def page(self, tenant_id: str | None, wanted: AuditFilter, page: PageRequest) -> Page[AuditEntry]:
        """Entries of one chain, newest first; sort key: (sequence)."""
        ...

    def chain(self, tenant_id: str | None) -> AsyncIterator[AuditEntry]:
        """All entries of one chain, oldest first."""
        ...

    async def head(self, tenant_id: str | None) -> tuple[int, str]:
        """Sequence and hash of the last entry; (0, GENESIS) of an empty chain."""
        ...

    async def chains(self) -> Sequence[str | None]:
        """Whose chains there are, in scope."""
        ...
