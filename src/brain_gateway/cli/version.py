"""`brain-gateway version`: what is installed."""

from __future__ import annotations

import typer


def version() -> None:
    """Print the version."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        number = installed("brain-gateway")
    except PackageNotFoundError:
        number = "0+source (not installed)"
    typer.echo(f"brain-gateway {number}")
