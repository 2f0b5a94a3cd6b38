"""`brain-gateway routes`."""

from __future__ import annotations

import pytest

ID = "0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a"
ROUTES = [
    {
        "id": "r1",
        "path": "/a",
        "methods": ["GET"],
        "roles": ["manager"],
        "limit": {"requests": 5, "window": 60},
    },
    {"id": "r2", "path": "/a", "methods": ["POST"]},
    {"id": "r3", "path": "/b/{id:int}", "public": True},
]


@pytest.fixture(autouse=True)
def reports(admin):
    admin.on("GET", "/services/name%3Areports", {"id": ID, "name": "reports"})
    admin.on("GET", f"/services/{ID}/routes", {"items": ROUTES})
    return admin


def test_list(run):
    assert run("routes", "list", "reports").stdout == (
        "methods\tpath\tpublic\troles\tlimit\tcache\n"
        "GET\t/a\tno\tmanager\trequests=5 window=60\t-\n"
        "POST\t/a\tno\t-\t-\t-\n"
        "*\t/b/{id:int}\tyes\t-\t-\t-\n"
    )


def test_add(run, admin):
    admin.on("POST", f"/services/{ID}/routes", {**ROUTES[0], "path": "/c"}, 201)
    result = run(
        "routes", "add", "reports", "/c", "--method", "GET", "--role", "manager", "--limit", "5/1m",
        "--set", "cache.default_ttl=1m",
    )  # fmt: skip
    assert result.stdout == "reports: route GET /c added\n"
    assert admin.sent("POST") == {
        "path": "/c",
        "methods": ["GET"],
        "roles": ["manager"],
        "limit": {"requests": 5, "window": "1m"},
        "cache": {"default_ttl": "1m"},
    }


def test_a_public_route(run, admin):
    admin.on("POST", f"/services/{ID}/routes", ROUTES[2], 201)
    run("routes", "add", "reports", "/b/{id:int}", "--public")
    assert admin.sent("POST") == {"path": "/b/{id:int}", "public": True}


def test_update_keeps_what_is_not_named(run, admin):
    admin.on("PUT", f"/services/{ID}/routes/r1", {**ROUTES[0], "path": "/z"})
    result = run("routes", "update", "reports", "GET /a", "--path", "/z", "--set", "limit=null")
    assert result.stdout == "reports: route GET /z changed\n"
    assert admin.sent("PUT") == {"path": "/z", "methods": ["GET"], "roles": ["manager"]}


def test_a_route_that_is_public_no_more(run, admin):
    admin.on("PUT", f"/services/{ID}/routes/r3", ROUTES[2])
    run("routes", "update", "reports", "/b/{id:int}", "--no-public", "--role", "client")
    assert admin.sent("PUT") == {"path": "/b/{id:int}", "public": False, "roles": ["client"]}


def test_a_path_of_several_routes(run):
    result = run("routes", "remove", "reports", "/a", "--yes")
    assert result.exit_code == 1
    assert "GET /a, POST /a" in result.stderr


def test_remove(run, admin):
    admin.on("DELETE", f"/services/{ID}/routes/r2", status=204)
    assert run("routes", "remove", "reports", "POST /a").exit_code == 1
    assert (
        run("routes", "remove", "reports", "POST /a", "--yes").stdout == "route POST /a of reports removed\n"
    )
