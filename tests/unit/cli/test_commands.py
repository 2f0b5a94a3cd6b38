"""Which commands there are, and that the one that is called is imported alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import typer

from brain_gateway import cli
from brain_gateway.cli.commands import NAMES

NO_COMMANDS = {"__init__", "commands", "demo", "faults", "options"}


def imported(*arguments: str) -> set[str]:
    """The modules of the package that a new interpreter has imported when the program ends."""
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*(n for n in sys.modules if n.startswith('brain_gateway.cli.'))))\n"
        f"sys.argv = ['brain-gateway', *{arguments!r}]\n"
        "from brain_gateway.cli import app\napp()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found = {name.split(".")[2] for name in done.stdout.splitlines()[-1].split()}
    return found & set(NAMES)


def test_every_module_that_is_none_of_the_helpers_is_a_command():
    assert cli.__file__ is not None
    modules = {path.stem for path in Path(cli.__file__).parent.glob("*.py")}
    assert modules - NO_COMMANDS == set(NAMES)


def test_every_command_can_be_had(run):
    for name in NAMES:
        result = run(name, "--help")
        assert result.exit_code == 0, name
        assert name in result.stdout.split("OPTIONS")[0]


@pytest.mark.parametrize("name", ["version", "cache", "serve"])
def test_the_command_that_is_called_is_imported_alone(name):
    assert imported(name, "--help") == {name}


def test_the_help_imports_all():
    assert imported("--help") == set(NAMES)


def test_a_misspelt_command_is_answered_with_those_that_may_be_meant(run):
    result = run("servce")
    assert result.exit_code == 2
    assert "'serve'" in result.output
    assert "'services'" in result.output


def test_groups_keep_their_commands():
    group = typer.main.get_command(cli.app)
    with group.make_context("brain-gateway", ["db", "upgrade"]) as context:
        _, found, rest = group.resolve_command(context, ["db", "upgrade"])
    assert sorted(found.commands)[-1] == "upgrade"
    assert rest == ["upgrade"]
