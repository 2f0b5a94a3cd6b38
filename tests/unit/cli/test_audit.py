"""`brain-gateway audit`."""

from __future__ import annotations

import json

import pytest

TENANT = "5d1f0a52-7c39-4a0e-9b0c-3e7d0c6f8a21"
HASHES = {number: f"{number:064x}" for number in range(1, 10)}
ENTRIES = [
    {
        "sequence": number,
        "hash": HASHES[number],
        "occurred_at": "2026-01-01T00:00:00.000Z",
        "actor": "ada",
        "action": "services:write",
        "subject": "service/reports",
        "request_id": "r1",
    }
    for number in (9, 8, 7)
]
CHAINS = {
    "items": [
        {"entries": 9, "head": HASHES[9], "faults": []},
        {"tenant": TENANT, "entries": 2, "head": HASHES[2]},
    ]
}


def test_list(run, admin):
    admin.on("GET", "/audit", {"items": ENTRIES})
    result = run("audit", "list", "--actor", "ada", "--since", "2026-01-01T00:00:00Z")
    assert result.stdout.splitlines()[1].split("\t") == [
        "9", "2026-01-01T00:00:00.000Z", "ada", "services:write", "service/reports", "r1",
    ]  # fmt: skip
    assert admin.asked == ["GET /audit?actor=ada&since=2026-01-01T00%3A00%3A00Z&limit=100"]


def test_chains_that_hold(run, admin):
    admin.on("GET", "/audit/verify", CHAINS)
    result = run("audit", "verify")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1:] == [
        f"platform\t9\t{HASHES[9]}\tyes",
        f"{TENANT}\t2\t{HASHES[2]}\tyes",
    ]


def test_a_chain_that_does_not(run, admin):
    broken = {"tenant": TENANT, "entries": 2, "head": HASHES[2], "faults": ["entry 2 was changed"]}
    admin.on("GET", "/audit/verify", {"items": [broken]})
    result = run("audit", "verify", "--json")
    assert result.exit_code == 6
    assert json.loads(result.stdout)["items"] == [broken]
    assert result.stderr == f"error: the audit log does not hold\n  {TENANT}: entry 2 was changed\n"


@pytest.mark.parametrize(
    ("expected", "code", "said"),
    [
        (f"9:{HASHES[9]}", 0, ""),
        (f"8:{HASHES[8]}", 0, ""),
        (f"8:{HASHES[1]}", 6, "entry 8 is another than it was"),
        (f"10:{HASHES[1]}", 6, "entry 10 is known to have been there, and is not"),
        (f"3:{HASHES[3]}", 6, "entry 3 is known to have been there, and is not"),
    ],
)
def test_a_known_head(run, admin, expected, code, said):
    admin.on("GET", "/audit/verify", CHAINS)
    admin.on("GET", "/audit", {"items": ENTRIES})
    result = run("audit", "verify", "--expect", expected)
    assert result.exit_code == code
    assert said in result.stderr


@pytest.mark.parametrize("expected", ["", "9", "x:y", f"9:{HASHES[9]}0", f"9:{'g' * 64}"])
def test_what_is_no_head(run, admin, expected):
    result = run("audit", "verify", "--expect", expected)
    assert (result.exit_code, admin.asked) == (1, [])


def test_head(run, admin):
    admin.on("GET", "/audit/head", {"sequence": 9, "hash": HASHES[9]})
    assert run("audit", "head").stdout == f"9:{HASHES[9]}\n"
    assert json.loads(run("audit", "head", "--json").stdout) == {"sequence": 9, "hash": HASHES[9]}


def test_the_head_of_an_empty_chain(run, admin):
    admin.on("GET", "/audit/head", {"sequence": 0, "hash": "0" * 64})
    assert run("audit", "head").exit_code == 1
