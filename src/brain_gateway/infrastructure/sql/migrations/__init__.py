"""The schema's history, for Alembic. It goes with the package: `brain-gateway db upgrade` needs no files beside it."""
