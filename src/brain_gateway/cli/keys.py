"""`brain-gateway keys`: API keys, over the Admin API."""

from __future__ import annotations

from typing import Annotated

import typer

from brain_gateway.cli.remote.api import segment
from brain_gateway.cli.remote.connection import Remote, connected
from brain_gateway.cli.remote.exits import ExitCode, Stopped
from brain_gateway.cli.remote.resources import All, Limit, Tenant, Yes, given, listing, removal
from brain_gateway.cli.remote.screen import Column

app = typer.Typer(help="Issue and revoke API keys.", no_args_is_help=True)

COLUMNS = (
    Column("id"),
    Column("prefix"),
    Column("tenant"),
    Column("user"),
    Column("name"),
    Column("roles"),
    Column("expires", lambda key: key.get("expires_at")),
    Column("revoked", lambda key: key.get("revoked_at")),
)


@app.command("list")
@connected
def list_(
    remote: Remote,
    user: Annotated[str | None, typer.Option("--user", help="Of this user alone.")] = None,
    revoked: Annotated[bool, typer.Option("--revoked", help="Revoked ones too.")] = False,
    tenant: Tenant = None,
    every: All = False,
    limit: Limit = 100,
) -> None:
    """List keys: never the keys themselves, which nobody knows but their holders."""
    params = {"user": user, "revoked": revoked or None, "tenant": tenant, "limit": limit}
    listing(remote, "/keys", COLUMNS, every, **params)


@app.command("issue")
@connected
def issue(
    remote: Remote,
    tenant: Annotated[str, typer.Option("--tenant", help="Tenant id (UUID).", show_default=False)],
    user: Annotated[str, typer.Option("--user", help="Who its holder is.", show_default=False)],
    role: Annotated[list[str] | None, typer.Option("--role", help="May be repeated.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="For people.")] = None,
    expires: Annotated[
        str | None, typer.Option("--expires", help="From when on it is refused: RFC 3339, or 30m, 12h, 90d.")
    ] = None,
) -> None:
    """Issue a key. It is printed once, alone on stdout, and cannot be had again."""
    body = given(user=user, roles=role, name=name, expires_at=_moment(expires))
    made = remote.api.post("/keys", body, tenant=tenant).document
    if remote.screen.as_json:
        remote.screen.json(made)
        return
    if "key" not in made:
        raise Stopped(
            ExitCode.REFUSED, f"key {made['id']} was issued, but not received: revoke it, issue another"
        )
    typer.echo(f"key {made['id']} of tenant {tenant}: it is shown this once", err=True)
    typer.echo(made["key"])


@app.command("revoke")
@connected
def revoke(
    remote: Remote,
    id_: Annotated[str, typer.Argument(help="The key's id, not the key.", show_default=False)],
    tenant: Tenant = None,
    yes: Yes = False,
) -> None:
    """Refuse a key from now on, everywhere."""
    if id_.startswith("bgk_"):
        raise Stopped(ExitCode.REFUSED, "name the key by its id (`keys list`), not by the key itself")
    removal(remote, f"/keys/{segment(id_)}", f"key {id_}", yes, tenant=tenant)


def _moment(text: str | None) -> str | None:
    """RFC 3339 as it is, a length of time from now on."""
    from datetime import UTC, datetime, timedelta

    from brain_gateway.settings.durations import parse_duration

    if text is None:
        return None
    try:
        seconds = parse_duration(text)
    except ValueError:
        return text  # a date, or nothing that the gateway takes: it says so
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")
