"""Port: where credentials are kept, per tenant and for the platform itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from brain_gateway.domain.secret_path import SecretPath
from brain_gateway.domain.tenancy import Secret


class StoredSecret(Mapping[str, Secret]):
    """The fields of one secret, each masking itself, and the version under which they were stored (from 1)."""

    __slots__ = ("_fields", "version")

    def __init__(self, fields: Mapping[str, Secret], version: int) -> None:
        self._fields = dict(fields)
        self.version = version

    def __getitem__(self, field: str) -> Secret:
        return self._fields[field]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"StoredSecret(version={self.version}, fields={sorted(self._fields)})"


class SecretsStatus(StrEnum):
    """`DEGRADED`: answers, but not for long (an old copy, a token near its end)."""

    OK = "ok"
    DEGRADED = "degraded"
    SEALED = "sealed"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class SecretsHealth:
    """How the store is; `detail` is for people and holds no secret."""

    status: SecretsStatus
    detail: str = ""


class Secrets(Protocol):
    """A store of secrets. Whatever it waits for is bounded in time.

    All but `health` raise SecretsUnavailable when the store cannot be used now; its detail says why, and `refused`
    whether the store is there and will not.
    """

    async def read(self, path: SecretPath, *, anew: bool = False) -> StoredSecret:
        """What is stored; raises SecretNotFound. While the store is away it may be an old copy, for a while.

        `anew`: what is stored now, or SecretsUnavailable; no copy.
        """
        ...

    async def write(
        self, path: SecretPath, values: Mapping[str, Secret], expected_version: int | None = None
    ) -> int:
        """Store `values` in place of what is there; the new version.

        `expected_version` (compare and set): the version that must be there now, 0 for none; PreconditionFailed
        when it is another. None overwrites whatever there is. Raises ValueError for what `checked_values`
        refuses.
        """
        ...

    async def delete(self, path: SecretPath) -> None:
        """Forget the secret with all its versions; nothing happens where there is none."""
        ...

    async def names(self, tenant_id: str | None) -> tuple[str, ...]:
        """The names of a tenant's secrets (None: the platform's), sorted."""
        ...

    async def health(self) -> SecretsHealth:
        """Ask the store how it is; never raises."""
        ...
