"""Where state and secrets are kept, and where services are found."""

from __future__ import annotations

from pydantic import SecretStr

from brain_gateway.settings.fields import DatabaseAddress, Group, RedisAddress, Seconds, WebAddress, setting

_SWITCH = "true or false (on, off, yes, no, 1, 0)"


class StoreSettings(Group):
    """Database, shared memory and vault."""

    database_url: DatabaseAddress | None = setting(
        "DATABASE_URL",
        None,
        "Database of services, tenants and audit. Unset: SQLite in the data directory.",
        "a URL such as postgresql+asyncpg://user:password@host/name or sqlite+aiosqlite:///file.db",
    )
    redis_url: RedisAddress | None = setting(
        "REDIS_URL",
        None,
        "Redis or Valkey that the processes share for limits and events. Unset: memory of this machine.",
        "a URL such as redis://:password@host:6379/0 or rediss://host:6380",
    )
    vault_addr: WebAddress | None = setting(
        "VAULT_ADDR",
        None,
        "Address of Vault or OpenBao. Unset: secrets come from the environment.",
        "an http or https URL",
    )
    vault_token: SecretStr | None = setting(
        "VAULT_TOKEN", None, "Token that the gateway shows to Vault.", "a token that Vault issued"
    )


class RegistrySettings(Group):
    """The service registry and its health checks."""

    service_registry_enabled: bool = setting(
        "SERVICE_REGISTRY_ENABLED",
        True,
        "Take registrations of services at run time, beside those of the configuration file.",
        _SWITCH,
    )
    auto_discovery: bool = setting(
        "AUTO_DISCOVERY",
        True,
        "Look for the targets of services that name none of their own.",
        _SWITCH,
    )
    health_check_interval: Seconds = setting(
        "HEALTH_CHECK_INTERVAL",
        30.0,
        "Time between two probes of a target, where the service's own probe says nothing else.",
        "a duration from 50ms to 1h, such as 30 or 30s",
        "seconds",
        ge=0.05,
        le=3600,
    )
