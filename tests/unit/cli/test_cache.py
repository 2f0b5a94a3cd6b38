"""`brain-gateway cache`."""

from __future__ import annotations

import pytest

TENANT = "5d1f0a52-7c39-4a0e-9b0c-3e7d0c6f8a21"


@pytest.mark.parametrize(
    ("options", "body"),
    [
        ((), {}),
        (("--service", "reports"), {"service": "reports"}),
        (
            ("--service", "reports", "--path", "/a", "--below"),
            {"service": "reports", "path": "/a", "prefix": True},
        ),
    ],
)
def test_purge(run, admin, options, body):
    admin.on("POST", "/cache/purge", {"purged": 3})
    assert run("cache", "purge", *options, "--tenant", TENANT).stdout == "3 answers thrown away\n"
    assert (admin.asked, admin.sent("POST")) == ([f"POST /cache/purge?tenant={TENANT}"], body)
