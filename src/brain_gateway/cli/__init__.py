"""The command line: `brain-gateway`. One file per command; each imports what it needs when it runs."""

import typer

from brain_gateway.cli.commands import Commands

app = typer.Typer(
    name="brain-gateway",
    cls=Commands,
    callback=lambda: None,
    help="One front door for a multi-tenant platform.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)

__all__ = ["app"]
