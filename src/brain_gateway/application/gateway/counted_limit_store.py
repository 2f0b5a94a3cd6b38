"""Counts the calls to the store of limits, and those that failed, for whoever watches the gateway."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TypeVar

from brain_gateway.application.ports.limit_store import LeaseRequest, LimitStore, Pulse
from brain_gateway.domain.errors import LimitsUnavailable
from brain_gateway.domain.resilience.lease_terms import Grant

CALLS = ("lease", "pulse", "leave")
Answer = TypeVar("Answer")


class CountedLimitStore:
    """A LimitStore in front of another. `calls` and `failures`: by the method's name."""

    def __init__(self, store: LimitStore) -> None:
        self._store = store
        self.calls = dict.fromkeys(CALLS, 0)
        self.failures = dict.fromkeys(CALLS, 0)

    async def lease(self, requests: Sequence[LeaseRequest]) -> list[Grant | None]:
        """See the port."""
        return await self._counted("lease", self._store.lease(requests))

    async def pulse(self, member: str, told: int = 0) -> Pulse:
        """See the port."""
        return await self._counted("pulse", self._store.pulse(member, told))

    async def leave(self, member: str) -> None:
        """See the port."""
        await self._counted("leave", self._store.leave(member))

    async def _counted(self, name: str, call: Awaitable[Answer]) -> Answer:
        self.calls[name] += 1
        try:
            return await call
        except LimitsUnavailable:
            self.failures[name] += 1
            raise
