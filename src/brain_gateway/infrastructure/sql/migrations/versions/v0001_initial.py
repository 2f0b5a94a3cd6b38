"""The first schema: all tables, and row level security on PostgreSQL."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
REAL: sa.Double[float] = sa.Double()
WHOLE = sa.BigInteger()
SHARED = ("services", "targets", "routes", "limits")
OWNED = (
    "tenants",
    "api_keys",
    "integrations",
    "audit_log",
    "audit_heads",
    "outbox",
    "configuration_versions",
    "declarations",
    "idempotency_records",
)

SCOPE = "(SELECT current_setting('app.current_tenant_id', true))"
A_TENANT = "'^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'"


def _column(name: str, kind: sa.types.TypeEngine[Any] = TEXT, **about: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=about.pop("nullable", False), **about)


def _bookkeeping() -> list[sa.Column[Any]]:
    return [
        _column("version", WHOLE),
        _column("owner"),
        _column("declared"),
        _column("created_at", REAL),
        _column("updated_at", REAL),
    ]


def _of_service(name: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["service_id", "tenant_id"], ["services.id", "services.tenant_id"], name, ondelete="CASCADE"
    )


def upgrade() -> None:
    """From an empty database."""
    _registry()
    _tenants_own()
    _records()
    _versions()
    if op.get_bind().dialect.name == "postgresql":
        for table in (*SHARED, *OWNED):
            _secure(table)


def _registry() -> None:
    op.create_table(
        "services",
        _column("id", primary_key=True),
        *map(_column, ("tenant_id", "name", "kind", "settings")),
        *_bookkeeping(),
        sa.UniqueConstraint("tenant_id", "name", name="services_name"),
        sa.UniqueConstraint("id", "tenant_id", name="services_owner"),
    )
    op.create_index("services_order", "services", ["name", "id"])
    op.create_table(
        "targets",
        _column("service_id", primary_key=True),
        _column("origin", primary_key=True),
        _column("tenant_id"),
        _column("position", sa.Integer()),
        _column("weight", sa.Integer()),
        _column("server_name"),
        _column("guarded", sa.Boolean()),
        _column("lease_id", nullable=True),
        _column("lease_expires_at", REAL, nullable=True),
        _of_service("targets_service"),
    )
    op.create_index("targets_lease", "targets", ["lease_id"], unique=True)
    op.create_index("targets_lease_end", "targets", ["lease_expires_at"])
    op.create_table(
        "routes",
        _column("service_id", primary_key=True),
        _column("position", sa.Integer(), primary_key=True),
        *map(_column, ("tenant_id", "pattern", "methods", "settings")),
        _of_service("routes_service"),
    )


def _tenants_own() -> None:
    op.create_table(
        "tenants", _column("tenant_id", primary_key=True), *map(_column, ("name", "status")), *_bookkeeping()
    )
    op.create_table(
        "api_keys",
        _column("id", primary_key=True),
        _column("tenant_id"),
        _column("hash", unique=True),
        *map(_column, ("prefix", "user_id", "name", "roles")),
        _column("expires_at", REAL, nullable=True),
        _column("revoked_at", REAL, nullable=True),
        *_bookkeeping(),
    )
    op.create_index("api_keys_tenant", "api_keys", ["tenant_id", "id"])
    op.create_table(
        "limits",
        _column("id", primary_key=True),
        *map(_column, ("tenant_id", "name", "rate")),
        *_bookkeeping(),
        sa.UniqueConstraint("tenant_id", "name", name="limits_name"),
    )
    op.create_table(
        "integrations",
        _column("id", primary_key=True),
        *map(_column, ("tenant_id", "integration_name", "category")),
        _column("is_active", sa.Boolean()),
        _column("settings"),
        _column("version", WHOLE),
        sa.UniqueConstraint("tenant_id", "integration_name", name="integrations_name"),
    )


def _records() -> None:
    op.create_table(
        "audit_log",
        _column("tenant_id", primary_key=True),
        _column("sequence", WHOLE, primary_key=True),
        _column("occurred_at", REAL),
        _column("actor"),
        _column("actor_tenant", nullable=True),
        *map(_column, ("action", "subject", "request_id")),
        _column("before", nullable=True),
        _column("after", nullable=True),
        *map(_column, ("previous", "hash")),
    )
    op.create_table(
        "audit_heads", _column("tenant_id", primary_key=True), _column("sequence", WHOLE), _column("hash")
    )
    op.create_table(
        "outbox",
        _column("id", WHOLE, primary_key=True, autoincrement=False),
        *map(_column, ("tenant_id", "type", "aggregate")),
        _column("occurred_at", REAL),
        _column("data"),
        _column("version", WHOLE),
        _column("published", sa.Boolean()),
    )
    op.create_index("outbox_waiting", "outbox", ["published", "id"])
    op.create_index("outbox_tenant", "outbox", ["tenant_id", "id"])
    op.create_table(
        "idempotency_records",
        _column("caller", primary_key=True),
        _column("key", primary_key=True),
        *map(_column, ("tenant_id", "fingerprint")),
        _column("status", sa.Integer()),
        *map(_column, ("headers", "body")),
        _column("created_at", REAL),
    )
    op.create_index("idempotency_records_age", "idempotency_records", ["created_at"])


def _versions() -> None:
    head = op.create_table(
        "configuration_head",
        _column("id", sa.Integer(), primary_key=True, autoincrement=False),
        _column("version", WHOLE),
        _column("last_event", WHOLE),
    )
    op.bulk_insert(head, [{"id": 1, "version": 0, "last_event": 0}])
    op.create_table(
        "configuration_versions",
        _column("version", WHOLE, primary_key=True, autoincrement=False),
        *map(_column, ("tenant_id", "actor")),
        _column("recorded_at", REAL),
        _column("changes"),
    )
    op.create_table(
        "declarations",
        _column("tenant_id", primary_key=True),
        _column("owner", primary_key=True),
        _column("fingerprint"),
    )


def _secure(table: str) -> None:
    """A tenant reads and writes its own rows, 'platform' all of them, nobody (no scope was set) none; the rows of the
    platform in a shared table are read by every tenant. The scope is evaluated once per statement."""
    own = f"{SCOPE} = 'platform' OR tenant_id = {SCOPE}"
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {table}_is_owned CHECK (tenant_id <> '')")
    op.execute(f"CREATE POLICY {table}_own ON {table} USING ({own}) WITH CHECK ({own})")
    if table in SHARED:
        shared = f"tenant_id = 'platform' AND {SCOPE} ~ {A_TENANT}"
        op.execute(f"CREATE POLICY {table}_shared ON {table} FOR SELECT USING ({shared})")


def downgrade() -> None:
    """To an empty database."""
    for table in ("configuration_head", "targets", "routes", "services", "limits", *OWNED):
        op.drop_table(table)
