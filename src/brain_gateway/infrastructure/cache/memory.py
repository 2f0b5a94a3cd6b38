"""ResponseStore in memory: bounded in bytes, the least used goes first, and no tenant pushes out the others."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from brain_gateway.application.ports.response_store import Found, Purge, ResourceKey, SelectorOf
from brain_gateway.domain.http.caching.stored import StoredResponse

MOST_VARIANTS = 64  # of one resource
MOST_SPECS = 8  # different Vary of one resource
MOST_DROPS = 10_000  # remembered one by one

_Variant = tuple[ResourceKey, bytes]


class _Resource:
    """specs: the Vary that its responses came with, the latest last."""

    __slots__ = ("specs", "variants")

    def __init__(self) -> None:
        self.specs: list[tuple[bytes, ...]] = []
        self.variants: OrderedDict[bytes, StoredResponse] = OrderedDict()


class _Part:
    """One tenant's: resources by key, their variants with the least used first, bytes in all."""

    __slots__ = ("resources", "size", "tenant", "used")

    def __init__(self, tenant: str) -> None:
        self.tenant = tenant
        self.resources: dict[ResourceKey, _Resource] = {}
        self.used: OrderedDict[_Variant, int] = OrderedDict()
        self.size = 0


class MemoryResponses:
    """At most `most` bytes. When it is full, a tenant that has more than its even share makes room for itself, another
    takes it from the tenant that has gone longest without a new answer."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._parts: OrderedDict[str, _Part] = OrderedDict()
        self._changes = 0
        self._purged: dict[str, int] = {}  # the last purge by tenant
        self._dropped: OrderedDict[ResourceKey, int] = OrderedDict()
        self._all_dropped = 0  # the last drop that is remembered no more
        self.size = 0

    def find(self, key: ResourceKey, selector_of: SelectorOf) -> Found:
        """See the port ResponseStore."""
        mark = self._changes
        part = self._parts.get(key.tenant)
        resource = part.resources.get(key) if part is not None else None
        if part is None or resource is None:
            return Found(mark, [], False)
        found = []
        for spec in resource.specs:
            selector = selector_of(spec)
            stored = resource.variants.get(selector)
            if stored is not None:
                part.used.move_to_end((key, selector))
                found.append(stored)
        return Found(mark, found, bool(resource.variants))

    def keep(self, key: ResourceKey, stored: StoredResponse, mark: int) -> bool:
        """See the port ResponseStore."""
        if mark < self._changed(key) or stored.size + len(key.target) > self._most:
            return False
        part = self._parts.get(key.tenant)
        if part is None:
            part = self._parts[key.tenant] = _Part(key.tenant)
        self._parts.move_to_end(key.tenant)
        resource = part.resources.setdefault(key, _Resource())
        self._remove(part, key, stored.selector)
        part.resources[key] = resource
        _remember_spec(resource, stored.vary)
        resource.variants[stored.selector] = stored
        size = stored.size + len(key.target)
        part.used[key, stored.selector] = size
        part.size += size
        self.size += size
        if len(resource.variants) > MOST_VARIANTS:
            self._remove(part, key, next(iter(resource.variants)))
        self._make_room(part)
        return (key, stored.selector) in part.used

    def _make_room(self, storing: _Part) -> None:
        while self.size > self._most:
            share = self._most / len(self._parts)
            part = storing if storing.size > share else next(iter(self._parts.values()))
            self._remove(part, *next(iter(part.used)))
            if not part.used:
                del self._parts[part.tenant]

    def _changed(self, key: ResourceKey) -> int:
        return max(self._purged.get(key.tenant, 0), self._dropped.get(key, self._all_dropped))

    def _remove(self, part: _Part, key: ResourceKey, selector: bytes) -> int:
        size = part.used.pop((key, selector), None)
        if size is None:
            return 0
        part.size -= size
        self.size -= size
        resource = part.resources[key]
        del resource.variants[selector]
        if not resource.variants:
            del part.resources[key]
        return 1

    def drop(self, key: ResourceKey) -> int:
        """See the port ResponseStore."""
        self._changes += 1
        self._dropped[key] = self._changes
        self._dropped.move_to_end(key)
        if len(self._dropped) > MOST_DROPS:
            self._all_dropped = self._dropped.popitem(last=False)[1]
        return self._forget(key.tenant, lambda known: [key] if key in known else [])

    def purge(self, purge: Purge) -> int:
        """See the port ResponseStore."""
        self._changes += 1
        self._purged[purge.part] = self._changes
        return self._forget(
            purge.part, lambda known: [key for key in known if purge.concerns(key.service, key.target)]
        )

    def _forget(
        self, tenant: str, chosen: Callable[[dict[ResourceKey, _Resource]], list[ResourceKey]]
    ) -> int:
        part = self._parts.get(tenant)
        if part is None:
            return 0
        count = 0
        for key in chosen(part.resources):
            count += sum(self._remove(part, key, selector) for selector in list(part.resources[key].variants))
        if not part.used:
            del self._parts[tenant]
        return count


def _remember_spec(resource: _Resource, vary: tuple[bytes, ...]) -> None:
    """The latest last; those that come no more fall out."""
    if vary in resource.specs:
        resource.specs.remove(vary)
    resource.specs.append(vary)
    del resource.specs[:-MOST_SPECS]
