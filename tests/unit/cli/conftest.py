"""Commands run in a directory of their own, without the environment of the developer."""

from __future__ import annotations

import gc
from collections.abc import Callable

import httpx
import pytest
from click.testing import Result
from typer.testing import CliRunner

from brain_gateway.cli import app
from brain_gateway.cli.remote import connection, screen
from brain_gateway.settings.documentation import describe_settings
from brain_gateway.settings.spelling import CLIENT_VARIABLES
from tests.fakes.scripted_api import ScriptedApi

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _clean(tmp_path, monkeypatch):
    for about in describe_settings():
        monkeypatch.delenv(about.variable, raising=False)
    for name in CLIENT_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _collecting():
    """`serve` leaves the collector off for what is imported, and the server, which is none here, switches it on."""
    yield
    gc.enable()


@pytest.fixture
def run(monkeypatch) -> Run:
    """Runs `brain-gateway ARGUMENTS` with extra environment variables; exceptions but exits are raised."""

    def call(*arguments: str, **environ: str) -> Result:
        result = CliRunner().invoke(app, arguments, env=environ, catch_exceptions=False)
        assert "Traceback" not in result.output
        return result

    return call


@pytest.fixture
def admin(monkeypatch) -> ScriptedApi:
    """The gateway that commands reach, whatever its address; nobody waits."""
    api = ScriptedApi()
    monkeypatch.setattr(connection, "transport", lambda place, ca: httpx.MockTransport(api))
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    return api


@pytest.fixture
def terminal(monkeypatch) -> None:
    """Both ends are a terminal, 200 columns wide."""
    monkeypatch.setattr(screen, "is_terminal", lambda stream: True)
    monkeypatch.setenv("COLUMNS", "200")
