"""`brain-gateway services`."""

from __future__ import annotations

import json

import pytest

ID = "0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a"
TENANT = "5d1f0a52-7c39-4a0e-9b0c-3e7d0c6f8a21"
SERVICE = {
    "id": ID,
    "name": "reports",
    "version": 3,
    "owner": "api",
    "targets": [{"url": "http://a:1"}],
    "prefix": "/api",
}
NAMED = "/services/name%3Areports"


@pytest.fixture
def reports(admin):
    admin.on("GET", NAMED, SERVICE, ETag='"reports.3"')
    return admin


def test_list(run, admin):
    admin.on(
        "GET", "/services", {"items": [SERVICE, {**SERVICE, "name": "mail", "kind": "ai", "tenant": TENANT}]}
    )
    result = run("services", "list", "--prefix", "m", "--kind", "ai", "--owner", "eu", "--tenant", TENANT)
    assert [line.split("\t")[:6] for line in result.stdout.splitlines()] == [
        ["name", "tenant", "kind", "targets", "routes", "prefix"],
        ["reports", "-", "backend", "1", "0", "/api"],
        ["mail", TENANT, "ai", "1", "0", "/api"],
    ]
    assert admin.asked == [f"GET /services?prefix=m&kind=ai&owner=eu&tenant={TENANT}&limit=100"]


def test_list_on_a_terminal(run, admin, terminal):
    admin.on("GET", "/services", {"items": [SERVICE]})
    assert ID in run("services", "list").stdout


def test_show(run, reports):
    assert run("services", "show", "reports").stdout.startswith(f"id: {ID}\nname: reports\n")
    assert json.loads(run("services", "show", "reports", "--json").stdout) == SERVICE


def test_show_what_is_not_there(run, admin):
    admin.refuse("GET", NAMED, 404, "Resource not found", "there is no such service")
    result = run("services", "show", "reports")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "error: Resource not found: there is no such service\n"


def test_add(run, admin, tmp_path):
    (tmp_path / "reports.yaml").write_text("prefix: /old\nstrict: true\nroutes: [{path: /a}]\n")
    admin.on("POST", "/services", SERVICE, 201)
    result = run(
        "services", "add", "reports", "--target", "http://a:1", "--target", "http://b:1", "--prefix", "/api",
        "--role", "manager", "--limit", "5/1m", "--file", "reports.yaml", "--set", "strict=null",
        "--set", "breaker.failures=2", "--tenant", TENANT,
    )  # fmt: skip
    assert (result.exit_code, result.stdout) == (0, f"service reports registered ({ID})\n")
    assert admin.asked == [f"POST /services?tenant={TENANT}"]
    assert admin.sent("POST") == {
        "name": "reports",
        "prefix": "/api",
        "strict": None,
        "routes": [{"path": "/a"}],
        "targets": ["http://a:1", "http://b:1"],
        "roles": ["manager"],
        "limit": {"requests": 5, "window": "1m"},
        "breaker": {"failures": 2},
    }


def test_add_what_is_there(run, admin):
    admin.refuse("POST", "/services", 409, "Conflict", "there is a service of that name")
    result = run("services", "add", "reports", "--target", "http://a:1")
    assert (result.exit_code, result.stderr) == (1, "error: Conflict: there is a service of that name\n")


def test_add_with_faults(run, admin):
    admin.refuse("POST", "/services", 422, "Invalid document", "a; b", errors=["a", "b"])
    assert run("services", "add", "x").stderr == "error: Invalid document\n  a\n  b\n"


def test_update(run, reports):
    reports.on("PATCH", f"/services/{ID}", {**SERVICE, "version": 4})
    result = run("services", "update", "reports", "--set", "prefix=/v2", "--set", "limit=null")
    assert result.stdout == "service reports has version 4\n"
    assert reports.sent("PATCH") == {"prefix": "/v2", "limit": None}


def test_update_of_nothing(run, reports):
    result = run("services", "update", "reports")
    assert (result.exit_code, reports.asked) == (1, [])


def test_remove(run, reports):
    reports.on("DELETE", f"/services/{ID}", status=204)
    assert run("services", "remove", "reports").exit_code == 1
    assert not any(one.method == "DELETE" for one in reports.requests)
    assert run("services", "remove", "reports", "--yes").stdout == "service reports removed\n"
    assert reports.requests[-1].headers["If-Match"] == '"reports.3"'


def test_remove_what_has_changed(run, reports):
    reports.refuse("DELETE", f"/services/{ID}", 412, "Precondition failed", "read it again")
    assert run("services", "remove", "reports", "--yes").exit_code == 5


def test_drain(run, reports):
    targets = [{"id": "t1", "url": "http://a:1"}, {"id": "t2", "url": "http://b:1"}]
    reports.on("GET", f"/services/{ID}/targets", {"items": targets})
    reports.on("PATCH", f"/services/{ID}/targets/t1", {})
    reports.on("PATCH", f"/services/{ID}/targets/t2", {})
    assert run("services", "drain", "reports", "--yes").stdout == "service reports: all targets are drained\n"
    assert [json.loads(one.content) for one in reports.requests if one.method == "PATCH"] == [
        {"weight": 0}
    ] * 2
