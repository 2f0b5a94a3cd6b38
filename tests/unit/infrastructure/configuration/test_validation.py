"""As much as can be read is read; what cannot is left out and noted."""

from __future__ import annotations

import json

import pytest

from brain_gateway.infrastructure.configuration.document import Document
from brain_gateway.infrastructure.configuration.validation import Reading, read

TENANT = "0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a"


def reading(values: dict[str, object], **environ: str) -> Reading:
    document = Document(json.dumps(values), environ)
    return read(document.values, document)


def test_a_good_file_has_nothing_unreadable():
    found = reading({"services": {"x": {"port": 1}}})
    assert found.file is not None
    assert (found.faults, found.unreadable) == ([], {})


@pytest.mark.parametrize(
    ("values", "parent", "keys"),
    [
        ({"services": {"x": {"port": "?", "prefix": "/a"}}}, ("services", "x"), {"port"}),
        ({"services": {"x": {"limit": {"requests": 0}, "port": 1}}}, ("services", "x"), {"limit"}),
        ({"services": {"x": {"routes": [{"path": "/"}, {}]}}}, ("services", "x"), {"routes"}),
        ({"services": {"x": {"port": "${NOPE}"}}}, ("services", "x"), {"port"}),
        ({"services": {"X": {}, "y": {"port": 1}}}, ("services",), {"X"}),
        ({"services": {"x": 5, "y": {"port": 1}}}, ("services",), {"x"}),
        ({"limits": {"default": 5}}, ("limits",), {"default"}),
        ({"host_template": "?"}, (), {"host_template"}),
        ({"tenants": {TENANT: {"api_keys": [{}]}}}, ("tenants", TENANT), {"api_keys"}),
        (
            {"tenants": {TENANT: {"services": {"x": {"port": "?"}}}}},
            ("tenants", TENANT, "services", "x"),
            {"port"},
        ),
    ],
)
def test_only_the_key_at_fault_is_left_out(values, parent, keys):
    found = reading(values)
    assert found.file is not None
    assert found.faults
    assert found.unreadable == {parent: frozenset(keys)}


def test_what_else_the_service_says_is_still_there():
    found = reading({"services": {"x": {"port": "?", "prefix": "/a"}, "y": {"port": 2}}})
    assert found.file is not None
    services = found.file.services or {}
    assert services["x"] is not None
    assert (services["x"].port, services["x"].prefix) == (None, "/a")
    assert services["y"] is not None
    assert services["y"].port == 2


def test_many_faults_of_many_services():
    found = reading({"services": {f"s{n}": {"port": 0, "prefx": 1} for n in range(500)}})
    assert len(found.faults) == 1000
    assert len(found.unreadable) == 500
