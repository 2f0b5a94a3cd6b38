"""`brain-gateway targets`."""

from __future__ import annotations

import pytest

ID = "0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a"
TARGETS = [
    {"id": "t1", "url": "http://a:1"},
    {"id": "t2", "url": "http://b:1", "weight": 3, "expires_at": "2030-01-01T00:00:00Z"},
]


@pytest.fixture(autouse=True)
def reports(admin):
    admin.on("GET", "/services/name%3Areports", {"id": ID, "name": "reports"})
    admin.on("GET", f"/services/{ID}/targets", {"items": TARGETS})
    for one in TARGETS:
        admin.on("PATCH", f"/services/{ID}/targets/{one['id']}", one)
        admin.on("DELETE", f"/services/{ID}/targets/{one['id']}", status=204)
    return admin


def test_list(run):
    assert run("targets", "list", "reports").stdout == (
        "url\tweight\tlease until\nhttp://a:1\t1\t-\nhttp://b:1\t3\t2030-01-01T00:00:00Z\n"
    )


def test_add(run, admin):
    admin.on("POST", f"/services/{ID}/targets", TARGETS[0], 201)
    result = run("targets", "add", "reports", "http://a:1", "--weight", "2")
    assert result.stdout == "reports: target http://a:1 added\n"
    assert admin.sent("POST") == {"url": "http://a:1", "weight": 2}


def test_weight(run, admin):
    result = run("targets", "weight", "reports", "http://b:1", "7")
    assert result.stdout == "reports: target http://b:1 has weight 7\n"
    assert admin.sent("PATCH") == {"weight": 7}


def test_drain(run, admin):
    run("targets", "drain", "reports", "http://a:1")
    assert (admin.asked[-1], admin.sent("PATCH")) == (f"PATCH /services/{ID}/targets/t1", {"weight": 0})


def test_remove(run, admin):
    assert run("targets", "remove", "reports", "http://a:1").exit_code == 1
    assert run("targets", "remove", "reports", "http://a:1", "--yes").exit_code == 0
    assert admin.asked[-1] == f"DELETE /services/{ID}/targets/t1"


def test_one_that_is_not_there(run):
    result = run("targets", "drain", "reports", "http://c:1")
    assert result.exit_code == 1
    assert "http://a:1, http://b:1" in result.stderr


@pytest.mark.parametrize("weight", ["-1", "much"])
def test_weights_that_are_none(run, weight):
    assert run("targets", "weight", "reports", "http://a:1", "--", weight).exit_code == 2
