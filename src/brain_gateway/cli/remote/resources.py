"""What all kinds of things have in common that the Admin API administers: listed, found by name, shown, removed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from brain_gateway.cli.remote.api import Document, Reply, segment
from brain_gateway.cli.remote.connection import Remote
from brain_gateway.cli.remote.exits import ExitCode, Stopped
from brain_gateway.cli.remote.screen import Column, confirm

Names = Callable[[Document], Sequence[str]]
Tenant = Annotated[
    str | None, typer.Option("--tenant", help="Tenant id (UUID). Default: what belongs to everyone.")
]
All = Annotated[bool, typer.Option("--all", help="Follow the pages to the end.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=500, help="Items of one page.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Service = Annotated[str, typer.Argument(help="The service's name, or its id.", show_default=False)]


def count(member: str) -> Column:
    """How many entries a list of the document has."""
    return Column(member, lambda document: len(document.get(member) or ()))


def listing(
    remote: Remote, path: str, columns: Sequence[Column], every: bool = False, **params: object
) -> None:
    """A page of things, or (`every`) all of them. Without all of them, stderr says that there are more."""
    if every:
        items = list(remote.api.items(path, **{**params, "limit": None}))
        page: Document = {"items": items}
    else:
        page = remote.api.get(path, **params).document
    if remote.screen.as_json:
        remote.screen.json(page)
        return
    remote.screen.rows(page["items"], columns)
    if page.get("next"):
        typer.echo("there are more: --all shows all", err=True)


def removal(
    remote: Remote, path: str, what: str, yes: bool, etag: str | None = None, **params: object
) -> None:
    """Takes something out, once the operator agrees."""
    confirm(f"Remove {what}?", yes)
    remote.api.delete(path, etag, **params)
    remote.screen.done(f"{what} removed")


def service_of(remote: Remote, name: str, tenant: str | None) -> Reply:
    """A service by its id or its name: a tenant's own, or else the global one."""
    return remote.api.get(f"/services/{segment(name if _is_uuid(name) else f'name:{name}')}", tenant=tenant)


def below(service: Document, *names: str) -> str:
    """The path of something of a service."""
    return "/".join(("/services", service["id"], *map(segment, names)))


def part_of(
    remote: Remote, service: Document, kind: str, wanted: str, names: Names, tenant: str | None
) -> Document:
    """The one of a service's targets or routes that `wanted` names: by its id, or by one of its `names`."""
    items = remote.api.get(below(service, kind), tenant=tenant).document["items"]
    found = [item for item in items if wanted in (item["id"], *names(item))]
    if len(found) == 1:
        return dict(found[0])
    known = ", ".join(names(item)[0] for item in (found or items)) or "none"
    which = "is that of several" if found else "is that of none"
    raise Stopped(ExitCode.REFUSED, f'"{wanted}" {which} of the {kind} of {service["name"]}: {known}')


def _is_uuid(text: str) -> bool:
    import uuid

    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def given(**values: Any) -> Document:
    """Those members that were given."""
    return {name: value for name, value in values.items() if value not in (None, [], ())}
