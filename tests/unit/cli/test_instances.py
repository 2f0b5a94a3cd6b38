"""`brain-gateway instances`."""

from __future__ import annotations

import json

LEASE = "0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a"
INSTANCE = {"id": LEASE, "service": "reports", "expires_at": "2030-01-01T00:00:00Z"}


def test_register_prints_the_lease(run, admin):
    admin.on("POST", "/instances", INSTANCE, 201)
    result = run("instances", "register", "reports", "http://a:1", "--ttl", "10s", "--weight", "2")
    assert result.stdout == f"{LEASE}\n"
    assert admin.sent("POST") == {
        "service": "reports",
        "target": {"url": "http://a:1", "weight": 2},
        "ttl": "10s",
    }


def test_heartbeat(run, admin):
    admin.on("PUT", f"/instances/{LEASE}", INSTANCE)
    assert json.loads(run("instances", "heartbeat", LEASE, "--json").stdout) == INSTANCE
    assert admin.sent("PUT") == {"ttl": "30s"}


def test_a_lease_that_has_ended(run, admin):
    admin.refuse("PUT", f"/instances/{LEASE}", 404, "Resource not found", "register the instance again")
    assert run("instances", "heartbeat", LEASE).exit_code == 1


def test_remove(run, admin):
    admin.on("DELETE", f"/instances/{LEASE}", status=204)
    assert run("instances", "remove", LEASE).stdout == "the lease is given back\n"
