"""`brain-gateway routes`: the rules for some paths of a service, over the Admin API."""

from __future__ import annotations

from typing import Annotated

import typer

from brain_gateway.cli.remote.api import Document
from brain_gateway.cli.remote.connection import Remote, connected
from brain_gateway.cli.remote.resources import (
    Service,
    Tenant,
    Yes,
    given,
    removal,
    service_of,
    service_path,
)
from brain_gateway.cli.remote.screen import Column
from brain_gateway.cli.remote.texts import limit_of, with_settings

app = typer.Typer(help="Add, change and remove the routes of a service.", no_args_is_help=True)

COLUMNS = (
    Column("id"),
    Column("public", lambda route: route.get("public", False)),
    Column("roles"),
    Column("limit"),
    Column("cache"),
)
Id = Annotated[
    str, typer.Argument(help='The route\'s id, such as "GET /items/{id:int}".', show_default=False)
]
Path = Annotated[str, typer.Argument(help="A pattern such as /items/{id:int}.", show_default=False)]
Method = Annotated[list[str] | None, typer.Option("--method", help="Default: every method; may be repeated.")]
Public = Annotated[bool, typer.Option("--public", help="Callers may be anonymous.")]
Role = Annotated[list[str] | None, typer.Option("--role", help="Any of these is needed; may be repeated.")]
Limited = Annotated[
    str | None, typer.Option("--limit", metavar="N/WINDOW", help="Its own limit, such as 5/1m.")
]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A key of the route; may be repeated.")
]


@app.command("list")
@connected
def list_(remote: Remote, service: Service, tenant: Tenant = None) -> None:
    """List the routes of a service."""
    found = service_of(remote, service, tenant).document
    page = remote.api.get(service_path(found, "routes"), tenant=tenant).document
    if remote.screen.as_json:
        remote.screen.json(page)
    else:
        remote.screen.rows(page["items"], COLUMNS)


@app.command("add")
@connected
def add(
    remote: Remote,
    service: Service,
    path: Path,
    method: Method = None,
    public: Public = False,
    role: Role = None,
    limit: Limited = None,
    settings: Set = None,
    tenant: Tenant = None,
) -> None:
    """Add a route."""
    found = service_of(remote, service, tenant).document
    body = _route(path, method, public, role, limit, settings)
    made = remote.api.post(service_path(found, "routes"), body, tenant=tenant).document
    remote.screen.done(f"{found['name']}: route {made['id']} added", made)


@app.command("update")
@connected
def update(
    remote: Remote,
    service: Service,
    id_: Id,
    path: Annotated[str | None, typer.Option("--path", help="Another pattern. Default: the same.")] = None,
    method: Method = None,
    public: Public = False,
    role: Role = None,
    limit: Limited = None,
    settings: Set = None,
    tenant: Tenant = None,
) -> None:
    """Put another route in the place of one: what is not said here is as in a new one."""
    found = service_of(remote, service, tenant).document
    methods, _, pattern = id_.partition(" ")
    usual = [] if methods == "*" else methods.split(",")
    body = _route(path or pattern, method or usual, public, role, limit, settings)
    made = remote.api.put(service_path(found, "routes", id_), body, tenant=tenant).document
    remote.screen.done(f"{found['name']}: route {made['id']} changed", made)


@app.command("remove")
@connected
def remove(remote: Remote, service: Service, id_: Id, tenant: Tenant = None, yes: Yes = False) -> None:
    """Remove a route."""
    found = service_of(remote, service, tenant).document
    what = f"route {id_} of {found['name']}"
    removal(remote, service_path(found, "routes", id_), what, yes, tenant=tenant)


def _route(
    path: str,
    methods: list[str] | None,
    public: bool,
    roles: list[str] | None,
    limit: str | None,
    settings: list[str] | None,
) -> Document:
    route = {"path": path, **given(methods=methods, roles=roles, limit=limit_of(limit) if limit else None)}
    return with_settings({**route, **({"public": True} if public else {})}, settings or [])
