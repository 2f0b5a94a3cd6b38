"""Port: answers to requests that carried an Idempotency-Key, kept to be given again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyRecord:
    """`caller` and `key` are who asked under which key, `fingerprint` what was asked (a hash of method, path and body).

    `status`, `headers` and `body` are the answer, without secrets; `created_at` in unix seconds.
    """

    caller: str
    key: str
    fingerprint: str
    status: int
    headers: str
    body: str
    created_at: float


class IdempotencyRecords(Protocol):
    """Written in the transaction whose outcome they tell: either both are there or neither is."""

    async def find(self, caller: str, key: str) -> IdempotencyRecord | None:
        """The record, if there is one."""
        ...

    async def add(self, record: IdempotencyRecord) -> None:
        """Raises Conflict when another request with this key is (or was) under way."""
        ...

    async def forget(self, before: float) -> int:
        """Delete those made before (unix seconds); how many."""
        ...
