"""Port: domain events on their way out, written in the transaction that they tell of."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from brain_gateway.domain.events import DomainEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class EventEnvelope:
    """An event as others get it. `id` grows with each, in the order of the transactions; a repeated id is the same
    event. `version`: the configuration version of its transaction, 0 when it changed none."""

    id: int
    type: str
    aggregate: str
    tenant_id: str | None
    occurred_at: float
    data: Mapping[str, object]
    version: int = 0


class Outbox(Protocol):
    """Events of a unit of work, and those that were not published yet."""

    async def add(self, events: Sequence[DomainEvent], version: int) -> None:
        """Write events down; they are published after the commit."""
        ...

    async def take(self, most: int) -> Sequence[EventEnvelope] | None:
        """The oldest that are not published, by id. Until the end of this unit of work nobody else gets any: they get
        None."""
        ...

    async def published(self, ids: Sequence[int]) -> None:
        """These are out."""
        ...

    async def after(
        self, event_id: int, most: int, *, shared: bool = False, types: Collection[str] = ()
    ) -> Sequence[EventEnvelope]:
        """Events with a greater id, published or not, oldest first: for those who were away for a while. `shared`:
        those alone that belong to no tenant; `types`: those of these types alone (none: all)."""
        ...

    async def last_id(self) -> int:
        """The greatest id, 0 when there is none."""
        ...

    async def forget(self, before: float) -> int:
        """Delete what was published and occurred before (unix seconds); how many."""
        ...
