"""Port: the version of the configuration, and what each one changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class ChangeKind(StrEnum):
    """What a process must read again."""

    SERVICE = "service"
    API_KEY = "api_key"
    TENANT = "tenant"
    LIMITS = "limits"
    EVERYTHING = "everything"


@dataclass(frozen=True, slots=True)
class ConfigurationChange:
    """One thing that is not as it was. `id` of the aggregate; `key` by which the data plane knows it: ServiceRoute.key,
    an API key's hash, a tenant's id."""

    kind: ChangeKind
    id: str = ""
    key: str = ""


class ConfigurationVersions(Protocol):
    """Versions count from 0 (nothing was ever stored). They are made one after the other: who has seen version n has
    missed nothing below it."""

    async def current(self) -> int:
        """The newest version."""
        ...

    async def lock(self) -> int:
        """The newest version, which stays so until this unit of work ends: others who lock or record wait."""
        ...

    async def record(self, changes: Sequence[ConfigurationChange], actor: str, now: float) -> int:
        """A new version with these changes; its number."""
        ...

    async def since(self, version: int) -> tuple[int, Sequence[ConfigurationChange]]:
        """The newest version, and all changes after `version`; EVERYTHING alone when they are no longer known."""
        ...

    async def declared(self, owner: str) -> str:
        """The fingerprint of the file that `owner` applied last; empty when it never did."""
        ...

    async def declare(self, owner: str, fingerprint: str) -> None:
        """Remember it."""
        ...
