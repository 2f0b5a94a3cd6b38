"""`brain-gateway tenants`."""

from __future__ import annotations

import json

import pytest

ID = "0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a"
TENANT = {"id": ID, "name": "Demo", "status": "active", "version": 2, "owner": "api"}
PATH = f"/tenants/{ID}"


@pytest.fixture(autouse=True)
def demo(admin):
    admin.on("GET", PATH, TENANT, ETag=f'"{ID}.2"')
    return admin


def test_list(run, admin):
    admin.on("GET", "/tenants", {"items": [TENANT]})
    result = run("tenants", "list", "--prefix", "D", "--deleted")
    assert result.stdout == f"id\tname\tstatus\towner\tversion\n{ID}\tDemo\tactive\tapi\t2\n"
    assert admin.asked == ["GET /tenants?prefix=D&deleted=true&limit=100"]


def test_show(run):
    assert json.loads(run("tenants", "show", ID, "--json").stdout) == TENANT


def test_add(run, admin):
    admin.on("POST", "/tenants", TENANT, 201)
    assert run("tenants", "add", "Demo", "--id", ID).stdout == f"tenant {ID} registered\n"
    assert admin.sent("POST") == {"name": "Demo", "id": ID}


@pytest.mark.parametrize(
    ("arguments", "members", "said"),
    [
        (("rename", ID, "Acme"), {"name": "Acme"}, "is called Acme"),
        (("suspend", ID, "--yes"), {"status": "suspended"}, "is suspended"),
        (("resume", ID), {"status": "active"}, "is active"),
    ],
)
def test_changes(run, admin, arguments, members, said):
    admin.on("PATCH", PATH, TENANT)
    assert run("tenants", *arguments).stdout == f"tenant {ID} {said}\n"
    assert admin.sent("PATCH") == members
    assert admin.requests[-1].headers["If-Match"] == f'"{ID}.2"'


@pytest.mark.parametrize("command", ["suspend", "delete"])
def test_nobody_is_refused_by_mistake(run, admin, command):
    result = run("tenants", command, ID)
    assert (result.exit_code, admin.asked) == (1, [])


def test_delete(run, admin):
    admin.on("DELETE", PATH, status=204)
    assert run("tenants", "delete", ID, "--yes").exit_code == 0
    assert admin.asked == [f"DELETE {PATH}"]
