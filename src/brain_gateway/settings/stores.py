"""Where state is kept, and where services are found."""

from __future__ import annotations

from brain_gateway.settings.fields import (
    DatabaseAddress,
    Group,
    RedisAddress,
    Seconds,
    SocketAddress,
    setting,
)

_SWITCH = "true or false (on, off, yes, no, 1, 0)"


class StoreSettings(Group):
    """Database and shared memory."""

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
        "Look the names of services without targets of their own up in DNS, again and again; false: when connecting.",
        _SWITCH,
    )
    dns_resolver: SocketAddress | None = setting(
        "DNS_RESOLVER",
        None,
        "Name server to ask in place of those in /etc/resolv.conf; the hosts file then counts no more.",
        "an IP address and a port such as 10.0.0.2:53 or [fd00::2]:53",
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
