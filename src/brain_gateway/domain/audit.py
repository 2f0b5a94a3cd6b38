"""The audit log as a hash chain: each entry holds the hash of the one before it, so that what is changed, left out or
put in between shows. A chain per tenant, and one of the platform, so that a tenant can verify its own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One change: who did what to what, and how it was before and after (documents; None: not there).

    `sequence` counts from 1 within the chain of `tenant_id` (None: the platform's). `occurred_at` is in unix seconds.
    `hash` is 64 hex digits of SHA-256 over `previous` and everything else, as canonical JSON.
    """

    tenant_id: str | None
    sequence: int
    occurred_at: float
    actor: str
    actor_tenant: str | None
    action: str
    subject: str
    request_id: str
    before: Mapping[str, object] | None
    after: Mapping[str, object] | None
    previous: str
    hash: str


def seal(previous: str, content: Mapping[str, object]) -> str:
    """The hash of an entry: over the hash before it and its content, in one spelling."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()


def content_of(entry: AuditEntry) -> dict[str, object]:
    """Everything that the hash covers beside the hash before it."""
    return {
        "tenant_id": entry.tenant_id,
        "sequence": entry.sequence,
        "occurred_at": round(entry.occurred_at, 6),
        "actor": entry.actor,
        "actor_tenant": entry.actor_tenant,
        "action": entry.action,
        "subject": entry.subject,
        "request_id": entry.request_id,
        "before": entry.before,
        "after": entry.after,
    }


class ChainVerifier:
    """Takes the entries of one chain in order and tells what does not hold; constant memory."""

    def __init__(self) -> None:
        self.head = GENESIS
        self.sequence = 0
        self.faults: list[str] = []

    def take(self, entry: AuditEntry) -> bool:
        """Whether the entry continues the chain. After a fault the chain is followed from what is written."""
        known = len(self.faults)
        if entry.sequence != self.sequence + 1:
            self.faults.append(f"entry {self.sequence + 1} is missing: {entry.sequence} comes next")
        elif entry.previous != self.head:
            self.faults.append(f"entry {entry.sequence} does not continue entry {self.sequence}")
        if seal(entry.previous, content_of(entry)) != entry.hash:
            self.faults.append(f"entry {entry.sequence} was changed: its hash does not hold")
        self.sequence, self.head = entry.sequence, entry.hash
        return len(self.faults) == known

    def expect(self, sequence: int, head: str) -> bool:
        """Whether the chain ends where it is known to have ended: entries cut off its end show only so."""
        if (self.sequence, self.head) == (sequence, head):
            return True
        self.faults.append(f"the chain ends at entry {self.sequence}; it is known to reach entry {sequence}")
        return False
