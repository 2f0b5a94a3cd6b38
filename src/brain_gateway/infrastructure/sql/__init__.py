"""The control plane's data in SQLite or PostgreSQL, through SQLAlchemy Core."""
