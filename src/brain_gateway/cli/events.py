"""`brain-gateway events`: what happened, as it happens, over the Admin API (server-sent events)."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer

from brain_gateway.cli.remote.connection import Remote, connected
from brain_gateway.cli.remote.exits import printable
from brain_gateway.cli.remote.resources import Tenant
from brain_gateway.cli.remote.screen import shown

_SILENCE: Final = 2.0  # seconds without an event, after which those that are kept have all been told
_AGAIN: Final = 1.0  # seconds before a stream that the gateway ended is begun again


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its id, its type and its document."""

    id: str
    type: str
    data: dict[str, Any]


@connected
def events(
    remote: Remote,
    follow: Annotated[
        bool, typer.Option("--follow", help="Begin now, and wait for more until Ctrl-C.")
    ] = False,
    after: Annotated[str | None, typer.Option("--after", help="Begin after the event with this id.")] = None,
    type_: Annotated[
        list[str] | None, typer.Option("--type", help="Such as TargetAdded; may be repeated.")
    ] = None,
    tenant: Tenant = None,
) -> None:
    """Show events, oldest first, as far back as they are kept; --json prints one document a line."""
    types = ",".join(type_ or ()) or None
    last = after if follow or after else "0"
    with contextlib.suppress(KeyboardInterrupt):
        for event in _told(remote, last, follow, types=types, tenant=tenant):
            _show(remote, event)


def _told(remote: Remote, last: str | None, follow: bool, **params: object) -> Iterator[Event]:
    """The events after `last` (None: from now on). A stream that the gateway ends is begun again where it ended."""
    while True:
        headers = {"Accept": "text/event-stream", **({} if last is None else {"Last-Event-ID": last})}
        with remote.api.stream("/events", headers, None if follow else _SILENCE, **params) as lines:
            for event in parsed(lines):
                last = event.id or last
                yield event
        if not follow:
            return
        remote.api.pause(_AGAIN)


def parsed(lines: Iterable[str]) -> Iterator[Event]:
    """The events in the lines of a stream (HTML standard, section 9.2.6); what has no data is none."""
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            fields[name] = f"{fields[name]}\n{value}" if name == "data" and name in fields else value
        elif "data" in fields:
            yield Event(fields.get("id", ""), fields.get("event", "message"), json.loads(fields["data"]))
            fields = {}
        else:
            fields = {}


def _show(remote: Remote, event: Event) -> None:
    if remote.screen.as_json:
        typer.echo(json.dumps({"id": event.id, "type": event.type, **event.data}, ensure_ascii=False))
        return
    rest = {name: value for name, value in event.data.items() if name not in ("occurred_at", "type")}
    said = {name: value for name, value in rest.items() if value not in (None, "", [])}
    typer.echo(printable(f"{event.data.get('occurred_at', '-')} {event.type} {shown(said)}"))
