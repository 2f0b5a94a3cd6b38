"""`brain-gateway targets`: the instances of a service, over the Admin API."""

from __future__ import annotations

from typing import Annotated

import typer

from brain_gateway.cli.remote.connection import Remote, connected
from brain_gateway.cli.remote.resources import Service, Tenant, Yes, removal, service_of, service_path
from brain_gateway.cli.remote.screen import Column

app = typer.Typer(help="Add, weigh, drain and remove the instances of a service.", no_args_is_help=True)

COLUMNS = (
    Column("url"),
    Column("weight", lambda target: target.get("weight", 1)),
    Column("lease until", lambda target: target.get("lease")),
)
Url = Annotated[str, typer.Argument(help="http://host:port of the instance.", show_default=False)]


@app.command("list")
@connected
def list_(remote: Remote, service: Service, tenant: Tenant = None) -> None:
    """List the targets of a service; those that registered themselves with the end of their lease."""
    found = service_of(remote, service, tenant).document
    if remote.screen.as_json:
        remote.screen.json(found["targets"])
        return
    leases = found.get("leases", {})
    targets = [{**target, "lease": leases.get(target["url"])} for target in found["targets"]]
    remote.screen.rows(targets, COLUMNS)


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
    made = remote.api.post(service_path(found, "targets"), body, tenant=tenant).document
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
    what = f"target {url} of {found['name']}"
    removal(remote, service_path(found, "targets", url), what, yes, tenant=tenant)


def _weigh(remote: Remote, service: str, url: str, weight: int, tenant: str | None) -> None:
    found = service_of(remote, service, tenant).document
    path = service_path(found, "targets", url)
    made = remote.api.patch(path, {"weight": weight}, tenant=tenant).document
    remote.screen.done(f"{found['name']}: target {url} has weight {weight}", made)
