"""`brain-gateway audit`: who changed what, and whether the record of it holds, over the Admin API."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from brain_gateway.cli.remote.api import Document
from brain_gateway.cli.remote.connection import Remote, connected
from brain_gateway.cli.remote.exits import ExitCode, Stopped
from brain_gateway.cli.remote.resources import All, Limit, Tenant, listing
from brain_gateway.cli.remote.screen import Column

app = typer.Typer(help="Read and verify the audit log.", no_args_is_help=True)

COLUMNS = (
    Column("sequence"),
    Column("at", lambda entry: entry.get("occurred_at")),
    Column("actor"),
    Column("action"),
    Column("subject"),
    Column("request", lambda entry: entry.get("request_id")),
)
CHAINS = (
    Column("chain", lambda chain: chain.get("tenant") or "platform"),
    Column("entries"),
    Column("head"),
    Column("holds", lambda chain: not chain.get("faults")),
)


@app.command("list")
@connected
def list_(
    remote: Remote,
    actor: Annotated[str | None, typer.Option("--actor", help="Of this user alone.")] = None,
    action: Annotated[str | None, typer.Option("--action", help="Such as services:write.")] = None,
    subject: Annotated[str | None, typer.Option("--subject", help="Such as service/reports.")] = None,
    since: Annotated[str | None, typer.Option("--since", help="RFC 3339.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="RFC 3339.")] = None,
    tenant: Tenant = None,
    every: All = False,
    limit: Limit = 100,
) -> None:
    """List what was changed, newest first; --json has how it was before and after."""
    params = {"actor": actor, "action": action, "subject": subject, "since": since, "until": until}
    listing(remote, "/audit", COLUMNS, every, **params, tenant=tenant, limit=limit)


@app.command("verify")
@connected
def verify(
    remote: Remote,
    tenant: Annotated[
        str | None, typer.Option("--tenant", help="Its chain alone. Default: every chain.")
    ] = None,
    expect: Annotated[
        str | None,
        typer.Option(
            "--expect",
            metavar="SEQUENCE:HASH",
            help="Where the chain was known to end (`audit head`): it must still hold that entry.",
        ),
    ] = None,
) -> None:
    """Follow every chain of the audit log from its beginning; exit code 6 when one does not hold."""
    known = None if expect is None else _head_of(expect)
    chains = remote.api.get("/audit/verify", tenant=tenant).document["items"]
    faults = [f"{_name(chain)}: {fault}" for chain in chains for fault in chain.get("faults", [])]
    if known is not None:
        faults += _missing(remote, known, tenant)
    if remote.screen.as_json:
        remote.screen.json({"items": chains})
    else:
        remote.screen.rows(chains, CHAINS)
    if faults:
        raise Stopped(ExitCode.BROKEN_CHAIN, "the audit log does not hold", faults)


@app.command("head")
@connected
def head(remote: Remote, tenant: Tenant = None) -> None:
    """Print SEQUENCE:HASH of the newest entry, to keep elsewhere and give to `audit verify --expect` later."""
    end = remote.api.get("/audit/head", tenant=tenant).document
    if not end["sequence"]:
        raise Stopped(ExitCode.REFUSED, "this chain has no entries yet")
    if remote.screen.as_json:
        remote.screen.json(end)
    else:
        typer.echo(f"{end['sequence']}:{end['hash']}")


def _head_of(text: str) -> tuple[int, str]:
    sequence, _, hash_ = text.partition(":")
    if not sequence.isdecimal() or not re.fullmatch("[0-9a-f]{64}", hash_):
        raise Stopped(ExitCode.REFUSED, "--expect: write SEQUENCE:HASH, as `audit head` prints it")
    return int(sequence), hash_


def _missing(remote: Remote, known: tuple[int, str], tenant: str | None) -> list[str]:
    """What is wrong with the entry that the chain once ended with: an end that is cut off shows only so."""
    sequence, hash_ = known
    entry = _entry(remote, sequence, tenant)
    if entry is None:
        return [f"entry {sequence} is known to have been there, and is not"]
    return [] if entry["hash"] == hash_ else [f"entry {sequence} is another than it was"]


def _entry(remote: Remote, sequence: int, tenant: str | None) -> Document | None:
    for entry in remote.api.items("/audit", tenant=tenant):
        if entry["sequence"] <= sequence:
            return entry if entry["sequence"] == sequence else None
    return None


def _name(chain: Document) -> str:
    return chain.get("tenant") or "platform"
