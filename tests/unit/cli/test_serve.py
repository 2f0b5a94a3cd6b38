"""`brain-gateway serve`: options over environment, faults as a list, then the server."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

import brain_gateway
from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.settings import Settings


@pytest.fixture
def served(monkeypatch) -> list[tuple[Settings, Path | None]]:
    """What the server was started with; it does not really start."""
    calls: list[tuple[Settings, Path | None]] = []
    main = ModuleType("brain_gateway.main")

    def serve(settings: Settings, path: Path | None, announce=lambda present: None, **_: object) -> None:
        announce(settings)
        calls.append((settings, path))

    main.serve = serve
    monkeypatch.setitem(sys.modules, "brain_gateway.main", main)
    monkeypatch.setattr(brain_gateway, "main", main, raising=False)
    return calls


def test_defaults(run, served):
    assert run("serve").exit_code == 0
    ((settings, path),) = served
    assert (settings.host, settings.port, settings.workers, path) == ("127.0.0.1", 8001, 1, None)


def test_options_win_over_the_environment(run, served, tmp_path):
    file = tmp_path / "gateway.yaml"
    file.touch()
    options = (
        "--host",
        "::1",
        "--port",
        "0",
        "--workers",
        "2",
        "--config",
        str(file),
        "--profile",
        "development",
    )
    environ = {"BRAIN_GATEWAY_PORT": "5", "BRAIN_GATEWAY_PROFILE": "production", "BRAIN_GATEWAY_WORKERS": "9"}
    assert run("serve", *options, **environ).exit_code == 0
    ((settings, path),) = served
    assert (settings.host, settings.port, settings.workers, path) == ("::1", 0, 2, file)


def test_development_has_a_secret_and_keeps_it(run, served):
    run("serve")
    run("serve")
    (first, _), (second, _) = served
    assert first.jwt_secret == second.jwt_secret is not None


def test_faults_are_listed_and_nothing_starts(run, served):
    result = run("serve", "--port", "99999", "--host", "0.0.0.0", LOG_LEVEL="loud")
    assert result.exit_code == 2
    assert served == []
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert lines[0] == "3 faults:"
    assert [line.split("=")[0].strip() for line in lines[1:]] == [
        "BRAIN_GATEWAY_HOST",
        "BRAIN_GATEWAY_PORT",
        "LOG_LEVEL",
    ]


def test_a_fault_of_the_configuration_file_is_listed_too(run, served, monkeypatch):
    def refuse(settings, path, **_):
        raise ConfigurationError(faults=("gateway.yaml:1: a", "gateway.yaml:2: b"))

    monkeypatch.setattr(sys.modules["brain_gateway.main"], "serve", refuse)
    result = run("serve")
    assert result.exit_code == 2
    assert result.stderr.endswith("2 faults:\n  gateway.yaml:1: a\n  gateway.yaml:2: b\n")


def test_production_refuses_an_unsafe_start(run, served):
    result = run("serve", "--profile", "production")
    assert result.exit_code == 2
    assert "JWT_SECRET: must be set in the production profile" in result.stderr
    assert served == []


def test_warnings_are_said_and_the_server_starts(run, served):
    environ = {"BRAIN_GATEWAY_PROFILE": "production", "JWT_SECRET": "kT8zQ1vR5xW9cB3nM7pL2sD6fG0hJ4yA"}
    result = run("serve", **environ, BRAIN_GATEWAY_PROT="1")
    assert result.exit_code == 0
    assert (
        "warning: BRAIN_GATEWAY_PROT: is no setting and is ignored; did you mean BRAIN_GATEWAY_PORT?"
        in result.stderr
    )
    assert "warning: METRICS_TOKEN" in result.stderr
    assert len(served) == 1


def test_demo_credentials_are_shown_in_development_only(run, served):
    assert "bgk_" in run("serve").stderr
    environ = {"BRAIN_GATEWAY_PROFILE": "production", "JWT_SECRET": "kT8zQ1vR5xW9cB3nM7pL2sD6fG0hJ4yA"}
    result = run("serve", **environ)
    assert result.exit_code == 0
    assert "bgk_" not in result.output
    assert len(served) == 2
