"""`brain-gateway tenants`: the customers of the platform, over the Admin API."""

from __future__ import annotations

from typing import Annotated

import typer

from brain_gateway.cli.remote.api import segment
from brain_gateway.cli.remote.connection import Remote, connected
from brain_gateway.cli.remote.resources import All, Limit, Yes, given, listing, removal
from brain_gateway.cli.remote.screen import Column, confirm

app = typer.Typer(help="Register, rename, suspend, resume and delete tenants.", no_args_is_help=True)

COLUMNS = (Column("id"), Column("name"), Column("status"), Column("owner"), Column("version"))
Id = Annotated[str, typer.Argument(help="The tenant's id (UUID).", show_default=False)]
Name = Annotated[str, typer.Argument(help="For people.", show_default=False)]


@app.command("list")
@connected
def list_(
    remote: Remote,
    prefix: Annotated[str | None, typer.Option("--prefix", help="Names that begin so.")] = None,
    deleted: Annotated[bool, typer.Option("--deleted", help="Deleted ones too.")] = False,
    every: All = False,
    limit: Limit = 100,
) -> None:
    """List tenants."""
    listing(remote, "/tenants", COLUMNS, every, prefix=prefix, deleted=deleted or None, limit=limit)


@app.command("show")
@connected
def show(remote: Remote, id_: Id) -> None:
    """Show a tenant."""
    remote.screen.document(remote.api.get(_path(id_)).document)


@app.command("add")
@connected
def add(
    remote: Remote,
    name: Name,
    id_: Annotated[str | None, typer.Option("--id", help="UUID. Default: a new one.")] = None,
) -> None:
    """Register a tenant."""
    made = remote.api.post("/tenants", {"name": name, **given(id=id_)}).document
    remote.screen.done(f"tenant {made['id']} registered", made)


@app.command("rename")
@connected
def rename(remote: Remote, id_: Id, name: Name) -> None:
    """Give a tenant another name."""
    _change(remote, id_, f"is called {name}", name=name)


@app.command("suspend")
@connected
def suspend(remote: Remote, id_: Id, yes: Yes = False) -> None:
    """Refuse a tenant's requests until it is resumed."""
    confirm(f"Refuse every request of tenant {id_}?", yes)
    _change(remote, id_, "is suspended", status="suspended")


@app.command("resume")
@connected
def resume(remote: Remote, id_: Id) -> None:
    """Serve a suspended tenant again."""
    _change(remote, id_, "is active", status="active")


@app.command("delete")
@connected
def delete(remote: Remote, id_: Id, yes: Yes = False) -> None:
    """Delete a tenant with its services, keys and limits. Its id is never given again."""
    removal(remote, _path(id_), f"tenant {id_} and all that it owns", yes)


def _change(remote: Remote, id_: str, now: str, **members: str) -> None:
    found = remote.api.get(_path(id_))
    made = remote.api.patch(_path(id_), members, found.etag).document
    remote.screen.done(f"tenant {made['id']} {now}", made)


def _path(id_: str) -> str:
    return f"/tenants/{segment(id_)}"
