"""`brain-gateway limits`."""

from __future__ import annotations

TENANT = "5d1f0a52-7c39-4a0e-9b0c-3e7d0c6f8a21"
LIMIT = {
    "name": "service:reports",
    "tenant": TENANT,
    "requests": 5,
    "window": 60,
    "owner": "api",
    "version": 1,
}
PATH = "/limits/service%3Areports"


def test_list(run, admin):
    admin.on("GET", "/limits", {"items": [LIMIT]})
    result = run("limits", "list", "--tenant", TENANT)
    assert result.stdout.splitlines()[1].split("\t") == [
        "service:reports",
        TENANT,
        "5",
        "60",
        "-",
        "api",
        "1",
    ]


def test_set(run, admin):
    admin.on("PUT", PATH, LIMIT)
    result = run("limits", "set", "service:reports", "5/1m:2", "--tenant", TENANT)
    assert result.stdout == "limit service:reports is 5/1m:2\n"
    assert admin.asked == [f"PUT {PATH}?tenant={TENANT}"]
    assert admin.sent("PUT") == {"requests": 5, "window": "1m", "burst": 2}


def test_what_is_no_limit(run, admin):
    assert run("limits", "set", "default", "many").exit_code == 1
    assert admin.asked == []


def test_remove(run, admin):
    admin.on("DELETE", PATH, status=204)
    assert run("limits", "remove", "service:reports", "--tenant", TENANT).exit_code == 1
    assert run("limits", "remove", "service:reports", "--tenant", TENANT, "--yes").exit_code == 0
