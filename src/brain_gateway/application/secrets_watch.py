"""How the store of secrets is: asked now and then, answered from memory to whoever shows health."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from brain_gateway.application.background import Background
from brain_gateway.application.ports.secrets import Secrets, SecretsHealth

INTERVAL = 10.0  # seconds


class SecretsWatch(Background):
    """A context manager that asks every `interval` seconds and tells `on_change` what is new."""

    name = "secrets-watch"

    def __init__(
        self,
        secrets: Secrets,
        on_change: Callable[[SecretsHealth], None] = lambda _: None,
        interval: float = INTERVAL,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._secrets = secrets
        self._on_change = on_change
        self._interval = interval
        self._sleep = sleep
        self._last: SecretsHealth | None = None

    def part(self) -> dict[str, str]:
        """What a health document shows: `status` (unknown before the first answer) and, if there is one, `detail`."""
        if self._last is None:
            return {"status": "unknown"}
        detail = {"detail": self._last.detail} if self._last.detail else {}
        return {"status": self._last.status.value, **detail}

    async def _run(self) -> None:
        while True:
            health = await self._secrets.health()
            if self._last is None or health.status is not self._last.status:
                self._on_change(health)
            self._last = health
            await self._sleep(self._interval)
