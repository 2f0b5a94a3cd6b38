"""`brain-gateway integrations`: what a tenant can activate and has set up, over the Admin API."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from brain_gateway.cli.remote.api import segment
from brain_gateway.cli.remote.connection import Remote, connected
from brain_gateway.cli.remote.credentials import handed_credentials
from brain_gateway.cli.remote.exits import ExitCode, Stopped
from brain_gateway.cli.remote.resources import All, Limit, Yes, given, listing, removal
from brain_gateway.cli.remote.screen import Column, confirm
from brain_gateway.cli.remote.texts import limit_of

app = typer.Typer(help="Activate and configure integrations of a tenant.", no_args_is_help=True)


def _limit(document: dict[str, Any]) -> str:
    limit = document["rate_limit"]
    burst = f":{limit['burst']}" if limit.get("burst") else ""
    return f"{limit['requests']}/{limit['window']}s{burst}"


COLUMNS = (
    Column("name"),
    Column("category"),
    Column("active"),
    Column("health"),
    Column("credentials", lambda one: (one.get("credentials") or {}).get("fields")),
    Column("limit", _limit),
    Column("retries"),
    Column("version"),
)
CATALOGUE = (
    Column("name"),
    Column("title"),
    Column("category"),
    Column("needs", lambda entry: [_needs(variant) for variant in entry["variants"]]),
    Column("limit", _limit),
)
Name = Annotated[str, typer.Argument(help="The integration's name.", show_default=False)]
Tenant = Annotated[
    str | None,
    typer.Option("--tenant", help="Tenant id (UUID). Default: the caller's own; a super_admin names one."),
]


@app.command("catalogue")
@connected
def catalogue(
    remote: Remote,
    name: Annotated[
        str | None, typer.Argument(help="Show this one, with the credentials that it takes.")
    ] = None,
    category: Annotated[str | None, typer.Option("--category", help="Those of this category.")] = None,
) -> None:
    """List what can be activated, or show one of it."""
    if name is not None:
        remote.screen.document(remote.api.get(f"/integrations/catalogue/{segment(name)}").document)
        return
    listing(remote, "/integrations/catalogue", CATALOGUE, category=category)


@app.command("list")
@connected
def list_(remote: Remote, tenant: Tenant = None, every: All = False, limit: Limit = 100) -> None:
    """List what is set up."""
    listing(remote, "/integrations", COLUMNS, every, tenant=tenant, limit=limit)


@app.command("show")
@connected
def show(remote: Remote, name: Name, tenant: Tenant = None) -> None:
    """Show what is set up of one integration; never a credential."""
    remote.screen.document(remote.api.get(_path(name), tenant=tenant).document)


@app.command("activate")
@connected
def activate(
    remote: Remote,
    name: Name,
    fields: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FIELD...]",
            help="FIELD asks for the value; FIELD=- reads it from stdin; FIELD=@NAME takes the variable NAME. "
            "None: the credentials on file.",
        ),
    ] = None,
    variant: Annotated[
        str | None, typer.Option("--variant", help="Of the catalogue's. Default: the nearest.")
    ] = None,
    tenant: Tenant = None,
) -> None:
    """Take it in use. Without a terminal FIELD reads one line from stdin. Values do not belong on a command line."""
    values = handed_credentials(fields or [])
    body = given(credentials=values or None, variant=variant)
    made = remote.api.post(f"{_path(name)}/activate", body, tenant=tenant).document
    remote.screen.done(f"{name} is active", made)


@app.command("deactivate")
@connected
def deactivate(
    remote: Remote,
    name: Name,
    forget: Annotated[bool, typer.Option("--forget", help="Delete its credentials, too.")] = False,
    tenant: Tenant = None,
    yes: Yes = False,
) -> None:
    """Take it out of use; its settings stay, and its credentials unless they are to be forgotten."""
    confirm(f"Deactivate {name}{' and delete its credentials' if forget else ''}?", yes)
    made = remote.api.post(f"{_path(name)}/deactivate", tenant=tenant, forget=forget or None).document
    remote.screen.done(f"{name} is not active{', and has no credentials' if forget else ''}", made)


@app.command("configure")
@connected
def configure(
    remote: Remote,
    name: Name,
    limit: Annotated[
        str | None,
        typer.Option(
            "--limit",
            metavar="N/WINDOW[:BURST]",
            help="Calls that the vendor gets: 60/1m; null: as in the catalogue.",
        ),
    ] = None,
    retries: Annotated[
        str | None, typer.Option("--retries", help="0 to 9; null: as in the catalogue.")
    ] = None,
    tenant: Tenant = None,
) -> None:
    """Set its limit and its retries, also before it is activated."""
    patch: dict[str, Any] = {}
    if limit is not None:
        patch["rate_limit"] = None if limit == "null" else limit_of(limit)
    if retries is not None:
        patch["retries"] = None if retries == "null" else _number(retries)
    if not patch:
        raise Stopped(ExitCode.REFUSED, "nothing to configure: give --limit or --retries")
    known = [one["name"] for one in remote.api.items("/integrations", tenant=tenant)]
    if name in known:
        made = remote.api.patch(_path(name), patch, tenant=tenant).document
    else:
        made = remote.api.put(_path(name), given(**patch), tenant=tenant).document
    remote.screen.done(f"{name}: limit {_limit(made)}, retries {made['retries']}", made)


@app.command("remove")
@connected
def remove(remote: Remote, name: Name, tenant: Tenant = None, yes: Yes = False) -> None:
    """Keep nothing of it: neither settings nor credentials."""
    removal(remote, _path(name), f"integration {name} and its credentials", yes, tenant=tenant)


def _path(name: str) -> str:
    return f"/integrations/{segment(name)}"


def _needs(variant: dict[str, Any]) -> str:
    """The fields without which a variant is not activated."""
    needed = " ".join(field["name"] for field in variant["fields"] if field["required"]) or "nothing"
    return needed if variant["name"] == "default" else f"{variant['name']}: {needed}"


def _number(text: str) -> int:
    if not text.isdecimal():
        raise Stopped(ExitCode.REFUSED, f'--retries "{text}": write a number, or null')
    return int(text)
