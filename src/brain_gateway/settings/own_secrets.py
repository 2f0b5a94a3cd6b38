"""The secrets that a process's own settings refer to: waited for at its start, and read again while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pydantic import SecretStr

from brain_gateway.application.ports.secrets import Secrets
from brain_gateway.domain.errors import ConfigurationError, SecretsUnavailable
from brain_gateway.settings.documentation import describe_settings
from brain_gateway.settings.model import Settings
from brain_gateway.settings.references import references_in
from brain_gateway.settings.resolution import has_references, resolve_secret_references

EVERY = 10.0  # seconds between two looks at what may have changed


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at the store found: the settings with everything in its place, or why it was not to be had."""

    present: Settings | None
    missing: str = ""


class OwnSecrets:
    """`settings` as they are written, `found` as whoever started the process saw them; `report` hears of changes.

    Whoever goes by one of the values asks for its `text` each time, or is told of changes (`heed`).
    """

    def __init__(
        self,
        settings: Settings,
        secrets: Secrets,
        found: Look,
        report: Callable[[str], object],
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._secrets = secrets
        self._present = found.present
        self._report = report
        self._pause = pause
        self._heeding: list[Callable[[Settings], Awaitable[None]]] = []
        self._turn = asyncio.Lock()
        self._looks = 0
        self._fault = ""

    @property
    def known(self) -> bool:
        """Whether they have been read."""
        return self._present is not None

    def text(self, choose: Callable[[Settings], SecretStr | None]) -> str | None:
        """One of the secrets among the settings as it was read last. Raises SecretsUnavailable before that, where it
        is referred to."""
        value = choose(self._present or self._settings)
        text = value.get_secret_value() if value else None
        if text and self._present is None and references_in(text, within=True):
            raise SecretsUnavailable("the gateway's own secrets could not be read yet")
        return text

    def heed(self, change: Callable[[Settings], Awaitable[None]]) -> None:
        """`change` is awaited with the settings whenever a secret in them is another; it may raise ConfigurationError
        for one that cannot be used, and then all stays as it was."""
        self._heeding.append(change)

    async def obtain(self) -> None:
        """Read them unless they are known. Raises SecretsUnavailable; its detail says what is to be mended."""
        if self._present is not None:
            return
        try:
            await self._look()
        except ConfigurationError as error:
            raise SecretsUnavailable("; ".join(error.faults), refused=True) from None

    async def renew(self) -> None:
        """Read them again; what cannot be read or used now leaves what was read before, and a fault is told once. Who
        comes while somebody reads waits for that."""
        looks = self._looks
        async with self._turn:
            if looks == self._looks:
                self._tell(await self._attempt())
                self._looks += 1

    async def follow(self) -> None:
        """Read them again and again, where there are any; at once, too: what whoever started this process had found may
        be old by now."""
        while has_references(self._settings):
            if self.known:
                await self.renew()
            await self._pause(EVERY)

    async def _attempt(self) -> str:
        try:
            await self._look()
        except SecretsUnavailable:
            return self._fault  # how the store is, its watch tells
        except ConfigurationError as error:
            return "; ".join(error.faults)
        return ""

    def _tell(self, fault: str) -> None:
        if fault and fault != self._fault:
            self._report(f"secrets that were read before stay in use: {fault}")
        self._fault = fault

    async def _look(self) -> None:
        found, before = await resolve_secret_references(self._settings, self._secrets), self._present
        if found == before:
            return
        for change in self._heeding:
            await change(found)
        self._present = found
        if before is not None:
            self._report(f"{_others(before, found)}: another value was stored, and is in use now")


def _others(before: Settings, after: Settings) -> str:
    """The variables whose values differ."""
    variables = (about.variable for about in describe_settings()
                 if getattr(before, about.attribute) != getattr(after, about.attribute))  # fmt: skip
    return ", ".join(variables)
