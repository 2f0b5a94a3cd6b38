"""`brain-gateway settings`: everything in effect, nothing secret."""

from __future__ import annotations

import json

import pytest

from brain_gateway.settings.documentation import describe_settings
from brain_gateway.settings.markdown import settings_page

ENVIRON = {
    "JWT_SECRET": "hush-hush-hush",
    "DATABASE_URL": "postgresql://user:hush@host/db",
    "VAULT_TOKEN": "hush",
    "BRAIN_GATEWAY_PORT": "9001",
}


@pytest.fixture(autouse=True)
def _wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")


def test_the_table_names_every_variable(run):
    result = run("settings")
    assert result.exit_code == 0
    assert [about.variable for about in describe_settings() if about.variable not in result.stdout] == []


def test_json(run):
    rows = {row["variable"]: row for row in json.loads(run("settings", "--json", **ENVIRON).stdout)}
    assert set(rows) == {about.variable for about in describe_settings()}
    assert rows["BRAIN_GATEWAY_PORT"]["value"] == "9001"
    assert rows["BRAIN_GATEWAY_PORT"]["default"] == "8001"
    assert rows["DATABASE_URL"]["value"] == "postgresql://user:****@host/db"
    assert (rows["JWT_SECRET"]["value"], rows["JWT_SECRET"]["secret"]) == ("****", True)
    assert rows["REDIS_URL"]["value"] is None
    assert rows["HEADER_TIMEOUT"]["unit"] == "seconds"


@pytest.mark.parametrize("option", [(), ("--json",)])
def test_secrets_are_masked(run, option):
    assert "hush" not in run("settings", *option, **ENVIRON).output


def test_markdown_is_the_page(run):
    assert run("settings", "--markdown").stdout == settings_page()


def test_faults(run):
    result = run("settings", BRAIN_GATEWAY_PORT="x")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "1 fault:\n  BRAIN_GATEWAY_PORT=x: must be a whole number from 0 to 65535\n"


def test_nothing_is_written(run, tmp_path):
    run("settings")
    assert list(tmp_path.iterdir()) == []
