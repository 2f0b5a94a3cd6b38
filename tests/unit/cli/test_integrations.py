"""`brain-gateway integrations`: credentials come from anywhere but the command line, and are never printed."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from brain_gateway.cli import app

TENANT = "5d1f0a52-7c39-4a0e-9b0c-3e7d0c6f8a21"
PAY = {
    "id": "1c7a4f3e-90ab-4d5c-8e2f-0a1b2c3d4e5f",
    "name": "pay",
    "tenant": TENANT,
    "category": "business_ops",
    "active": True,
    "rate_limit": {"requests": 60, "window": 60},
    "retries": 3,
    "health": "unknown",
    "credentials": {"variant": "default", "fields": ["secret_key"], "changed_at": "2026-01-01T00:00:00.000Z"},
    "version": 2,
}
ENTRY = {
    "name": "pay",
    "title": "Pay",
    "category": "business_ops",
    "agents": 4,
    "rate_limit": {"requests": 60, "window": 60, "burst": 5},
    "retries": 3,
    "variants": [
        {"name": "default", "scheme": "bearer", "fields": [{"name": "secret_key", "required": True}]},
        {"name": "open", "scheme": "none", "fields": []},
    ],
}


def cells(result):
    return [line.split("\t") for line in result.stdout.splitlines()]


def test_catalogue(run, admin):
    admin.on("GET", "/integrations/catalogue", {"items": [ENTRY]})
    admin.on("GET", "/integrations/catalogue/pay", ENTRY)
    result = run("integrations", "catalogue", "--category", "business_ops")
    assert cells(result)[1] == ["pay", "Pay", "business_ops", "secret_key, open: nothing", "60/60s:5"]
    assert "scheme: bearer" in run("integrations", "catalogue", "pay").stdout
    assert admin.asked == [
        "GET /integrations/catalogue?category=business_ops",
        "GET /integrations/catalogue/pay",
    ]


def test_list_and_show(run, admin):
    admin.on("GET", "/integrations", {"items": [PAY, {**PAY, "name": "raw", "credentials": None}]})
    admin.on("GET", "/integrations/pay", PAY)
    rows = cells(run("integrations", "list", "--tenant", TENANT))
    assert rows[1] == ["pay", "business_ops", "yes", "unknown", "secret_key", "60/60s", "3", "2"]
    assert rows[2][4] == "-"
    assert json.loads(run("integrations", "show", "pay", "--json").stdout) == PAY


def activate(admin, *arguments: str, stdin: str = "", **environ: str):
    admin.on("POST", "/integrations/pay/activate", PAY)
    arguments = ("integrations", "activate", "pay", *arguments)
    result = CliRunner().invoke(app, arguments, input=stdin, env=environ, catch_exceptions=False)
    assert "sk_test_seen" not in result.output
    return result


@pytest.mark.parametrize(
    ("field", "stdin", "environ"),
    [
        ("secret_key=-", "sk_test_seen\n", {}),
        ("secret_key", "sk_test_seen\nmore\n", {}),
        ("secret_key=@PAY_KEY", "", {"PAY_KEY": "sk_test_seen"}),
    ],
)
def test_activate(admin, field, stdin, environ):
    result = activate(admin, field, "--tenant", TENANT, stdin=stdin, **environ)
    assert result.stdout == "pay is active\n"
    assert admin.asked == [f"POST /integrations/pay/activate?tenant={TENANT}"]
    assert admin.sent("POST") == {"credentials": {"secret_key": "sk_test_seen"}}


def test_several_fields_in_their_order(admin):
    activate(admin, "secret_key", "webhook_secret", "--variant", "default", stdin="a\nb\n")
    credentials = {"secret_key": "a", "webhook_secret": "b"}
    assert admin.sent("POST") == {"credentials": credentials, "variant": "default"}


def test_a_field_is_asked_for_and_not_shown(admin, terminal):
    result = activate(admin, "secret_key", stdin="sk_test_seen\n")
    assert "secret_key:" in result.stderr
    assert admin.sent("POST") == {"credentials": {"secret_key": "sk_test_seen"}}


def test_with_what_is_on_file(admin):
    activate(admin)
    assert admin.sent("POST") == {}


@pytest.mark.parametrize(
    "fields",
    [
        ("secret_key=sk_test_seen",),
        ("sk_test_seen!",),
        ("secret_key=",),
        ("secret_key=@NOT_THERE",),
        ("secret_key=-", "webhook_secret=-"),
        ("secret_key=-", "secret_key=-"),
        ("secret_key", "secret_key=@PAY_KEY"),
    ],
)
def test_what_is_refused(admin, fields):
    result = activate(admin, *fields)
    assert (result.exit_code, result.stdout, admin.asked) == (1, "", [])
    assert result.stderr.startswith("error: ")


def test_deactivate(run, admin):
    admin.on("POST", "/integrations/pay/deactivate", {**PAY, "active": False})
    assert run("integrations", "deactivate", "pay").exit_code == 1
    assert admin.asked == []
    assert run("integrations", "deactivate", "pay", "--yes").stdout == "pay is not active\n"
    result = run("integrations", "deactivate", "pay", "--forget", "--yes")
    assert result.stdout == "pay is not active, and has no credentials\n"
    assert admin.asked == [
        "POST /integrations/pay/deactivate",
        "POST /integrations/pay/deactivate?forget=true",
    ]


def test_configure(run, admin):
    admin.on("GET", "/integrations", {"items": [PAY]})
    admin.on("PATCH", "/integrations/pay", {**PAY, "retries": 0})
    admin.on("PUT", "/integrations/raw", {**PAY, "name": "raw"})
    result = run("integrations", "configure", "pay", "--limit", "5/1s:2", "--retries", "0")
    assert result.stdout == "pay: limit 60/60s, retries 0\n"
    assert admin.sent("PATCH") == {"rate_limit": {"requests": 5, "window": "1s", "burst": 2}, "retries": 0}
    run("integrations", "configure", "pay", "--limit", "null", "--retries", "null")
    assert admin.sent("PATCH") == {"rate_limit": None, "retries": None}
    assert run("integrations", "configure", "raw", "--retries", "4").exit_code == 0
    assert admin.sent("PUT") == {"retries": 4}
    for wrong in ((), ("--retries", "many"), ("--limit", "many")):
        assert run("integrations", "configure", "pay", *wrong).exit_code == 1


def test_remove(run, admin):
    admin.on("DELETE", "/integrations/pay", status=204)
    assert run("integrations", "remove", "pay").exit_code == 1
    result = run("integrations", "remove", "pay", "--tenant", TENANT, "--yes")
    assert result.stdout == "integration pay and its credentials removed\n"
