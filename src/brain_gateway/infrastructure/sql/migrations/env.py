"""Run by Alembic for each command, on the connection that `migrating.py` hands over, inside its transaction."""

from __future__ import annotations

from alembic import context

from brain_gateway.infrastructure.sql.tables import metadata


def migrate() -> None:
    """What the command asks for."""
    connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()


if __name__ == "env_py":  # so Alembic calls this file when it runs it
    migrate()
