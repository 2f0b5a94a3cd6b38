"""`brain-gateway config`: the configuration as code: a file checked, compared with a running gateway, put in force."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from brain_gateway.cli.faults import faults_on_stderr
from brain_gateway.cli.options import ProfileName
from brain_gateway.cli.remote.api import Document
from brain_gateway.cli.remote.connection import Remote, connected
from brain_gateway.cli.remote.exits import ExitCode, Stopped, Unambiguous
from brain_gateway.cli.remote.screen import confirm

if TYPE_CHECKING:
    from brain_gateway.application.configuration import GatewayConfiguration

EXIT_FAULTY_FILE = ExitCode.REFUSED
_PATIENCE = 10.0  # times as long as other answers: thousands of services are one request

app = typer.Typer(
    help="Check a configuration file; compare it with a running gateway, and apply it.", no_args_is_help=True
)

File = Annotated[Path, typer.Argument(help="The configuration file.", show_default=False)]
ProfileOption = Annotated[
    ProfileName,
    typer.Option("--profile", envvar="BRAIN_GATEWAY_PROFILE", help="Which host template holds."),
]
Discovery = Annotated[
    bool,
    typer.Option(
        "--auto-discovery/--no-auto-discovery",
        envvar="AUTO_DISCOVERY",
        help="Whether names that the host template gives are looked up again and again.",
    ),
]
Owner = Annotated[
    str | None,
    typer.Option("--owner", help="Label of what is declared. Default: the file's `label`, else its name."),
]
Prune = Annotated[
    bool,
    typer.Option("--prune/--no-prune", help="Delete what this label declared once and declares no more."),
]
TakeOver = Annotated[bool, typer.Option("--take-over", help="Declare also what another label declares.")]


@app.command("check")
def check(file: File, profile: ProfileOption = "development") -> None:
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


@app.command("export")
@connected
def export(
    remote: Remote,
    owner: Annotated[str | None, typer.Option("--owner", help="What this label declares alone.")] = None,
    form: Annotated[Literal["yaml", "json"], typer.Option("--format", help="How it is written.")] = "yaml",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write. Default: stdout.")
    ] = None,
) -> None:
    """Write what a running gateway holds as a file that declares it."""
    from brain_gateway.cli.remote.texts import json_text, yaml_text

    document = remote.api.get("/config", owner=owner).document
    text = json_text(document) if form == "json" or remote.screen.as_json else yaml_text(document)
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Stopped(ExitCode.REFUSED, f"{output}: cannot be written ({error.strerror})") from error


@app.command("diff", cls=Unambiguous)
@connected
def diff(
    remote: Remote,
    file: File,
    owner: Owner = None,
    prune: Prune = True,
    take_over: TakeOver = False,
    profile: ProfileOption = "development",
    auto_discovery: Discovery = True,
) -> None:
    """Show what applying FILE would do. Exit code 0: nothing; 2: something."""
    from brain_gateway.cli.remote.plans import is_empty

    request = _request(file, owner, prune, take_over, profile, auto_discovery)
    plan = remote.api.post("/config/plan", request, _PATIENCE).document
    _show(remote, plan)
    if not is_empty(plan):
        raise typer.Exit(ExitCode.CHANGES)


@app.command("apply")
@connected
def apply(
    remote: Remote,
    file: File,
    owner: Owner = None,
    prune: Prune = True,
    take_over: TakeOver = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan, and do nothing.")] = False,
    profile: ProfileOption = "development",
    auto_discovery: Discovery = True,
) -> None:
    """Make a running gateway hold what FILE declares: the plan is shown, agreed to, and done as a whole or not at all.

    Exit code 5: something has changed since the plan was made; look at the new one."""
    from brain_gateway.cli.remote.plans import conflicts, is_empty, summary

    request = _request(file, owner, prune, take_over, profile, auto_discovery)
    plan = remote.api.post("/config/plan", request, _PATIENCE).document
    if dry_run or not remote.screen.as_json:
        _show(remote, plan)
    if dry_run:
        return
    if others := conflicts(plan):
        raise Stopped(
            ExitCode.REFUSED, "not applied: take these over (--take-over), or leave them out", others
        )
    if is_empty(plan):
        if remote.screen.as_json:
            remote.screen.json(plan)
        return
    confirm("Apply this?", yes)
    done = remote.api.post("/config/apply", {**request, "base": plan["base"]}, _PATIENCE).document
    remote.screen.done(f"applied: {summary(done)}; configuration version {done['version']}", done)


def _request(
    file: Path, owner: str | None, prune: bool, take_over: bool, profile: str, auto_discovery: bool
) -> Document:
    from brain_gateway.cli.remote.declared import declared_by

    with faults_on_stderr(EXIT_FAULTY_FILE):
        declared = declared_by(file, owner, profile, auto_discovery)
    return {"document": declared.document, "owner": declared.label, "prune": prune, "take_over": take_over}


def _show(remote: Remote, plan: Document) -> None:
    if remote.screen.as_json:
        remote.screen.json(plan)
        return
    from brain_gateway.cli.remote.plans import lines_of

    typer.echo("\n".join(lines_of(plan)))


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
