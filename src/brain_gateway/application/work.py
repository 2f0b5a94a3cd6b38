"""One use case at work: its transaction, who acts and when, and what it leaves behind for audit, outbox and data plane.

A handler changes aggregates through the repositories of `unit` and tells `noted` what was before and after; the bus
writes all that down in the same transaction.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from brain_gateway.application.authorization import Action, Actor
from brain_gateway.application.ports.audit_log import AuditDraft
from brain_gateway.application.ports.configuration_versions import ChangeKind, ConfigurationChange
from brain_gateway.application.ports.unit_of_work import UnitOfWork
from brain_gateway.domain.events import DomainEvent
from brain_gateway.domain.routing.target_rule import TargetRule

Describe = Callable[[Any], Mapping[str, object]]
"""An aggregate's DTO as a document: what the audit log shows of it; never a secret."""


@dataclass(slots=True)
class Work:
    """`now` in unix seconds; `new_id` makes UUIDs; `entropy(n)` gives n random bytes; `target_rule`: for tenants.

    `afterwards`: what is to be done outside of the database once all this is committed; it raises nothing.
    """

    unit: UnitOfWork
    actor: Actor
    now: float
    new_id: Callable[[], str]
    entropy: Callable[[int], bytes]
    describe: Describe
    target_rule: TargetRule
    drafts: list[AuditDraft] = field(default_factory=list)
    events: list[DomainEvent] = field(default_factory=list)
    changes: list[ConfigurationChange] = field(default_factory=list)
    afterwards: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    def noted(
        self, action: Action, subject: str, tenant_id: str | None, before: object = None, after: object = None
    ) -> None:
        """For the audit log: DTOs before and after (None: it was, or is, not there)."""
        draft = AuditDraft(
            tenant_id=tenant_id,
            occurred_at=self.now,
            actor=self.actor.user_id,
            actor_tenant=self.actor.tenant_id,
            action=action,
            subject=subject,
            request_id=self.actor.request_id,
            before=None if before is None else self.describe(before),
            after=None if after is None else self.describe(after),
        )
        self.drafts.append(draft)

    def happened(self, events: Iterable[DomainEvent]) -> None:
        """For the outbox."""
        self.events.extend(events)

    def changed(self, kind: ChangeKind, id_: str = "", key: str = "") -> None:
        """For the data plane of every process: what to read again."""
        self.changes.append(ConfigurationChange(kind, id_, key))

    async def close(self) -> int:
        """Write it all down; the new configuration version, 0 when the configuration is as it was."""
        version = 0
        if self.changes:
            version = await self.unit.versions.record(self.changes, self.actor.user_id, self.now)
        if self.events:
            await self.unit.outbox.add(self.events, version)
        if self.drafts:
            await self.unit.audit.append(self.drafts)
        return version
