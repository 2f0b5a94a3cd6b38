"""How many checks of tenants' targets may be under way: all tenants together, and one of them. The others wait."""

from __future__ import annotations

from collections import Counter
from typing import Generic, TypeVar

Item = TypeVar("Item")


def owner_of(service_key: str) -> str:
    """The tenant in a service's key; "" of a global one."""
    return service_key.rpartition("/")[0]


class TenantShares(Generic[Item]):
    """`most` of all tenants, `most_of_one` of each; what is global is not counted."""

    def __init__(self, most: int, most_of_one: int) -> None:
        self._most = most
        self._most_of_one = most_of_one
        self._taken: Counter[str] = Counter()
        self._all = 0
        self._waiting: dict[str, dict[int, Item]] = {}  # by their identity: each waits once

    def take(self, service_key: str, item: Item) -> bool:
        """Whether the check of an item may begin; if so, it is to be given back, else the item waits."""
        owner = owner_of(service_key)
        if not owner:
            return True
        if not self._may(owner):
            self._waiting.setdefault(owner, {})[id(item)] = item
            return False
        self._all += 1
        self._taken[owner] += 1
        return True

    def give_back(self, service_key: str) -> None:
        """A check has ended."""
        owner = owner_of(service_key)
        if owner:
            self._all -= 1
            self._taken[owner] -= 1
            if not self._taken[owner]:
                del self._taken[owner]

    def next(self) -> Item | None:
        """An item that waits no more, since its check may begin; tenants take turns."""
        for owner in self._waiting:
            if self._may(owner):
                waiting = self._waiting.pop(owner)
                item = waiting.pop(next(iter(waiting)))
                if waiting:
                    self._waiting[owner] = waiting
                return item
        return None

    def _may(self, owner: str) -> bool:
        return self._all < self._most and self._taken[owner] < self._most_of_one
