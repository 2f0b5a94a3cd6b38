"""`brain-gateway instances`: an instance registers itself with a service, over the Admin API."""

from __future__ import annotations

from typing import Annotated

import typer

from brain_gateway.cli.remote.api import segment
from brain_gateway.cli.remote.connection import Remote, connected
from brain_gateway.cli.remote.resources import Tenant

app = typer.Typer(help="Take, renew and give back the lease of an instance.", no_args_is_help=True)

Ttl = Annotated[str, typer.Option("--ttl", help="How long the lease holds: seconds, or 30s, 5m.")]
Lease = Annotated[str, typer.Argument(help="What `instances register` printed.", show_default=False)]


@app.command("register")
@connected
def register(
    remote: Remote,
    service: Annotated[str, typer.Argument(help="The service's name.", show_default=False)],
    url: Annotated[str, typer.Argument(help="http://host:port of this instance.", show_default=False)],
    ttl: Ttl = "30s",
    weight: Annotated[int, typer.Option("--weight", min=0, help="Share of the traffic.")] = 1,
    tenant: Tenant = None,
) -> None:
    """Offer an instance until its lease ends; the service is registered too, if it is new. Prints the lease."""
    body = {"service": service, "target": {"url": url, "weight": weight}, "ttl": ttl}
    _tell(remote, remote.api.post("/instances", body, tenant=tenant).document)


@app.command("heartbeat")
@connected
def heartbeat(remote: Remote, lease: Lease, ttl: Ttl = "30s", tenant: Tenant = None) -> None:
    """Renew a lease from now on. Exit code 1 when it has ended: register again."""
    _tell(remote, remote.api.put(f"/instances/{segment(lease)}", {"ttl": ttl}, tenant=tenant).document)


@app.command("remove")
@connected
def remove(remote: Remote, lease: Lease, tenant: Tenant = None) -> None:
    """Give a lease back: the instance takes no more requests."""
    remote.api.delete(f"/instances/{segment(lease)}", tenant=tenant)
    remote.screen.done("the lease is given back")


def _tell(remote: Remote, instance: dict[str, object]) -> None:
    if remote.screen.as_json:
        remote.screen.json(instance)
    else:
        typer.echo(instance["id"])
