"""What the Vault adapter is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from brain_gateway.domain.secret_path import PLATFORM, SecretPath
from brain_gateway.domain.tenancy import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultConfig:
    """Where Vault is and who the gateway is there: `token`, or `role_id` with `secret_id` (AppRole).

    Times are seconds: `timeout` bounds one call with all that belongs to it (connecting, logging in again);
    `cache` is how long a read answers the next ones; `stale` how long the last answer serves while Vault is away.
    `template` holds `{tenant}` and ends in `/{name}`.
    """

    address: str
    token: Secret | None = field(default=None, repr=False)
    role_id: str | None = None
    secret_id: Secret | None = field(default=None, repr=False)
    namespace: str | None = None
    mount: str = "secret"
    template: str = "brain-gateway/{tenant}/{name}"
    ca_file: Path | None = None
    timeout: float = 3.0
    cache: float = 5.0
    stale: float = 600.0

    def data(self, path: SecretPath) -> str:
        """The API path of a secret's values."""
        return f"{self.mount}/data/{self._rendered(path.tenant, path.name)}"

    def metadata(self, path: SecretPath) -> str:
        """The API path of a secret with all its versions."""
        return f"{self.mount}/metadata/{self._rendered(path.tenant, path.name)}"

    def folder(self, tenant_id: str | None) -> str:
        """The API path under which a tenant's secrets are listed."""
        return f"{self.mount}/metadata/{self._rendered(tenant_id or PLATFORM, '')}"

    def needed(self, capability: str, kind: str) -> str:
        """A policy that is missing, in words that name no secret: the template stands for the path."""
        return f'a policy with "{capability}" on {self.mount}/{kind}/{self.template}'

    def _rendered(self, tenant: str, name: str) -> str:
        return self.template.replace("{tenant}", tenant).replace("{name}", name)
