"""`brain-gateway settings`: the settings in effect."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Annotated

import typer

from brain_gateway.cli.faults import faults_on_stderr, print_warnings

if TYPE_CHECKING:
    from brain_gateway.settings import Settings


def settings(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the page docs/settings.md.")] = False,
) -> None:
    """Show every setting: its variable, the value in effect (secrets masked), the default, what it means."""
    with faults_on_stderr():
        if as_markdown:
            from brain_gateway.settings.markdown import settings_page

            typer.echo(settings_page(), nl=False)
            return
        from brain_gateway.settings import load_settings, misspelt_variables, warnings

        loaded = load_settings()
        print_warnings((*misspelt_variables(os.environ), *warnings(loaded)))
        if as_json:
            typer.echo(json.dumps(_rows(loaded), indent=2))
        else:
            _print_table(loaded)


def _rows(loaded: Settings) -> list[dict[str, object]]:
    from brain_gateway.settings.documentation import describe_settings, shown_value

    return [
        {
            "variable": about.variable,
            "value": shown_value(about, loaded) or None,
            "default": about.default,
            "unit": about.unit or None,
            "secret": about.secret,
            "description": about.description,
        }
        for about in describe_settings()
    ]


def _print_table(loaded: Settings) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(show_lines=False, header_style="bold")
    table.add_column("variable", no_wrap=True)
    table.add_column("value", overflow="fold")
    table.add_column("default", overflow="fold")
    table.add_column("meaning", overflow="fold")
    for row in _rows(loaded):
        value = str(row["value"] or "unset")
        changed = value != row["default"] and row["value"] is not None
        shown = f"[bold]{escape(value)}[/bold]" if changed else f"[dim]{escape(value)}[/dim]"
        table.add_row(
            str(row["variable"]), shown, escape(str(row["default"])), escape(str(row["description"]))
        )
    Console().print(table)
