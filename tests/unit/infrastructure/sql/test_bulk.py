"""Statements for many rows."""

from __future__ import annotations

from brain_gateway.infrastructure.sql.bulk import insert_many, update_many
from brain_gateway.infrastructure.sql.tables import audit_heads, targets

ROWS = [{"tenant_id": "a", "sequence": 1, "hash": "x"}, {"tenant_id": "b", "sequence": 2, "hash": "y"}]


def test_postgresql_takes_a_list_for_each_column():
    statement, values = insert_many(audit_heads, ROWS, True)
    assert statement == (
        'INSERT INTO "audit_heads" ("tenant_id", "sequence", "hash") '
        "SELECT * FROM unnest($1::TEXT[], $2::BIGINT[], $3::TEXT[])"
    )
    assert values == (["a", "b"], [1, 2], ["x", "y"])
    statement, values = update_many(audit_heads, "tenant_id", ("hash",), ROWS, True)
    assert statement == (
        'UPDATE "audit_heads" AS t SET "sequence" = n."sequence" '
        'FROM unnest($1::TEXT[], $2::BIGINT[]) AS n("tenant_id", "sequence") WHERE t."tenant_id" = n."tenant_id"'
    )
    assert values == (["a", "b"], [1, 2])


def test_sqlite_takes_a_row_at_a_time():
    assert insert_many(audit_heads, ROWS, False) == (
        'INSERT INTO "audit_heads" ("tenant_id", "sequence", "hash") VALUES (?, ?, ?)',
        [("a", 1, "x"), ("b", 2, "y")],
    )
    assert update_many(audit_heads, "tenant_id", ("hash",), ROWS, False) == (
        'UPDATE "audit_heads" SET "sequence" = ? WHERE "tenant_id" = ?',
        [(1, "a"), (2, "b")],
    )


def test_every_type_of_the_tables_has_its_array():
    row = dict.fromkeys(targets.c.keys())
    statement, _ = insert_many(targets, [row], True)
    for kind in ("TEXT[]", "INTEGER[]", "DOUBLE PRECISION[]"):
        assert kind in statement
