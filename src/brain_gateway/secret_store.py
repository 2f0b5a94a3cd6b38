"""Which store of secrets the settings choose: the one place that names its adapters."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

from pydantic import SecretStr

from brain_gateway.application.ports.secrets import Secrets
from brain_gateway.domain.errors import ConfigurationError, SecretsUnavailable
from brain_gateway.domain.tenancy import Secret
from brain_gateway.infrastructure.secrets_file.secrets import FileSecrets
from brain_gateway.settings import (
    Look,
    Profile,
    Settings,
    has_references,
    lost_references,
    resolve_secret_references,
)
from brain_gateway.settings.development import development_secrets_key
from brain_gateway.settings.secrets import keys_of


@contextlib.asynccontextmanager
async def open_secrets(settings: Settings) -> AsyncIterator[Secrets]:
    """Vault where VAULT_ADDR is set, otherwise the encrypted file. Neither is asked for anything yet.

    Raises ConfigurationError for a VAULT_CA_FILE that holds no certificates.
    """
    if settings.vault_addr is None:
        yield file_secrets(settings)
        return
    from brain_gateway.infrastructure.vault.config import VaultConfig
    from brain_gateway.infrastructure.vault.secrets import VaultSecrets

    config = VaultConfig(
        address=settings.vault_addr,
        token=_secret(settings.vault_token) if settings.vault_role_id is None else None,
        role_id=settings.vault_role_id,
        secret_id=_secret(settings.vault_secret_id),
        namespace=settings.vault_namespace,
        mount=settings.vault_kv_mount,
        template=settings.vault_path_template,
        ca_file=settings.vault_ca_file,
        timeout=settings.vault_timeout,
        cache=settings.vault_cache_time,
        stale=settings.vault_stale_time,
    )
    async with VaultSecrets(config) as secrets:
        yield secrets


def file_secrets(settings: Settings) -> FileSecrets:
    """The encrypted file of the data directory; development makes its key when it is needed."""

    def keys() -> Sequence[bytes]:
        if settings.secrets_key is not None:
            return keys_of(settings.secrets_key)
        return () if settings.profile is Profile.PRODUCTION else (development_secrets_key(settings),)

    return FileSecrets(settings.data_dir, keys)


async def look(settings: Settings) -> Look:
    """`settings` with the secrets that they refer to, unless their store is away; without references none is opened.

    Raises ConfigurationError that names variable and reference, for what would not mend itself.
    """
    if not has_references(settings):
        return Look(settings)
    try:
        async with open_secrets(settings) as secrets:
            return Look(await resolve_secret_references(settings, secrets))
    except SecretsUnavailable as error:
        return Look(None, error.detail)


def resolved(settings: Settings) -> Settings:
    """`settings` with the secrets that they refer to, for a command, which waits for nothing; where no loop runs.

    Raises ConfigurationError that names variable and reference.
    """
    if not has_references(settings):
        return settings
    found = asyncio.run(look(settings))
    if found.present is None:
        raise ConfigurationError(faults=lost_references(settings, found.missing))
    return found.present


def _secret(value: SecretStr | None) -> Secret | None:
    return Secret(value.get_secret_value()) if value else None
