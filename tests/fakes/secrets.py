"""Secrets in memory; `status` and `detail` say what its health answers, and whether it can be used."""

from __future__ import annotations

from collections.abc import Mapping

from brain_gateway.application.ports.secrets import SecretsHealth, SecretsStatus, StoredSecret
from brain_gateway.domain.errors import PreconditionFailed, SecretNotFound, SecretsUnavailable
from brain_gateway.domain.secret_path import SecretPath, checked_values
from brain_gateway.domain.tenancy import Secret


class FakeSecrets:
    """A dictionary. `refused`: its status is one that waiting does not mend."""

    def __init__(self, known: Mapping[SecretPath, Mapping[str, str]] | None = None) -> None:
        self.status = SecretsStatus.OK
        self.detail = ""
        self.refused = False
        self.reads: list[SecretPath] = []
        self.stored = {
            path: StoredSecret({field: Secret(value) for field, value in fields.items()}, 1)
            for path, fields in (known or {}).items()
        }

    async def read(self, path: SecretPath, *, anew: bool = False) -> StoredSecret:
        self._check()
        self.reads.append(path)
        try:
            return self.stored[path]
        except KeyError:
            raise SecretNotFound from None

    async def write(
        self, path: SecretPath, values: Mapping[str, Secret], expected_version: int | None = None
    ) -> int:
        fields = checked_values(values)
        self._check()
        version = self.stored[path].version if path in self.stored else 0
        if expected_version not in (None, version):
            raise PreconditionFailed
        self.stored[path] = StoredSecret(fields, version + 1)
        return version + 1

    async def delete(self, path: SecretPath) -> None:
        self._check()
        self.stored.pop(path, None)

    async def names(self, tenant_id: str | None) -> tuple[str, ...]:
        self._check()
        return tuple(sorted(path.name for path in self.stored if path.tenant_id == tenant_id))

    async def health(self) -> SecretsHealth:
        return SecretsHealth(self.status, self.detail)

    def _check(self) -> None:
        if self.status not in (SecretsStatus.OK, SecretsStatus.DEGRADED):
            raise SecretsUnavailable(self.detail, refused=self.refused)
