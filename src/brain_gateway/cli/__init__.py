"""The command line: `brain-gateway`. One file per command; each imports what it needs when it runs."""

import typer

from brain_gateway.cli import (
    audit,
    cache,
    config,
    db,
    events,
    health,
    instances,
    integrations,
    keys,
    limits,
    routes,
    secrets,
    serve,
    services,
    settings,
    targets,
    tenants,
    token,
    version,
)

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
app.add_typer(db.app, name="db")
app.add_typer(services.app, name="services")
app.add_typer(routes.app, name="routes")
app.add_typer(targets.app, name="targets")
app.add_typer(tenants.app, name="tenants")
app.add_typer(keys.app, name="keys")
app.add_typer(limits.app, name="limits")
app.add_typer(integrations.app, name="integrations")
app.command("health")(health.health)
app.command("events")(events.events)
app.add_typer(audit.app, name="audit")
app.add_typer(instances.app, name="instances")
app.add_typer(cache.app, name="cache")
app.command("version")(version.version)

__all__ = ["app"]
