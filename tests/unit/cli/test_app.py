"""The program as a whole: quick to help, with the commands that are promised."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("pydantic", "yaml", "fastapi", "uvicorn", "jwt", "httpx", "structlog")


def test_help_names_the_commands(run):
    output = run("--help").stdout
    assert all(command in output for command in ("serve", "token", "settings", "config", "version"))


@pytest.mark.parametrize("arguments", [(), ("config",)])
def test_no_arguments_is_help(run, arguments):
    assert "Usage" in run(*arguments).output


def test_help_imports_nothing_heavy():
    code = f"import sys, brain_gateway.cli; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_version(run):
    result = run("version")
    assert result.exit_code == 0
    assert result.stdout.startswith("brain-gateway ")
