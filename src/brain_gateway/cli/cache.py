"""`brain-gateway cache`: throw cached answers away, over the Admin API."""

from __future__ import annotations

from typing import Annotated

import typer

from brain_gateway.cli.remote.connection import Remote, connected
from brain_gateway.cli.remote.resources import Tenant, given

app = typer.Typer(help="Throw cached answers of services away.", no_args_is_help=True)


@app.callback()
def cache() -> None:
    """Throw cached answers of services away."""


@app.command("purge")
@connected
def purge(
    remote: Remote,
    service: Annotated[str | None, typer.Option("--service", help="Of this service alone.")] = None,
    path: Annotated[str | None, typer.Option("--path", help="This path of it, whatever the query.")] = None,
    below: Annotated[bool, typer.Option("--below", help="Every path that begins so.")] = False,
    tenant: Tenant = None,
) -> None:
    """Throw away what is cached: of a tenant, a service, a path. Nothing is lost: it is asked for again."""
    body = {**given(service=service, path=path), **({"prefix": True} if below else {})}
    purged = remote.api.post("/cache/purge", body, tenant=tenant).document
    remote.screen.done(f"{purged['purged']} answers thrown away", purged)
