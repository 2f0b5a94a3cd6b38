"""Port: the registered services, each with its routes and targets."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from brain_gateway.application.dto import Page, PageRequest, ServiceRegistrationDTO
from brain_gateway.domain.routing.service_status import ServiceKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFilter:
    """What is wanted of a list; None: no matter. `tenant_id` with `owned`: only this owner's (None: the global ones).

    `prefix`: names that begin so.
    """

    owned: bool = False
    tenant_id: str | None = None
    prefix: str = ""
    kind: ServiceKind | None = None
    owner: str | None = None


class RouteRepository(Protocol):
    """Services within the scope of a unit of work: what the scope may not see is not there, what it may not write is
    refused with ResourceNotFound. A name is unique per tenant, and among the global ones. Sorted by (name, id).
    """

    async def add(self, item: ServiceRegistrationDTO) -> None:
        """A new one. Raises Conflict when its tenant has one of that name (of two at once, one wins)."""
        ...

    async def get(self, service_id: str) -> ServiceRegistrationDTO | None:
        """One by its id."""
        ...

    async def find(self, tenant_id: str | None, name: str) -> ServiceRegistrationDTO | None:
        """One by its owner and name; no shadowing."""
        ...

    async def save(self, item: ServiceRegistrationDTO, expected: int) -> None:
        """Replace one whole. `item.version` is its new version, `expected` the one that it must still have.

        Raises PreconditionFailed when it has another, ResourceNotFound when it is gone.
        """
        ...

    async def remove(self, service_id: str, expected: int) -> None:
        """Take one out, with its routes and targets; raises like `save`."""
        ...

    async def page(self, wanted: ServiceFilter, page: PageRequest) -> Page[ServiceRegistrationDTO]:
        """Some of those that are wanted."""
        ...

    async def all(self) -> Sequence[ServiceRegistrationDTO]:
        """Everything in scope, read in few statements: 10,000 services are usual here."""
        ...

    async def many(self, ids: Collection[str]) -> Sequence[ServiceRegistrationDTO]:
        """Those of these ids that exist."""
        ...

    async def count(self, tenant_id: str) -> int:
        """How many of its own a tenant has."""
        ...

    async def write_many(
        self,
        added: Sequence[ServiceRegistrationDTO],
        saved: Sequence[ServiceRegistrationDTO],
        removed: Sequence[str],
    ) -> None:
        """Many at once, in few statements: new ones, replaced ones (any version), ids to take out. Raises Conflict."""
        ...

    async def leased(self, lease_id: str) -> ServiceRegistrationDTO | None:
        """The service that has a target with this lease."""
        ...

    async def renew(self, lease_id: str, expires_at: float) -> bool:
        """Move the end of a lease, without a new version; False when there is no such lease."""
        ...

    async def expired(self, now: float) -> Sequence[ServiceRegistrationDTO]:
        """Services with a target whose lease ended at or before `now` (unix seconds)."""
        ...
