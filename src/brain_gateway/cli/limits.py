"""`brain-gateway limits`: limits in the place of the defaults, over the Admin API."""

from __future__ import annotations

from typing import Annotated

import typer

from brain_gateway.cli.remote.api import segment
from brain_gateway.cli.remote.connection import Remote, connected
from brain_gateway.cli.remote.resources import Tenant, Yes, listing, removal
from brain_gateway.cli.remote.screen import Column
from brain_gateway.cli.remote.texts import limit_of

app = typer.Typer(help="Set limits for everyone, or for one tenant.", no_args_is_help=True)

COLUMNS = (
    Column("name"),
    Column("tenant"),
    Column("requests"),
    Column("window"),
    Column("burst"),
    Column("owner"),
    Column("version"),
)
Name = Annotated[
    str,
    typer.Argument(
        help="default, agents, admin, public; with --tenant also service:NAME.", show_default=False
    ),
]


@app.command("list")
@connected
def list_(remote: Remote, tenant: Tenant = None) -> None:
    """List the limits that were set; the others are as in docs/configuration.md."""
    listing(remote, "/limits", COLUMNS, tenant=tenant)


@app.command("set")
@connected
def set_(
    remote: Remote,
    name: Name,
    limit: Annotated[
        str, typer.Argument(metavar="N/WINDOW[:BURST]", help="Such as 100/60s.", show_default=False)
    ],
    tenant: Tenant = None,
) -> None:
    """Set a limit."""
    made = remote.api.put(_path(name), limit_of(limit), tenant=tenant).document
    remote.screen.done(f"limit {name} is {limit}", made)


@app.command("remove")
@connected
def remove(remote: Remote, name: Name, tenant: Tenant = None, yes: Yes = False) -> None:
    """Go back to what holds without this limit."""
    removal(remote, _path(name), f"limit {name}", yes, tenant=tenant)


def _path(name: str) -> str:
    return f"/limits/{segment(name)}"
