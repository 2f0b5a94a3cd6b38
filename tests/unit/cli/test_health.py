"""`brain-gateway health`."""

from __future__ import annotations

import json

SERVICES = [
    {"name": "reports", "status": "healthy", "since": "2026-01-01T00:00:00Z", "response_time_ms": 3.5}
]


def test_all_is_well(run, admin):
    admin.on("GET", "/health", {"status": "healthy", "services": SERVICES})
    result = run("health")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1].split("\t") == [
        "reports",
        "-",
        "healthy",
        "2026-01-01T00:00:00Z",
        "3.5",
        "-",
    ]


def test_something_is_not(run, admin):
    report = {"status": "degraded", "services": [{"name": "reports", "status": "down"}]}
    admin.on("GET", "/health", report)
    result = run("health", "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (1, report)
    assert result.stderr == "error: the gateway is degraded\n"
