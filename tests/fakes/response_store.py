"""A SharedResponseStore in memory: slow, away or changed by others, as a test says."""

from __future__ import annotations

import asyncio

from brain_gateway.application.ports.response_store import Found, Purge, ResourceKey, SelectorOf
from brain_gateway.domain.errors import StoreUnavailable
from brain_gateway.domain.http.caching.stored import StoredResponse
from brain_gateway.infrastructure.cache.memory import MemoryResponses


class SharedMemoryResponses:
    """`asked` has the names of the questions in order; `away`: it does not answer."""

    def __init__(self) -> None:
        self.kept = MemoryResponses(1 << 24)
        self.away = False
        self.asked: list[str] = []
        self._changes: dict[str, int] = {}

    async def _reach(self, name: str) -> bool:
        self.asked.append(name)
        await asyncio.sleep(0)
        return not self.away

    async def find(self, key: ResourceKey, selector_of: SelectorOf) -> Found | None:
        """See the port."""
        return self.kept.find(key, selector_of) if await self._reach("find") else None

    async def changed(self, key: ResourceKey) -> int | None:
        """See the port."""
        return self.kept._changed(key) if await self._reach("changed") else None

    async def keep(self, key: ResourceKey, stored: StoredResponse, mark: int) -> bool:
        """See the port."""
        return await self._reach("keep") and self.kept.keep(key, stored, mark)

    async def drop(self, key: ResourceKey) -> bool:
        """See the port."""
        reached = await self._reach("drop")
        if reached:
            self.kept.drop(key)
        return reached

    async def purge(self, purge: Purge) -> int:
        """See the port."""
        if not await self._reach("purge"):
            raise StoreUnavailable
        return self.kept.purge(purge)
