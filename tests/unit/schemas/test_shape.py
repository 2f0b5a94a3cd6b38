"""Which keys are known where."""

from __future__ import annotations

import pytest

from brain_gateway.schemas.shape import known_keys


@pytest.mark.parametrize(
    ("path", "some"),
    [
        ((), {"services", "tenants", "limits"}),
        (("limits",), {"default", "agents", "admin", "public"}),
        (("limits", "admin"), {"requests", "window", "burst"}),
        (("services", "x"), {"port", "targets", "routes"}),
        (("services", "x", "targets", 3), {"url", "weight"}),
        (("services", "x", "routes", 0, "limit"), {"requests", "window", "burst"}),
        (("tenants", "t", "services", "x", "probe"), {"type", "path", "interval"}),
        (("tenants", "t", "api_keys", 0), {"hash", "prefix", "user", "roles", "expires_at"}),
    ],
)
def test_known(path, some):
    assert some <= set(known_keys(path))


@pytest.mark.parametrize("path", [("services",), ("nowhere",), ("services", "x", "port"), ("limits", 0, "x")])
def test_names_and_unknown_places_have_none(path):
    assert known_keys(path) == []
