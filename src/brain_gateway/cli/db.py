"""`brain-gateway db`: the database's schema, up and down, and whether it is as the gateway needs it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from brain_gateway.cli.faults import faults_on_stderr, print_warnings

if TYPE_CHECKING:
    from pydantic import SecretStr
    from sqlalchemy.engine import URL

    from brain_gateway.infrastructure.sql.migrating import Migrated

EXIT_NOT_DONE = 1
_ONE_ROLE = (
    "no role of the gateway's own is named (DATABASE_URL, --app-role): whoever owns the tables can switch row level "
    "security off, and in production the gateway refuses to start as that role"
)

app = typer.Typer(help="Bring the database's schema up or down, and check it.", no_args_is_help=True)

UrlOption = Annotated[
    str | None, typer.Option("--url", help="Database. Default: MIGRATION_DATABASE_URL, else DATABASE_URL.")
]


@dataclass(frozen=True, slots=True)
class _Databases:
    """Where to migrate, and as whom the gateway itself will come (None: it is not told, or not on PostgreSQL)."""

    url: URL
    app_role: str | None


@app.command("upgrade")
def upgrade(
    url: UrlOption = None,
    app_role: Annotated[
        str | None,
        typer.Option("--app-role", help="PostgreSQL role of the gateway. Default: the user of DATABASE_URL."),
    ] = None,
    to: Annotated[str, typer.Option("--to", help="Revision.")] = "head",
) -> None:
    """Bring the schema to a revision, all of it or nothing, and let the gateway's role work with it.

    On PostgreSQL run it as another role than the gateway's: who owns the tables could switch their policies off.
    """
    with _faults():
        databases = _databases(url, app_role)
        _warn_of_one_role(databases)
        from brain_gateway.infrastructure.sql import migrating

        done = asyncio.run(migrating.upgrade(databases.url, to, databases.app_role))
    _tell(databases.url, done)


@app.command("downgrade")
def downgrade(
    to: Annotated[str, typer.Argument(help="Revision; `base` takes all tables away, with what is in them.")],
    url: UrlOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Bring the schema back to an older revision; what only newer ones keep is lost."""
    with _faults():
        databases = _databases(url, None)
        if not yes:
            typer.confirm(
                f"{_shown(databases.url)}: back to {to}, and lose what is newer?", abort=True, err=True
            )
        from brain_gateway.infrastructure.sql import migrating

        done = asyncio.run(migrating.downgrade(databases.url, to))
    _tell(databases.url, done)


@app.command("current")
def current(url: UrlOption = None) -> None:
    """Print the revision that the database has; nothing when it has none."""
    with _faults():
        databases = _databases(url, None)
        found = asyncio.run(_revision(databases.url))
    if found is not None:
        typer.echo(found)


@app.command("check")
def check(
    url: Annotated[str | None, typer.Option("--url", help="Database. Default: DATABASE_URL.")] = None,
) -> None:
    """Whether the gateway could work with its database: it answers, its schema is right, and so is the role. Exit code
    1 when not, with a line for each fault.
    """
    with _faults():
        faults = asyncio.run(_check(_gateway_url(url)))
    for fault in faults:
        typer.echo(fault, err=True)
    if faults:
        raise typer.Exit(EXIT_NOT_DONE)
    typer.echo("OK")


async def _check(url: URL) -> list[str]:
    from brain_gateway.infrastructure.sql.store import open_store

    async with open_store(url, pool_size=1) as store:
        fault = await store.ready()
        if fault is not None:
            return [fault]
        return [
            f"the role of DATABASE_URL passes row level security by: {one}"
            for one in await store.role_faults()
        ]


async def _revision(url: URL) -> str | None:
    from brain_gateway.infrastructure.sql.store import open_store

    async with open_store(url, pool_size=1) as store:
        return await store.revision()


def _databases(url: str | None, app_role: str | None) -> _Databases:
    """Raises ConfigurationError."""
    from brain_gateway.infrastructure.sql.addresses import database_url
    from brain_gateway.secret_store import resolved
    from brain_gateway.settings import load_settings

    settings = resolved(load_settings(overrides={"MIGRATION_DATABASE_URL": url}))
    gateway = database_url(_revealed(settings.database_url), settings.data_dir)
    chosen = settings.migration_database_url or settings.database_url
    found = database_url(_revealed(chosen), settings.data_dir)
    if found.get_backend_name() != "postgresql":
        return _Databases(found, None)
    role = app_role or (gateway.username if gateway.get_backend_name() == "postgresql" else None)
    return _Databases(found, role if role != found.username else None)


def _gateway_url(url: str | None) -> URL:
    from brain_gateway.infrastructure.sql.addresses import database_url
    from brain_gateway.secret_store import resolved
    from brain_gateway.settings import load_settings

    settings = resolved(load_settings(overrides={"DATABASE_URL": url}))
    return database_url(_revealed(settings.database_url), settings.data_dir)


def _revealed(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def _warn_of_one_role(databases: _Databases) -> None:
    if databases.url.get_backend_name() == "postgresql" and databases.app_role is None:
        print_warnings((_ONE_ROLE,))


def _tell(url: URL, done: Migrated) -> None:
    if done.before == done.after:
        typer.echo(f"{_shown(url)}: {done.after or 'no schema'}, nothing to do")
    else:
        typer.echo(f"{_shown(url)}: {done.before or 'no schema'} -> {done.after or 'no schema'}")


def _shown(url: URL) -> str:
    return url.render_as_string(hide_password=True)


@contextmanager
def _faults() -> Iterator[None]:
    """What the database refuses is a line and exit code 1; what is misconfigured, a list and exit code 2."""
    from brain_gateway.domain.errors import ConfigurationError, GatewayError

    with faults_on_stderr():
        try:
            yield
        except ConfigurationError:
            raise
        except GatewayError as error:
            typer.echo(error.detail, err=True)
            raise typer.Exit(EXIT_NOT_DONE) from None
