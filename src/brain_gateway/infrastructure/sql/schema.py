"""Which schema a database has, and which one this version needs: a plain SELECT tells, without Alembic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, inspect, text

REVISIONS: Final = ("0001",)
"""Every revision, oldest first; the last is the one that this version needs."""
TABLE: Final = "alembic_version"


@dataclass(frozen=True, slots=True)
class Revision:
    """What a database has (None: no schema at all)."""

    name: str | None

    @property
    def current(self) -> bool:
        """Whether it is what this version needs."""
        return self.name == REVISIONS[-1]

    @property
    def upgradable(self) -> bool:
        """Whether it is older than what this version needs; a newer one is left alone."""
        return not self.current and self.known

    @property
    def known(self) -> bool:
        """Whether this version can bring it up or down."""
        return self.name is None or self.name in REVISIONS

    @property
    def fault(self) -> str | None:
        """What is wrong with it, and what to do."""
        if self.current:
            return None
        if self.name is None:
            return "the database has no schema: run `brain-gateway db upgrade`"
        if self.name in REVISIONS:
            return f"the database has schema {self.name}, not {REVISIONS[-1]}: run `brain-gateway db upgrade`"
        return (
            f"the database has schema {self.name}, which is newer than this version of the gateway "
            f"({REVISIONS[-1]}): upgrade the gateway"
        )


def read_revision(connection: Connection) -> Revision:
    """What the database says, in the connection's transaction."""
    if not inspect(connection).has_table(TABLE):
        return Revision(None)
    rows = connection.execute(text(f"SELECT version_num FROM {TABLE}")).all()
    return Revision(rows[0][0] if rows else None)
