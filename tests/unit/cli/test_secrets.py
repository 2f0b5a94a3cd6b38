"""`brain-gateway secrets`: values come in by stdin, and go out only when asked to."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from brain_gateway.cli import app
from tests.builders.planted import CREDENTIAL, MARKER, OTHER_SECRETS_KEY, SECRETS_KEY

TENANT = "0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a"


def put(*arguments: str, text: str = CREDENTIAL + "\n", **environ: str) -> str:
    done = CliRunner().invoke(
        app, ["secrets", "set", *arguments], input=text, env=environ, catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    return done.output


def test_a_value_from_stdin(run):
    assert put("stripe", "api_key=-") == "platform/stripe: version 1, set api_key\n"
    assert run("secrets", "get", "stripe").output == "platform/stripe: version 1\napi_key=****\n"
    assert run("secrets", "get", "stripe", "api_key").output == "****\n"
    assert run("secrets", "get", "stripe", "api_key", "--reveal").output == CREDENTIAL + "\n"
    assert run("secrets", "get", "stripe", "--reveal").output.endswith(f"api_key={CREDENTIAL}\n")


def test_without_a_terminal_each_field_reads_a_line(run):
    put("db", "user", "password", text=f"gw\n{CREDENTIAL}\n")
    assert run("secrets", "get", "db", "user", "--reveal").output == "gw\n"
    assert run("secrets", "get", "db", "password", "--reveal").output == CREDENTIAL + "\n"


def test_a_value_of_several_lines(run):
    put("tls", "key=-", text="one\ntwo\n\n")
    assert run("secrets", "get", "tls", "key", "--reveal").output == "one\ntwo\n\n"


def test_a_value_on_the_command_line_is_taken_with_a_warning(run):
    done = run("secrets", "set", "stripe", f"api_key={CREDENTIAL}")
    assert "warning: api_key: others see a value on the command line" in done.output
    assert MARKER not in done.output


def test_other_fields_stay(run):
    put("stripe", "a=-")
    assert "version 2, set b" in put("stripe", "b=-", text="2")
    shown = run("secrets", "get", "stripe", "--reveal").output
    assert f"a={CREDENTIAL}\nb=2\n" in shown


def test_tenants(run):
    put("stripe", "a=-", "--tenant", TENANT)
    assert run("secrets", "list", "--tenant", TENANT).output == "stripe\n"
    assert run("secrets", "list").output == ""
    assert run("secrets", "delete", "stripe", "--tenant", TENANT).output == f"{TENANT}/stripe: deleted\n"
    assert run("secrets", "list", "--tenant", TENANT).output == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["get", "nothing"], "no such secret"),
        (["get", "stripe", "other"], "platform/stripe: has no such field; it has a"),
        (["get", "../stripe"], "the name of a secret must be"),
        (["get", "stripe", "--tenant", "demo"], "the tenant of a secret must be a UUID"),
        (["set", "stripe", "a b"], "the name of a secret's field must be"),
        (["set", "stripe", "a=-", "b=-"], "one field alone can be read from stdin"),
        (["set", "stripe", "a=-"], "a: nothing came on stdin; a= stores an empty value"),
        (["set", "stripe", "a"], "a: nothing came on stdin; a= stores an empty value"),
    ],
)
def test_faults(run, arguments, said):
    put("stripe", "a=-")
    done = run("secrets", *arguments)
    assert done.exit_code == 2
    assert said in done.output
    assert MARKER not in done.output


def test_rotation(run):
    put("stripe", "a=-", SECRETS_KEY=SECRETS_KEY)
    both = f"{OTHER_SECRETS_KEY},{SECRETS_KEY}"
    assert run("secrets", "rotate", SECRETS_KEY=both).output == "1 secret encrypted with the first key\n"
    assert (
        run("secrets", "get", "stripe", "a", "--reveal", SECRETS_KEY=OTHER_SECRETS_KEY).output
        == CREDENTIAL + "\n"
    )
    done = run("secrets", "get", "stripe", SECRETS_KEY=SECRETS_KEY)
    assert done.exit_code == 2
    assert "SECRETS_KEY: none of its keys opens secrets.json" in done.output


def test_production_without_a_key(run):
    done = run("secrets", "set", "a", "b=c", BRAIN_GATEWAY_PROFILE="production", JWT_SECRET="secret:jwt#key")
    assert done.exit_code == 2
    assert "SECRETS_KEY: must be set to keep secrets in a file" in done.output


def test_vault_rotates_by_itself(run):
    done = run("secrets", "rotate", VAULT_ADDR="http://127.0.0.1:1", VAULT_TOKEN=CREDENTIAL)
    assert done.exit_code == 2
    assert "VAULT_ADDR: secrets are in Vault" in done.output


def test_settings_show_references(run):
    rows = json.loads(run("settings", "--json", JWT_SECRET="secret:jwt#key").stdout)
    assert {row["variable"]: row["value"] for row in rows}["JWT_SECRET"] == "secret:jwt#key"


def test_a_token_is_signed_with_the_secret_that_is_referred_to(run):
    put("jwt", "key=-")
    done = run("token", JWT_SECRET="secret:jwt#key")
    assert done.exit_code == 0
    assert done.output.startswith("eyJ")
