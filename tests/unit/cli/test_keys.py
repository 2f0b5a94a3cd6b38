"""`brain-gateway keys`: the key is shown once, and nowhere else."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

ID = "0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a"
TENANT = "5d1f0a52-7c39-4a0e-9b0c-3e7d0c6f8a21"
SECRET = "bgk_planted-0123456789abcdef"
KEY = {
    "id": ID,
    "prefix": "bgk_planted",
    "tenant": TENANT,
    "user": "importer",
    "roles": ["client"],
    "version": 1,
}


def test_list(run, admin):
    admin.on("GET", "/keys", {"items": [{**KEY, "revoked_at": "2026-01-01T00:00:00Z"}]})
    result = run("keys", "list", "--user", "importer", "--revoked", "--tenant", TENANT)
    assert result.stdout.splitlines()[1].split("\t") == [
        ID, "bgk_planted", TENANT, "importer", "-", "client", "-", "2026-01-01T00:00:00Z",
    ]  # fmt: skip
    assert admin.asked == [f"GET /keys?user=importer&revoked=true&tenant={TENANT}&limit=100"]


@pytest.fixture
def issued(admin):
    admin.on("POST", "/keys", {**KEY, "key": SECRET}, 201)
    return admin


def test_issue_prints_the_key_alone(run, issued):
    result = run(
        "keys", "issue", "--tenant", TENANT, "--user", "importer", "--role", "client", "--name", "nightly"
    )
    assert result.stdout == f"{SECRET}\n"
    assert SECRET not in result.stderr
    assert issued.asked == [f"POST /keys?tenant={TENANT}"]
    assert issued.sent("POST") == {"user": "importer", "roles": ["client"], "name": "nightly"}


def test_issue_as_json(run, issued):
    result = run("keys", "issue", "--tenant", TENANT, "--user", "importer", "--json")
    assert json.loads(result.stdout)["key"] == SECRET


def test_a_key_that_was_issued_already(run, admin):
    """The first answer was lost: the gateway keeps no key that it could show again."""
    admin.on("POST", "/keys", {**KEY, "note": "revoke this one if it was lost"}, 201)
    result = run("keys", "issue", "--tenant", TENANT, "--user", "importer")
    assert (result.exit_code, result.stdout) == (1, "")
    assert ID in result.stderr


def test_lifetimes(run, issued):
    run("keys", "issue", "--tenant", TENANT, "--user", "u", "--expires", "90d")
    ends = datetime.fromisoformat(issued.sent("POST")["expires_at"])
    assert timedelta(days=89) < ends - datetime.now(UTC) < timedelta(days=91)
    run("keys", "issue", "--tenant", TENANT, "--user", "u", "--expires", "2030-01-31T00:00:00Z")
    assert issued.sent("POST")["expires_at"] == "2030-01-31T00:00:00Z"


def test_revoke(run, admin):
    admin.on("DELETE", f"/keys/{ID}", status=204)
    assert run("keys", "revoke", ID).exit_code == 1
    assert run("keys", "revoke", ID, "--tenant", TENANT, "--yes").stdout == f"key {ID} removed\n"
    assert admin.asked == [f"DELETE /keys/{ID}?tenant={TENANT}"]


def test_the_key_itself_is_not_sent(run, admin):
    result = run("keys", "revoke", SECRET, "--yes")
    assert (result.exit_code, admin.asked) == (1, [])
    assert SECRET not in result.output
