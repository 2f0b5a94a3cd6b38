"""`brain-gateway targets`: the instances of a service, over the Admin API."""

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
    listing,
    part_of,
    removal,
    service_of,
)
from brain_gateway.cli.remote.screen import Column

app = typer.Typer(help="Add, weigh, drain and remove the instances of a service.", no_args_is_help=True)

COLUMNS = (
    Column("url"),
    Column("weight", lambda target: target.get("weight", 1)),
    Column("lease until", lambda target: target.get("expires_at")),
)
Url = Annotated[str, typer.Argument(help="http://host:port of the instance.", show_default=False)]


@app.command("list")
@connected
def list_(remote: Remote, service: Service, tenant: Tenant = None) -> None:
    """List the targets of a service; those that registered themselves with the end of their lease."""
    found = service_of(remote, service, tenant).document
    listing(remote, below(found, "targets"), COLUMNS, tenant=tenant)


@app.command("add")
@connected
def add(
    remote: Remote,
    service: Service,
    url: Url,
    weight: Annotated[int, typer.Option("--weight", min=0, help="Share of the traffic; 0: drained.")] = 1,
    tenant: Tenant = None,
) -> None:
    """Add a target."""
    found = service_of(remote, service, tenant).document
    body = {"url": url, "weight": weight}
    made = remote.api.post(below(found, "targets"), body, tenant=tenant).document
    remote.screen.done(f"{found['name']}: target {url} added", made)


@app.command("weight")
@connected
def weight(
    remote: Remote,
    service: Service,
    url: Url,
    weight: Annotated[int, typer.Argument(min=0, help="Share of the traffic.", show_default=False)],
    tenant: Tenant = None,
) -> None:
    """Give a target another share of the traffic."""
    _weigh(remote, service, url, weight, tenant)


@app.command("drain")
@connected
def drain(remote: Remote, service: Service, url: Url, tenant: Tenant = None) -> None:
    """Send a target no new requests; those under way are finished."""
    _weigh(remote, service, url, 0, tenant)


@app.command("remove")
@connected
def remove(remote: Remote, service: Service, url: Url, tenant: Tenant = None, yes: Yes = False) -> None:
    """Remove a target."""
    found = service_of(remote, service, tenant).document
    target = part_of(remote, found, "targets", url, _names, tenant)
    what = f"target {target['url']} of {found['name']}"
    removal(remote, below(found, "targets", target["id"]), what, yes, tenant=tenant)


def _weigh(remote: Remote, service: str, url: str, weight: int, tenant: str | None) -> None:
    found = service_of(remote, service, tenant).document
    target = part_of(remote, found, "targets", url, _names, tenant)
    path = below(found, "targets", target["id"])
    made = remote.api.patch(path, {"weight": weight}, tenant=tenant).document
    remote.screen.done(f"{found['name']}: target {target['url']} has weight {weight}", made)


def _names(target: Document) -> list[str]:
    return [target["url"]]
