"""Commands run in a directory of their own, without the environment of the developer."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import Result
from typer.testing import CliRunner

from brain_gateway.cli import app
from brain_gateway.settings.documentation import describe_settings

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _clean(tmp_path, monkeypatch):
    for about in describe_settings():
        monkeypatch.delenv(about.variable, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(monkeypatch) -> Run:
    """Runs `brain-gateway ARGUMENTS` with extra environment variables; exceptions but exits are raised."""

    def call(*arguments: str, **environ: str) -> Result:
        result = CliRunner().invoke(app, arguments, env=environ, catch_exceptions=False)
        assert "Traceback" not in result.output
        return result

    return call
