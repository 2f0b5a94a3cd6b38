"""The commands and the Admin API speak one language: every command against the real API, over the store in memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import yaml
from click.testing import Result
from typer.testing import CliRunner

from brain_gateway.cli import app
from brain_gateway.cli.remote import connection
from brain_gateway.settings.spelling import CLIENT_VARIABLES
from tests.builders.admin import AdminApi, token
from tests.builders.gateway import OTHER_TENANT, TENANT

Run = Callable[..., Result]
FILE = f"""
label: platform
packaged_services: false
limits: {{default: {{requests: 50, window: 60}}}}
services:
  crm:
    targets: ["http://10.0.0.1:80", {{url: "http://10.0.0.2:80", weight: 3}}]
    prefix: /api
    limit: {{requests: 7, window: 1s, burst: 2}}
    probe: {{type: tcp, interval: 30}}
    cors: {{origins: ["https://app.example"], max_age: 1m}}
    routes:
      - {{path: "/items/{{id:int}}", methods: [GET], roles: [manager]}}
      - {{path: /open, public: true, cache: true}}
  found: {{discovery: {{name: found.internal, record: SRV}}, roles: [manager]}}
tenants:
  {TENANT}:
    name: "Demo ${{NAME:-of $${{x}}}}"
    services: {{own: {{targets: ["http://10.0.0.9:80"]}}}}
    limits: {{agents: {{requests: 3}}, services: {{crm: {{requests: 5, window: 1m}}}}}}
    api_keys: [{{hash: "sha256:{"ab" * 32}", prefix: bgk_abababab, user: importer, roles: [client]}}]
"""


@pytest.fixture
def apis() -> list[AdminApi]:
    """The last one answers."""
    return [AdminApi()]


@pytest.fixture
def run(apis, monkeypatch, tmp_path) -> Run:
    """Runs a command as a super_admin; each request is a loop of its own."""

    def handle(request: httpx.Request) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(apis[-1].app)) as client:
                return await client.request(
                    request.method, request.url, headers=request.headers, content=request.read()
                )

        answer = asyncio.run(ask())
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    monkeypatch.setattr(connection, "transport", lambda place, ca: httpx.MockTransport(handle))
    monkeypatch.chdir(tmp_path)
    for name in (*CLIENT_VARIABLES, "BRAIN_GATEWAY_PROFILE", "AUTO_DISCOVERY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "platform.yaml").write_text(FILE)

    def call(*arguments: str, code: int = 0, role: str = "super_admin") -> Result:
        environ = {"BRAIN_GATEWAY_TOKEN": token(role)}
        result = CliRunner().invoke(app, arguments, env=environ, catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result

    return call


def rows(result: Result) -> list[dict[str, str]]:
    titles, *lines = [line.split("\t") for line in result.stdout.splitlines()]
    return [dict(zip(titles, line, strict=True)) for line in lines]


# As code


def test_applying_again_does_nothing(run):
    run("config", "diff", "platform.yaml", code=2)
    run("config", "apply", "platform.yaml", "--yes")
    assert run("config", "diff", "platform.yaml").stdout == "nothing to do; 8 unchanged\n"
    assert "nothing to do" in run("config", "apply", "platform.yaml").stdout


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_what_is_exported_is_what_is_there(run, form):
    run("config", "apply", "platform.yaml", "--yes")
    run("config", "export", "--format", form, "-o", "exported.yaml")
    assert "8 unchanged" in run("config", "diff", "exported.yaml", "--owner", "platform").stdout


def test_an_export_makes_another_gateway_the_same(run, apis):
    run("config", "apply", "platform.yaml", "--yes")
    exported = run("config", "export", "--owner", "platform").stdout
    apis.append(AdminApi())
    Path("exported.yaml").write_text(exported, encoding="utf-8")
    run("config", "apply", "exported.yaml", "--owner", "platform", "--yes")
    assert yaml.safe_load(run("config", "export", "--owner", "platform").stdout) == yaml.safe_load(exported)


def test_only_its_own_is_pruned(run):
    run("services", "add", "by-hand", "--target", "http://10.0.0.5:80")
    Path("other.yaml").write_text(
        "packaged_services: false\nservices: {theirs: {targets: [http://10.0.0.6:80]}}\n"
    )
    run("config", "apply", "other.yaml", "--yes")
    run("config", "apply", "platform.yaml", "--yes")
    Path("platform.yaml").write_text(
        "packaged_services: false\nservices: {crm: {targets: [http://10.0.0.1:80]}}\n"
    )
    kept = run("config", "diff", "platform.yaml", "--no-prune", code=2).stdout
    assert "- service" not in kept
    run("config", "apply", "platform.yaml", "--yes")
    assert {one["name"] for one in rows(run("services", "list"))} == {"by-hand", "theirs", "crm"}
    assert rows(run("limits", "list")) == []


def test_what_another_label_declares(run):
    run("config", "apply", "platform.yaml", "--yes")
    refused = run("config", "apply", "platform.yaml", "--owner", "other", "--yes", code=1)
    assert "service crm is declared by platform" in refused.stderr
    run("config", "apply", "platform.yaml", "--owner", "other", "--take-over", "--yes")
    assert {one["owner"] for one in rows(run("services", "list"))} == {"other"}


def test_two_operators_at_once(run, monkeypatch):
    """Between one's plan and their yes the other applies."""
    monkeypatch.setattr("brain_gateway.cli.config.confirm", lambda question, yes: meanwhile())

    def meanwhile() -> None:
        monkeypatch.setattr("brain_gateway.cli.config.confirm", lambda question, yes: None)
        run("services", "add", "meanwhile", "--target", "http://10.0.0.5:80")

    late = run("config", "apply", "platform.yaml", code=5)
    assert "plan again" in late.stderr
    assert {one["name"] for one in rows(run("services", "list"))} == {"meanwhile"}
    run("config", "apply", "platform.yaml")


def test_who_may(run):
    for role in ("tenant_admin", "manager", "client"):
        assert "super_admin" in run("config", "diff", "platform.yaml", role=role, code=4).stderr


# By hand


def test_services(run):
    run(
        "services",
        "add",
        "reports",
        "--target",
        "http://10.0.0.5:80",
        "--limit",
        "5/1m",
        "--set",
        "strict=false",
    )
    run("services", "add", "reports", "--target", "http://10.0.0.5:80", code=1)
    faulty = run("services", "add", "x", "--set", "targets=[http://a/b]", "--set", "prot=1", code=1)
    assert "prot" in faulty.stderr
    run(
        "services",
        "update",
        "reports",
        "--set",
        "breaker.failures=2",
        "--set",
        "limit=null",
        "--set",
        "prefix=/v2",
    )
    shown = yaml.safe_load(run("services", "show", "reports").stdout)
    assert (shown["prefix"], shown["breaker"], "limit" in shown, shown["version"]) == (
        "/v2",
        {"failures": 2},
        False,
        2,
    )
    assert json.loads(run("services", "show", shown["id"], "--json").stdout)["id"] == shown["id"]
    run("services", "drain", "reports", "--yes")
    assert [one["weight"] for one in rows(run("targets", "list", "reports"))] == ["0"]
    run("services", "remove", "reports", "--yes")
    run("services", "show", "reports", code=1)


def test_a_service_of_a_tenant(run):
    run("services", "add", "own", "--target", "http://10.0.0.5:80", "--tenant", TENANT)
    assert rows(run("services", "list", "--tenant", TENANT))[0]["tenant"] == TENANT
    assert rows(run("services", "list", "--tenant", OTHER_TENANT)) == []
    assert rows(run("services", "list", role="tenant_admin"))[0]["name"] == "own"
    run("services", "update", "own", "--set", "prefix=/x", role="tenant_admin")
    run("services", "remove", "own", "--yes", role="client", code=4)
    run("services", "remove", "own", "--tenant", TENANT, "--yes")


def test_pages(run):
    for number in range(7):
        run("services", "add", f"s{number}", "--target", "http://10.0.0.5:80")
    first = run("services", "list", "--limit", "3")
    assert len(rows(first)) == 3
    assert "--all" in first.stderr
    assert len(rows(run("services", "list", "--limit", "3", "--all"))) == 7
    assert len(json.loads(run("services", "list", "--all", "--json").stdout)["items"]) == 7


def test_targets(run):
    run("services", "add", "reports", "--target", "http://10.0.0.5:80")
    run("targets", "add", "reports", "https://[::1]:8443", "--weight", "2")
    run("targets", "add", "reports", "https://[::1]:8443", code=1)
    run("targets", "weight", "reports", "https://[::1]:8443", "7")
    run("targets", "drain", "reports", "http://10.0.0.5:80")
    assert [(one["url"], one["weight"]) for one in rows(run("targets", "list", "reports"))] == [
        ("http://10.0.0.5:80", "0"),
        ("https://[::1]:8443", "7"),
    ]
    run("targets", "remove", "reports", "http://10.0.0.5:80", "--yes")
    assert len(rows(run("targets", "list", "reports"))) == 1


def test_routes(run):
    run("services", "add", "reports", "--target", "http://10.0.0.5:80")
    run(
        "routes", "add", "reports", "/items/{id:int}", "--method", "PUT", "--method", "GET", "--limit", "5/1m"
    )
    run("routes", "add", "reports", "/items/{id:int}", "--method", "GET", code=1)
    run(
        "routes",
        "update",
        "reports",
        "/items/{id:int}",
        "--role",
        "manager",
        "--set",
        "limit=null",
        "--set",
        "cache=true",
    )
    (route,) = rows(run("routes", "list", "reports"))
    assert (route["methods"], route["roles"], route["limit"]) == ("GET,PUT", "manager", "-")
    run("routes", "update", "reports", "GET,PUT /items/{id:int}", "--path", "/things")
    run("routes", "remove", "reports", "/things", "--yes")
    assert rows(run("routes", "list", "reports")) == []


def test_tenants(run):
    made = json.loads(run("tenants", "add", "Acme", "--json").stdout)
    run("tenants", "rename", made["id"], "Acme Ltd")
    run("tenants", "suspend", made["id"], "--yes")
    assert rows(run("tenants", "list", "--prefix", "Acme"))[0]["status"] == "suspended"
    run("tenants", "resume", made["id"])
    assert yaml.safe_load(run("tenants", "show", made["id"]).stdout)["status"] == "active"
    run("tenants", "delete", made["id"], "--yes")
    assert rows(run("tenants", "list")) == []
    assert rows(run("tenants", "list", "--deleted"))[0]["status"] == "deleted"


def test_keys(run):
    issued = run(
        "keys", "issue", "--tenant", TENANT, "--user", "importer", "--role", "client", "--expires", "90d"
    )
    key = issued.stdout.strip()
    assert key.startswith("bgk_")
    (row,) = rows(run("keys", "list", "--tenant", TENANT, "--user", "importer"))
    assert (row["prefix"], row["roles"], row["revoked"]) == (key[:12], "client", "-")
    run(
        "keys",
        "issue",
        "--tenant",
        TENANT,
        "--user",
        "u",
        "--role",
        "super_admin",
        role="tenant_admin",
        code=4,
    )
    run("keys", "revoke", row["id"], "--tenant", TENANT, "--yes")
    assert rows(run("keys", "list", "--tenant", TENANT)) == []
    listed = run("keys", "list", "--tenant", TENANT, "--revoked")
    assert rows(listed)[0]["revoked"] != "-"
    assert key not in listed.output


def test_limits(run):
    run("limits", "set", "default", "500/60s:20")
    run("limits", "set", "service:reports", "5/1m", "--tenant", TENANT)
    run("limits", "set", "service:reports", "5/1m", code=1)
    assert [
        (one["name"], one["tenant"], one["requests"], one["burst"]) for one in rows(run("limits", "list"))
    ] == [
        ("default", "-", "500", "20"),
        ("service:reports", TENANT, "5", "-"),
    ]
    run("limits", "remove", "service:reports", "--tenant", TENANT, "--yes")
    assert len(rows(run("limits", "list"))) == 1


def test_audit(run):
    run("limits", "set", "default", "500/60s")
    head = run("audit", "head").stdout.strip()
    run("limits", "set", "default", "501/60s")
    newest, oldest = rows(run("audit", "list", "--action", "limits:write"))
    assert (newest["sequence"], oldest["subject"], oldest["actor"][:11]) == (
        "2",
        "limit/default",
        "super_admin",
    )
    assert rows(run("audit", "verify"))[0]["holds"] == "yes"
    run("audit", "verify", "--expect", head)
    run("audit", "verify", "--expect", f"{head[:-1]}{'0' if head[-1] != '0' else '1'}", code=6)
    run("audit", "verify", "--expect", f"9:{'0' * 64}", code=6)


def test_instances(run):
    lease = run("instances", "register", "reports", "http://10.0.0.7:80", "--ttl", "10s").stdout.strip()
    run("instances", "heartbeat", lease)
    assert rows(run("targets", "list", "reports"))[0]["lease until"] != "-"
    run("instances", "remove", lease)
    run("instances", "heartbeat", lease, code=1)


def test_health_and_cache(run):
    run("health")
    run("services", "add", "reports", "--target", "http://10.0.0.5:80")
    assert "thrown away" in run("cache", "purge", "--service", "reports", "--path", "/a", "--below").stdout


def test_no_credentials_no_answer(run):
    assert "Credentials" in run("tenants", "list", role="nobody", code=4).stderr
