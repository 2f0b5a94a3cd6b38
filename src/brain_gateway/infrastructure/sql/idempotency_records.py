"""Answers that are given again."""

from __future__ import annotations

from sqlalchemy import delete, select

from brain_gateway.application.ports.idempotency_records import IdempotencyRecord
from brain_gateway.infrastructure.sql.repository import Repository
from brain_gateway.infrastructure.sql.tables import idempotency_records


class SqlIdempotencyRecords(Repository):
    """IdempotencyRecords. A record belongs to the scope that wrote it; caller and key are unique over all scopes."""

    table = idempotency_records
    taken = "another request with this Idempotency-Key is under way, or was answered"

    async def find(self, caller: str, key: str) -> IdempotencyRecord | None:
        """The record, if the scope has one."""
        columns = idempotency_records.c
        rows = await self._session.rows(
            select(idempotency_records).where(columns.caller == caller, columns.key == key, self.seen)
        )
        if not rows:
            return None
        row = rows[0]
        return IdempotencyRecord(
            caller=row.caller,
            key=row.key,
            fingerprint=row.fingerprint,
            status=row.status,
            headers=row.headers,
            body=row.body,
            created_at=row.created_at,
        )

    async def add(self, record: IdempotencyRecord) -> None:
        """Raises Conflict."""
        await self.insert(
            {
                "tenant_id": self._session.owner,
                "caller": record.caller,
                "key": record.key,
                "fingerprint": record.fingerprint,
                "status": record.status,
                "headers": record.headers,
                "body": record.body,
                "created_at": record.created_at,
            }
        )

    async def forget(self, before: float) -> int:
        """Holds up no other writer (on PostgreSQL)."""
        statement = delete(idempotency_records).where(idempotency_records.c.created_at < before, self.own)
        return await self._session.change_apart(statement)
