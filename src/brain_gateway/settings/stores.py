"""Where state is kept, and where services are found."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from brain_gateway.settings.fields import (
    DatabaseAddress,
    Group,
    LowerCase,
    NetworkList,
    RedisAddress,
    Seconds,
    SocketAddress,
    setting,
)

_SWITCH = "true or false (on, off, yes, no, 1, 0)"


class WithoutStore(StrEnum):
    """What a process does with shared limits while it cannot reach their store."""

    SHARE = "share"
    REFUSE = "refuse"


class StoreSettings(Group):
    """Database and shared memory."""

    database_url: DatabaseAddress | None = setting(
        "DATABASE_URL",
        None,
        "Database of services, tenants and audit. Unset: SQLite in the data directory.",
        "a URL such as postgresql://user:password@host/name or sqlite:////var/lib/gateway/gateway.db",
    )
    migration_database_url: DatabaseAddress | None = setting(
        "MIGRATION_DATABASE_URL",
        None,
        "The same PostgreSQL database for the role that owns the tables: `brain-gateway db` uses it, the server does "
        "not. Unset: DATABASE_URL.",
        "a URL such as postgresql://owner:password@host/name",
    )
    database_pool_size: int = setting(
        "DATABASE_POOL_SIZE",
        5,
        "Most connections that one worker opens to the database.",
        "a whole number from 1 to 100",
        "connections",
        ge=1,
        le=100,
    )
    database_timeout: Seconds = setting(
        "DATABASE_TIMEOUT",
        10.0,
        "Time that one statement may take; the database counts as away when it takes longer.",
        "a duration from 100ms to 10m, such as 10 or 10s",
        "seconds",
        ge=0.1,
        le=600,
    )
    config_poll_interval: Seconds = setting(
        "CONFIG_POLL_INTERVAL",
        1.0,
        "How often each process asks the database whether the configuration has changed, in case it was not told.",
        "a duration from 50ms to 1h, such as 1 or 1s",
        "seconds",
        ge=0.05,
        le=3600,
    )
    redis_url: RedisAddress | None = setting(
        "REDIS_URL",
        None,
        "Redis or Valkey that the processes share for limits, breakers and events, or any node of a Cluster (a name "
        "with several addresses is several nodes). Unset: several workers start a Valkey of their own (extra "
        "`embedded`); one worker has its memory.",
        "a URL such as redis://:password@host:6379/0 or rediss://host:6380",
    )
    response_cache_bytes: int = setting(
        "RESPONSE_CACHE_BYTES",
        64 * 1024 * 1024,
        "Memory that each process may use for answers of routes with a `cache`.",
        "a whole number from 1048576 to 68719476736",
        "bytes",
        ge=1024 * 1024,
        le=64 * 1024**3,
    )
    response_cache_tenant_bytes: int = setting(
        "RESPONSE_CACHE_TENANT_BYTES",
        64 * 1024 * 1024,
        "Memory of the shared store that the answers of one tenant may use.",
        "a whole number from 1048576 to 68719476736",
        "bytes",
        ge=1024 * 1024,
        le=64 * 1024**3,
    )
    redis_timeout: Seconds = setting(
        "REDIS_TIMEOUT",
        0.1,
        "Time within which the store must answer; it counts as away when it does not.",
        "a duration from 10ms to 10s, such as 0.1 or 100ms",
        "seconds",
        ge=0.01,
        le=10,
    )
    limits_without_store: Annotated[WithoutStore, LowerCase] = setting(
        "LIMITS_WITHOUT_STORE",
        WithoutStore.SHARE,
        "What becomes of shared limits while the store is away: `share` lets each process admit its part, "
        "`refuse` answers 503.",
        "share or refuse",
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
    tenant_target_networks: NetworkList = setting(
        "TENANT_TARGET_NETWORKS",
        (),
        "Inner networks in which services that tenants register may live, beside public addresses; in the development "
        "profile they may live anywhere.",
        "a comma list of IP addresses or CIDR ranges, such as 10.20.0.0/16,fd00::/8",
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
