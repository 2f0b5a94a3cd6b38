"""The version of the configuration: one row that writers lock, and a log of what each version changed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import Select, and_, bindparam, delete, insert, select

from brain_gateway.application.ports.configuration_versions import ChangeKind, ConfigurationChange
from brain_gateway.infrastructure.sql.dialects import insert_into
from brain_gateway.infrastructure.sql.documents import build, from_text, to_text
from brain_gateway.infrastructure.sql.repository import Repository, seen_by
from brain_gateway.infrastructure.sql.tables import configuration_head, configuration_versions, declarations

KEPT_VERSIONS: Final = 10_000
MOST_CHANGES: Final = 1_000
"""More than so many in one version, and a process had better read everything."""
_EVERYTHING: Final = (ConfigurationChange(ChangeKind.EVERYTHING),)
_FORGOTTEN_EVERY: Final = 100
_RECORD: Final = insert(configuration_versions)


class SqlConfigurationVersions(Repository):
    """ConfigurationVersions. What a version changed is seen in the scope that made it, and by the platform."""

    table = configuration_versions

    async def current(self) -> int:
        """The newest version."""
        return (await self._session.head()).version

    async def lock(self) -> int:
        """The session holds the row already, or does so now."""
        return (await self._session.head()).version

    async def record(self, changes: Sequence[ConfigurationChange], actor: str, now: float) -> int:
        """The new version."""
        head = await self._session.head()
        version = head.version + 1
        kept = changes if len(changes) <= MOST_CHANGES else _EVERYTHING
        row = {
            "version": version,
            "tenant_id": self._session.owner,
            "actor": actor,
            "recorded_at": now,
            "changes": to_text(list(kept)),
        }
        await self._session.change(_RECORD, row)
        self._session.move_head(head._replace(version=version))
        if version % _FORGOTTEN_EVERY == 0:
            old = configuration_versions.c.version <= version - KEPT_VERSIONS
            await self._session.change(delete(configuration_versions).where(old))
        return version

    async def since(self, version: int) -> tuple[int, Sequence[ConfigurationChange]]:
        """Of a tenant's scope only what was changed in it."""
        newest, rows = await self._newer(version)
        if version > newest:
            return newest, _EVERYTHING  # the database was put back to an older state
        if version == newest:
            return newest, ()
        if not await self._all_known(version, newest, len(rows)):
            return newest, _EVERYTHING
        found = [change for text in rows for change in _changes(text)]
        return newest, _EVERYTHING if _EVERYTHING[0] in found or len(found) > MOST_CHANGES else found

    async def declared(self, owner: str) -> str:
        """Each scope has its own owners."""
        columns = declarations.c
        statement = select(columns.fingerprint).where(
            columns.tenant_id == self._session.owner, columns.owner == owner
        )
        rows = await self._session.rows(statement)
        return str(rows[0][0]) if rows else ""

    async def declare(self, owner: str, fingerprint: str) -> None:
        """In the place of what was there."""
        row = {"tenant_id": self._session.owner, "owner": owner, "fingerprint": fingerprint}
        statement = insert_into(declarations, self._session.postgresql).values(**row)
        await self._session.change(
            statement.on_conflict_do_update(
                index_elements=["tenant_id", "owner"], set_={"fingerprint": fingerprint}
            )
        )

    async def _newer(self, version: int) -> tuple[int, list[str]]:
        """The newest version, and what each after `version` changed."""
        values = {"version": version, "scope": self._session.owner}
        rows = await self._session.rows(_newer_than(self._everywhere), values)
        newest = rows[0][0] if self._session.read_only and rows else await self.current()
        return newest, [row.changes for row in rows if row.changes is not None]

    async def _all_known(self, version: int, newest: int, found: int) -> bool:
        """Whether nothing between was forgotten; a tenant, who does not see all, knows by how old `version` is."""
        if self._session.scope.tenant_id is None:
            return found == newest - version
        return newest - version < KEPT_VERSIONS


@cache
def _newer_than(everywhere: bool) -> Select[Any]:
    """Made once, and one statement: each process asks after each change."""
    head, columns = configuration_head, configuration_versions.c
    newer = and_(columns.version > bindparam("version"), seen_by(configuration_versions, everywhere))
    both = head.outerjoin(configuration_versions, newer)
    return select(head.c.version, columns.changes).select_from(both).order_by(columns.version)


def _changes(text: str) -> list[ConfigurationChange]:
    """What a newer version wrote down that is not known here: everything is read again."""
    try:
        return [build(ConfigurationChange, one) for one in from_text(text)]
    except (ValueError, TypeError):
        return list(_EVERYTHING)
