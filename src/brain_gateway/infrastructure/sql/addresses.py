"""DATABASE_URL as people write it, and as SQLAlchemy takes it."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from brain_gateway.domain.errors import ConfigurationError

DATABASE_FILE = "gateway.db"
_DRIVERS = {
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
    "postgresql+psycopg": "postgresql+asyncpg",
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
}
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


def database_url(text: str | None, data_dir: Path) -> URL:
    """The address with its driver; None: `gateway.db` in the data directory. Raises ConfigurationError.

    Of libpq's parameters `sslmode` is taken too (asyncpg calls it ssl), and `host` for a Unix socket's directory.
    """
    if text is None:
        return URL.create("sqlite+aiosqlite", database=str(data_dir.absolute() / DATABASE_FILE))
    try:
        url = make_url(text)
        driver = _DRIVERS[url.drivername]
    except (ArgumentError, KeyError, ValueError):
        raise ConfigurationError(
            "DATABASE_URL: must be a URL such as postgresql://user:password@host/name or sqlite:///file.db"
        ) from None
    if driver.startswith("sqlite"):
        return _sqlite(url.set(drivername=driver))
    return _postgresql(url.set(drivername=driver))


def _sqlite(url: URL) -> URL:
    if not url.database or ":memory:" in url.database or url.database.startswith("file:"):
        raise ConfigurationError(
            "DATABASE_URL: SQLite needs a file, such as sqlite:////var/lib/gateway/gateway.db"
        )
    return url.set(database=str(Path(url.database).absolute()))


def _postgresql(url: URL) -> URL:
    if not url.database:
        raise ConfigurationError(
            "DATABASE_URL: the name of the database is missing, as in postgresql://host/name"
        )
    mode = url.query.get("sslmode")
    if mode is None:
        return url
    if mode not in _SSL_MODES:
        raise ConfigurationError(f"DATABASE_URL: sslmode must be one of {', '.join(_SSL_MODES)}")
    return url.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode})
