"""What is shown: tables on a terminal, tab-separated lines in a pipe, documents, JSON."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import typer

from brain_gateway.cli.remote.exits import ExitCode, Stopped, printable

Pick = Callable[[dict[str, Any]], object]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its title, and what it shows of a document (its member of that name, unless said otherwise)."""

    title: str
    pick: Pick | None = None

    def cell(self, document: dict[str, Any]) -> str:
        """The text for one row."""
        return shown(document.get(self.title) if self.pick is None else self.pick(document))


def shown(value: object) -> str:
    """A value in one line: a dash for nothing, lists with commas."""
    if value is None or value in ("", []):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(shown, value))
    if isinstance(value, dict):
        return " ".join(f"{name}={shown(one)}" for name, one in value.items())
    return printable(str(value))


@dataclass(frozen=True, slots=True)
class Screen:
    """stdout, for people (`as_json` False) or for programs."""

    as_json: bool = False

    def json(self, document: object) -> None:
        """The document as it came."""
        from brain_gateway.cli.remote.texts import json_text

        typer.echo(json_text(document), nl=False)

    def rows(self, documents: Iterable[dict[str, Any]], columns: Sequence[Column]) -> None:
        """A table; without a terminal, lines of cells with tabs between them, the first with the titles."""
        cells = [[column.cell(document) for column in columns] for document in documents]
        titles = [column.title for column in columns]
        if is_terminal(sys.stdout):
            _print_table(titles, cells)
        else:
            for line in (titles, *cells):
                typer.echo("\t".join(line))

    def document(self, document: object) -> None:
        """One thing with all that it holds: YAML for people."""
        if self.as_json:
            self.json(document)
            return
        from brain_gateway.cli.remote.texts import yaml_text

        typer.echo(yaml_text(document), nl=False)

    def done(self, line: str, document: object = None) -> None:
        """What was done, in one line; as JSON what it gave, if anything."""
        if not self.as_json:
            typer.echo(printable(line))
        elif document is not None:
            self.json(document)


def is_terminal(stream: Any) -> bool:  # noqa: ANN401 - sys.stdin, sys.stdout, or what a test puts there
    """Whether a person is at the other end."""
    return bool(stream.isatty())


def confirm(question: str, yes: bool) -> None:
    """Goes on when the operator says so, or has said so (--yes). Without a terminal nobody can be asked."""
    if yes:
        return
    if not is_terminal(sys.stdin):
        raise Stopped(ExitCode.REFUSED, "nothing was changed: without a terminal this needs --yes")
    if not typer.confirm(question, err=True):
        raise Stopped(ExitCode.REFUSED, "nothing was changed")


def _print_table(titles: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    """Cells are never cut or wrapped: a table that is wider than the terminal runs on."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for title in titles:
        table.add_column(title, no_wrap=True)
    for line in cells:
        table.add_row(*map(Text, line))
    console = Console()
    widths = [max(map(len, column)) for column in zip(titles, *cells, strict=True)]
    console.width = max(console.width, sum(widths) + 3 * len(widths))
    console.print(table, crop=False)
