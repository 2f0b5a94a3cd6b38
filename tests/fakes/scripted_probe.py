"""A probe that answers what a test says and remembers who was asked when."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from brain_gateway.application.ports.probe import ProbeResult
from brain_gateway.domain.routing.service_route import ProbePolicy
from brain_gateway.domain.routing.target import Target


class ScriptedProbe:
    """`down` holds the origins that do not answer; `gate`, when set, is what every check waits for;
    `afterwards` is called at the end of each check."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.down: set[str] = set()
        self.broken: Exception | None = None
        self.gate: asyncio.Event | None = None
        self.afterwards: Callable[[], object] | None = None
        self.asked: list[tuple[float, str]] = []
        self.under_way = self.most_under_way = 0

    def times(self, origin: str) -> list[float]:
        """When the origin was asked."""
        return [at for at, asked in self.asked if asked == origin]

    async def check(self, target: Target, policy: ProbePolicy) -> ProbeResult:
        """See the port Probe."""
        self.asked.append((self._clock(), target.origin))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            if self.gate is not None:
                await self.gate.wait()
        finally:
            self.under_way -= 1
        if self.broken is not None:
            raise self.broken
        ok = target.origin not in self.down
        if self.afterwards is not None:
            self.afterwards()
        return ProbeResult(ok, 0.0125, "status 200" if ok else "connection refused")
