"""`brain-gateway services`: what is registered, over the Admin API."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from brain_gateway.cli.remote.connection import Remote, connected
from brain_gateway.cli.remote.exits import ExitCode, Stopped
from brain_gateway.cli.remote.resources import (
    All,
    Limit,
    Service,
    Tenant,
    Yes,
    below,
    count,
    given,
    listing,
    removal,
    service_of,
)
from brain_gateway.cli.remote.screen import Column, confirm
from brain_gateway.cli.remote.texts import file_values, limit_of, with_settings

app = typer.Typer(help="Register, change and deregister services.", no_args_is_help=True)

COLUMNS = (
    Column("name"),
    Column("tenant"),
    Column("kind", lambda service: service.get("kind", "backend")),
    count("targets"),
    count("routes"),
    Column("prefix"),
    Column("owner"),
    Column("version"),
    Column("id"),
)
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="A key of the service, as in gateway.yaml; may be repeated."
    ),
]
File = Annotated[
    Path | None, typer.Option("--file", help="YAML or JSON with the keys of the service; - is stdin.")
]


@app.command("list")
@connected
def list_(
    remote: Remote,
    prefix: Annotated[str | None, typer.Option("--prefix", help="Names that begin so.")] = None,
    kind: Annotated[str | None, typer.Option("--kind", help="Of this kind alone.")] = None,
    owner: Annotated[str | None, typer.Option("--owner", help="Declared by this label alone.")] = None,
    tenant: Tenant = None,
    every: All = False,
    limit: Limit = 100,
) -> None:
    """List services: of a tenant, the global ones too."""
    params = {"prefix": prefix, "kind": kind, "owner": owner, "tenant": tenant, "limit": limit}
    listing(remote, "/services", COLUMNS, every, **params)


@app.command("show")
@connected
def show(remote: Remote, service: Service, tenant: Tenant = None) -> None:
    """Show a service with its targets, routes and policies."""
    remote.screen.document(service_of(remote, service, tenant).document)


@app.command("add")
@connected
def add(
    remote: Remote,
    name: Annotated[str, typer.Argument(help="The service's name.", show_default=False)],
    target: Annotated[
        list[str] | None, typer.Option("--target", help="http://host:port; may be repeated.")
    ] = None,
    prefix: Annotated[str | None, typer.Option("--prefix", help="Path at the target.")] = None,
    kind: Annotated[
        str | None, typer.Option("--kind", help="ai, backend, infrastructure or internal.")
    ] = None,
    role: Annotated[
        list[str] | None, typer.Option("--role", help="Any of these is needed; may be repeated.")
    ] = None,
    limit: Annotated[
        str | None, typer.Option("--limit", metavar="N/WINDOW", help="Its own limit, such as 100/60s.")
    ] = None,
    settings: Set = None,
    file: File = None,
    tenant: Tenant = None,
) -> None:
    """Register a service; options win over --file, and --set over all."""
    options = given(
        targets=target, prefix=prefix, kind=kind, roles=role, limit=limit_of(limit) if limit else None
    )
    document = with_settings({**(file_values(file) if file else {}), **options}, settings or [])
    made = remote.api.post("/services", {"name": name, **document}, tenant=tenant).document
    remote.screen.done(f"service {name} registered ({made['id']})", made)


@app.command("update")
@connected
def update(
    remote: Remote, service: Service, settings: Set = None, file: File = None, tenant: Tenant = None
) -> None:
    """Change keys of a service; null takes one back to its default. The rest stays."""
    changes = with_settings(file_values(file) if file else {}, settings or [])
    if not changes:
        raise Stopped(ExitCode.REFUSED, "nothing to change: say it with --set or --file")
    found = service_of(remote, service, tenant)
    made = remote.api.patch(below(found.document), changes, tenant=tenant).document
    remote.screen.done(f"service {made['name']} has version {made['version']}", made)


@app.command("remove")
@connected
def remove(remote: Remote, service: Service, tenant: Tenant = None, yes: Yes = False) -> None:
    """Offer a service no more."""
    found = service_of(remote, service, tenant)
    name = f"service {found.document['name']}"
    removal(remote, below(found.document), name, yes, found.etag, tenant=tenant)


@app.command("drain")
@connected
def drain(remote: Remote, service: Service, tenant: Tenant = None, yes: Yes = False) -> None:
    """Send no new request to any target of a service (weight 0); `targets weight` brings them back."""
    found = service_of(remote, service, tenant).document
    confirm(f"Send nothing more to {found['name']}?", yes)
    for target in remote.api.get(below(found, "targets"), tenant=tenant).document["items"]:
        remote.api.patch(below(found, "targets", target["id"]), {"weight": 0}, tenant=tenant)
    remote.screen.done(f"service {found['name']}: all targets are drained")
