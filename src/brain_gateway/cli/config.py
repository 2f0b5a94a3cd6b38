"""`brain-gateway config`: check a configuration file, print its schema."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from brain_gateway.cli.faults import faults_on_stderr
from brain_gateway.cli.options import ProfileName

if TYPE_CHECKING:
    from brain_gateway.application.configuration import GatewayConfiguration

EXIT_FAULTY_FILE = 1

app = typer.Typer(help="Check a configuration file, print its JSON Schema.", no_args_is_help=True)


@app.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="The configuration file.")],
    profile: Annotated[
        ProfileName,
        typer.Option("--profile", envvar="BRAIN_GATEWAY_PROFILE", help="Which host template holds."),
    ] = "development",
) -> None:
    """Read FILE as `serve` would and say what it holds, or list every fault with its line (exit code 1)."""
    with faults_on_stderr(EXIT_FAULTY_FILE):
        from brain_gateway.infrastructure.configuration import load_configuration
        from brain_gateway.settings import Profile

        typer.echo(f"{file}: OK, {_summary(load_configuration(file, profile=Profile(profile)))}")


@app.command("schema")
def schema() -> None:
    """Print the JSON Schema of the configuration file (draft 2020-12)."""
    from brain_gateway.infrastructure.configuration import schema_text

    typer.echo(schema_text(), nl=False)


def _summary(configuration: GatewayConfiguration) -> str:
    services = configuration.services
    exposed = sum(service.exposed for service in services)
    counts = {
        f"service ({exposed} exposed)": len(services),
        "route": sum(len(service.routes) for service in services),
        "tenant": len(configuration.tenants),
        "API key": len(configuration.api_keys),
    }
    return ", ".join(f"{count} {_plural(noun, count)}" for noun, count in counts.items())


def _plural(noun: str, count: int) -> str:
    word, _, rest = noun.partition(" (")
    return f"{word if count == 1 else word + 's'}{' (' + rest if rest else ''}"
