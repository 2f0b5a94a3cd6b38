"""The command line: `brain-gateway`. One file per command; each imports what it needs when it runs."""

import typer

from brain_gateway.cli import config, secrets, serve, settings, token, version

app = typer.Typer(
    name="brain-gateway",
    help="One front door for a multi-tenant platform.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
app.command("serve")(serve.serve)
app.command("token")(token.token)
app.command("settings")(settings.settings)
app.add_typer(config.app, name="config")
app.add_typer(secrets.app, name="secrets")
app.command("version")(version.version)

__all__ = ["app"]
