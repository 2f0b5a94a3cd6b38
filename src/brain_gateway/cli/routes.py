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
    below,
    given,
    listing,
    part_of,
    removal,
    service_of,
)
from brain_gateway.cli.remote.screen import Column
from brain_gateway.cli.remote.texts import limit_of, with_settings

app = typer.Typer(help="Add, change and remove the routes of a service.", no_args_is_help=True)

COLUMNS = (
    Column("methods", lambda route: ",".join(route.get("methods") or "*")),
    Column("path"),
    Column("public", lambda route: route.get("public", False)),
    Column("roles"),
    Column("limit"),
    Column("cache"),
)
Which = Annotated[
    str,
    typer.Argument(
        metavar="ROUTE",
        help='Its path, with its methods where several have it: "GET /items/{id:int}".',
        show_default=False,
    ),
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
    listing(remote, below(found, "routes"), COLUMNS, tenant=tenant)


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
    body = _with({"path": path}, method, public or None, role, limit, settings)
    made = remote.api.post(below(found, "routes"), body, tenant=tenant).document
    remote.screen.done(f"{found['name']}: route {_names(made)[0]} added", made)


@app.command("update")
@connected
def update(
    remote: Remote,
    service: Service,
    route: Which,
    path: Annotated[str | None, typer.Option("--path", help="Another pattern. Default: the same.")] = None,
    method: Method = None,
    public: Annotated[
        bool | None, typer.Option("--public/--no-public", help="Whether callers may be anonymous.")
    ] = None,
    role: Role = None,
    limit: Limited = None,
    settings: Set = None,
    tenant: Tenant = None,
) -> None:
    """Change a route; what is not named stays as it is."""
    found = service_of(remote, service, tenant).document
    known = part_of(remote, found, "routes", route, _names, tenant)
    place = below(found, "routes", known.pop("id"))
    body = _with({**known, **given(path=path)}, method, public, role, limit, settings)
    made = remote.api.put(place, body, tenant=tenant).document
    remote.screen.done(f"{found['name']}: route {_names(made)[0]} changed", made)


@app.command("remove")
@connected
def remove(remote: Remote, service: Service, route: Which, tenant: Tenant = None, yes: Yes = False) -> None:
    """Remove a route."""
    found = service_of(remote, service, tenant).document
    known = part_of(remote, found, "routes", route, _names, tenant)
    what = f"route {_names(known)[0]} of {found['name']}"
    removal(remote, below(found, "routes", known["id"]), what, yes, tenant=tenant)


def _with(
    route: Document,
    methods: list[str] | None,
    public: bool | None,
    roles: list[str] | None,
    limit: str | None,
    settings: list[str] | None,
) -> Document:
    """`route` with what was given; null takes a key back to its default."""
    options = given(methods=methods, public=public, roles=roles, limit=limit_of(limit) if limit else None)
    document = with_settings({**route, **options}, settings or [])
    return {name: value for name, value in document.items() if value is not None}


def _names(route: Document) -> list[str]:
    return [f"{','.join(route.get('methods') or '*')} {route['path']}", route["path"]]
