"""One check for many: services that live at one address, and ask it the same, share what it answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from brain_gateway.application.ports.probe import Probe, ProbeResult
from brain_gateway.domain.routing.service_route import ProbePolicy
from brain_gateway.domain.routing.target import Target

FRESH = 1.0  # seconds for which an answer serves others; below it nobody asks the same target again
MOST_KEPT = 10_000

_Key = tuple[str, str, str, float]


class SharedProbe:
    """Asks `probe` once for all who ask the same (origin, name, path, timeout) at a time, or within FRESH seconds.

    `clock` is monotonic seconds.
    """

    def __init__(self, probe: Probe, clock: Callable[[], float]) -> None:
        self._probe = probe
        self._clock = clock
        self._under_way: dict[_Key, asyncio.Task[ProbeResult]] = {}
        self._answers: dict[_Key, tuple[float, ProbeResult]] = {}

    async def check(self, target: Target, policy: ProbePolicy) -> ProbeResult:
        """See the port Probe."""
        key = (target.origin, target.server_name, policy.path, policy.timeout)
        known = self._answers.get(key)
        if known is not None and self._clock() - known[0] < FRESH:
            return known[1]
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.create_task(self._ask(key, target, policy))
        return await asyncio.shield(task)  # who stops waiting leaves the others their answer

    async def _ask(self, key: _Key, target: Target, policy: ProbePolicy) -> ProbeResult:
        try:
            result = await self._probe.check(target, policy)
        finally:
            del self._under_way[key]
        if len(self._answers) >= MOST_KEPT:
            self._answers.clear()
        self._answers[key] = (self._clock(), result)
        return result
