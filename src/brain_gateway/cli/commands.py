"""The commands by their names. The one that is called is imported, and no other: a server need not know them all."""

from __future__ import annotations

import importlib
from typing import Any

import typer
from typer.core import TyperGroup

NAMES = ("serve", "token", "settings", "health", "events", "version",
         "config", "secrets", "db", "services", "routes", "targets", "tenants", "keys", "limits",
         "integrations", "audit", "instances", "cache")  # fmt: skip
"""As the help lists them. A module of this package has the name; in it is `app`, or a function of the name."""


class Commands(TyperGroup):
    """What is in a module is made of it when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401 - the type is Typer's own
        """All names."""
        return list(NAMES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401 - the types are Typer's own
        """The command of that name; for another there is the whole list, in which Typer looks for what was meant."""
        for name in (cmd_name,) if cmd_name in NAMES else NAMES:
            if name not in self.commands:
                self.commands[name] = _loaded(name)
        return self.commands.get(cmd_name)


def _loaded(name: str) -> Any:  # noqa: ANN401 - the types are Typer's own
    module, alone = importlib.import_module(f"brain_gateway.cli.{name}"), typer.Typer(add_completion=False)
    if hasattr(module, "app"):
        alone.add_typer(module.app, name=name)
    else:
        alone.command(name)(getattr(module, name))
    return typer.main.get_group(alone).commands[name]
