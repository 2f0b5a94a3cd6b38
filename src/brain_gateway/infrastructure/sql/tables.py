"""The tables. Whose a row is stands in `tenant_id`: a tenant's UUID, or GLOBAL; row level security reads it there.

Times are unix seconds as double precision (what comes back is what was written, to the bit); documents are JSON as
text (so is their hash). Ids are UUIDs as text. Text sorts by code points, as Python sorts it.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

GLOBAL: Final = "platform"
"""The owner of rows that are nobody's own, and the scope that sees everything."""

metadata = MetaData()
_TEXT = Text().with_variant(Text(collation="C"), "postgresql")


def _text(name: str, **about: Any) -> Column[str]:
    return Column(name, _TEXT, nullable=about.pop("nullable", False), **about)


def _bookkeeping() -> tuple[Column[Any], ...]:
    return (
        Column("version", BigInteger, nullable=False),
        _text("owner"),
        _text("declared"),
        Column("created_at", Double, nullable=False),
        Column("updated_at", Double, nullable=False),
    )


tenants = Table(
    "tenants",
    metadata,
    _text("tenant_id", primary_key=True),
    _text("name"),
    _text("status"),
    *_bookkeeping(),
)

services = Table(
    "services",
    metadata,
    _text("id", primary_key=True),
    _text("tenant_id"),
    _text("name"),
    _text("kind"),
    _text("settings"),
    *_bookkeeping(),
    UniqueConstraint("tenant_id", "name", name="services_name"),
    UniqueConstraint("id", "tenant_id", name="services_owner"),  # what targets and routes refer to
    Index("services_order", "name", "id"),
)

targets = Table(
    "targets",
    metadata,
    _text("service_id", primary_key=True),
    _text("origin", primary_key=True),
    _text("tenant_id"),
    Column("position", Integer, nullable=False),
    Column("weight", Integer, nullable=False),
    _text("server_name"),
    Column("guarded", Boolean, nullable=False),
    _text("lease_id", nullable=True),
    Column("lease_expires_at", Double, nullable=True),
    ForeignKeyConstraint(
        ["service_id", "tenant_id"],
        ["services.id", "services.tenant_id"],
        "targets_service",
        ondelete="CASCADE",
    ),
    Index("targets_lease", "lease_id", unique=True),
    Index("targets_lease_end", "lease_expires_at"),
)

routes = Table(
    "routes",
    metadata,
    _text("service_id", primary_key=True),
    Column("position", Integer, primary_key=True),
    _text("tenant_id"),
    _text("pattern"),
    _text("methods"),
    _text("settings"),
    ForeignKeyConstraint(
        ["service_id", "tenant_id"],
        ["services.id", "services.tenant_id"],
        "routes_service",
        ondelete="CASCADE",
    ),
)

api_keys = Table(
    "api_keys",
    metadata,
    _text("id", primary_key=True),
    _text("tenant_id"),
    _text("hash", unique=True),
    _text("prefix"),
    _text("user_id"),
    _text("name"),
    _text("roles"),
    Column("expires_at", Double, nullable=True),
    Column("revoked_at", Double, nullable=True),
    *_bookkeeping(),
    Index("api_keys_tenant", "tenant_id", "id"),
)

limits = Table(
    "limits",
    metadata,
    _text("id", primary_key=True),
    _text("tenant_id"),
    _text("name"),
    _text("rate"),
    *_bookkeeping(),
    UniqueConstraint("tenant_id", "name", name="limits_name"),
)

integrations = Table(
    "integrations",
    metadata,
    _text("id", primary_key=True),
    _text("tenant_id"),
    _text("integration_name"),
    _text("category"),
    Column("is_active", Boolean, nullable=False),
    _text("settings"),
    Column("version", BigInteger, nullable=False),
    UniqueConstraint("tenant_id", "integration_name", name="integrations_name"),
)

audit_log = Table(
    "audit_log",
    metadata,
    _text("tenant_id", primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    Column("occurred_at", Double, nullable=False),
    _text("actor"),
    _text("actor_tenant", nullable=True),
    _text("action"),
    _text("subject"),
    _text("request_id"),
    _text("before", nullable=True),
    _text("after", nullable=True),
    _text("previous"),
    _text("hash"),
)

audit_heads = Table(
    "audit_heads",
    metadata,
    _text("tenant_id", primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    _text("hash"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    _text("tenant_id"),
    _text("type"),
    _text("aggregate"),
    Column("occurred_at", Double, nullable=False),
    _text("data"),
    Column("version", BigInteger, nullable=False),
    Column("published", Boolean, nullable=False),
    Index("outbox_waiting", "published", "id"),
    Index("outbox_tenant", "tenant_id", "id"),
)

configuration_head = Table(
    "configuration_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
    Column("last_event", BigInteger, nullable=False),
)

configuration_versions = Table(
    "configuration_versions",
    metadata,
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    _text("tenant_id"),
    _text("actor"),
    Column("recorded_at", Double, nullable=False),
    _text("changes"),
)

declarations = Table(
    "declarations",
    metadata,
    _text("tenant_id", primary_key=True),
    _text("owner", primary_key=True),
    _text("fingerprint"),
)

idempotency_records = Table(
    "idempotency_records",
    metadata,
    _text("caller", primary_key=True),
    _text("key", primary_key=True),
    _text("tenant_id"),
    _text("fingerprint"),
    Column("status", Integer, nullable=False),
    _text("headers"),
    _text("body"),
    Column("created_at", Double, nullable=False),
    Index("idempotency_records_age", "created_at"),
)

SHARED: Final = (services, targets, routes, limits)
"""Tables whose global rows every tenant reads."""

TENANT_TABLES: Final = tuple(table for table in metadata.sorted_tables if "tenant_id" in table.c)
"""Tables with row level security: all but the one row that counts versions."""
