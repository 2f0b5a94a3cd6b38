"""A ServiceDiscovery that says what a test tells it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from brain_gateway.application.ports.service_discovery import Discovered, NotDiscovered
from brain_gateway.domain.routing.discovery import Instance, Lookup


class KnownInstances:
    """`instances`: by name, each answer valid for `ttl` seconds. `silent`, `broken`: no answer, an exception.

    A name that is not among them is denied. With `gate` every question waits for it; `watching`: a question that
    knows the present version waits for the next, as with Consul. `asked`: (when, name).
    """

    def __init__(self, clock: Callable[[], float] = lambda: 0.0) -> None:
        self._clock = clock
        self.instances: dict[str, tuple[Instance, ...]] = {}
        self.ttl = 10.0
        self.silent = self.watching = False
        self.broken: Exception | None = None
        self.gate: asyncio.Event | None = None
        self.asked: list[tuple[float, str]] = []
        self._version = 1
        self._changed = asyncio.Event()

    def times(self, name: str) -> list[float]:
        """When a name was asked for."""
        return [at for at, asked in self.asked if asked == name]

    def set(self, name: str, *addresses: str, port: int | None = None) -> None:
        """Where a service is from now on."""
        self.instances[name] = tuple(Instance(address, port) for address in addresses)
        self._version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def resolve(self, lookup: Lookup, version: str = "") -> Discovered | NotDiscovered:
        """See the port ServiceDiscovery."""
        self.asked.append((self._clock(), lookup.name))
        if self.gate is not None:
            await self.gate.wait()
        while self.watching and version == str(self._version):
            await self._changed.wait()
        if self.broken is not None:
            raise self.broken
        if self.silent:
            return NotDiscovered("no name server gave an answer")
        found = self.instances.get(lookup.name)
        if found is None:
            return NotDiscovered("there is no such name", denied=True)
        if self.watching:
            return Discovered(found, 0.0, str(self._version))
        return Discovered(found, self.ttl)
