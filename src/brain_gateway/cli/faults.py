"""Faults of configuration as a list on stderr, never as a traceback."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import typer

from brain_gateway.domain.errors import ConfigurationError

EXIT_MISCONFIGURED = 2


@contextmanager
def faults_on_stderr(exit_code: int = EXIT_MISCONFIGURED) -> Iterator[None]:
    """Ends the command with `exit_code` and one line per fault when a ConfigurationError is raised inside."""
    try:
        yield
    except ConfigurationError as error:
        print_faults(error.faults)
        raise typer.Exit(exit_code) from error


def print_faults(faults: Sequence[str]) -> None:
    """A headline and one line per fault, on stderr."""
    typer.echo("1 fault:" if len(faults) == 1 else f"{len(faults)} faults:", err=True)
    for fault in faults:
        typer.echo(f"  {fault}", err=True)


def print_warnings(warnings: Sequence[str]) -> None:
    """One line per warning, on stderr."""
    for warning in warnings:
        typer.echo(f"warning: {warning}", err=True)
