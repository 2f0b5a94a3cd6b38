"""Ports of the response cache: the store in memory, asked on the way, and one that processes share, asked beside it.

Both keep responses by resource, and within one by what selects them (RFC 9111 section 4.1). Each change (a drop, a
purge) has a number above all before it; a `mark` is the last number at the time of a look-up. An answer that was asked
for before something concerning it was changed is not kept any more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from brain_gateway.domain.http.caching.stored import StoredResponse

ANONYMOUS = "-"  # the part of callers without credentials; no tenant id looks like it

REMEMBERED = 3600.0

SelectorOf = Callable[[tuple[bytes, ...]], bytes]  # from names of selecting fields to a request's selector


class ResourceKey(NamedTuple):
    """tenant: its id, or ANONYMOUS. service: `ServiceRoute.key`. target: path with query below the service's name."""

    tenant: str
    service: str
    target: bytes


class Found(NamedTuple):
    """The stored responses that the request selects; `others`: there are such that it does not."""

    mark: int
    variants: list[StoredResponse]
    others: bool


@dataclass(frozen=True, slots=True)
class Purge:
    """What is to be forgotten: all of a tenant's (None: of callers without credentials), of one service, of one path
    whatever its query, or with `prefix` of all that begin with it."""

    tenant_id: str | None
    service_key: str | None = None
    path: bytes | None = None
    prefix: bool = False

    @property
    def part(self) -> str:
        """As `ResourceKey.tenant`."""
        return ANONYMOUS if self.tenant_id is None else self.tenant_id

    def concerns(self, service: str, target: bytes) -> bool:
        """Whether a resource of this tenant is meant."""
        if self.service_key is not None and service != self.service_key:
            return False
        if self.path is None:
            return True
        return (
            target.startswith(self.path) if self.prefix else self.path in (target, target.partition(b"?")[0])
        )


class ResponseStore(Protocol):
    """In memory: at once, or not at all."""

    def find(self, key: ResourceKey, selector_of: SelectorOf) -> Found:
        """What is stored for a request."""

    def keep(self, key: ResourceKey, stored: StoredResponse, mark: int) -> bool:
        """Keep a response in the place of one with the same selector; False when there is no room for it or it was
        changed since `mark`."""

    def drop(self, key: ResourceKey) -> int:
        """Forget a resource; how many responses that were."""

    def purge(self, purge: Purge) -> int:
        """Forget many; how many responses that were."""


class SharedResponseStore(Protocol):
    """Shared by processes. One that is away or slow finds and keeps nothing, within a short time, and never raises."""

    async def find(self, key: ResourceKey, selector_of: SelectorOf) -> Found | None:
        """What is stored for a request; None when the store is away."""

    async def changed(self, key: ResourceKey) -> int | None:
        """The number of the last change that concerns a resource, 0 for none; None when the store is away. Drops are
        remembered for `REMEMBERED` seconds."""

    async def keep(self, key: ResourceKey, stored: StoredResponse, mark: int) -> bool:
        """Keep a response; False when it was changed since `mark`, or the store is away."""

    async def drop(self, key: ResourceKey) -> bool:
        """Forget a resource; False when the store is away."""

    async def purge(self, purge: Purge) -> int:
        """Forget many; how many resources that were. Raises StoreUnavailable: who purges must know if it was done."""
