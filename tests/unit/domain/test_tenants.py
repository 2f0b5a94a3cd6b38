"""Tenants as the platform administers them."""

from __future__ import annotations

import pytest

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.domain.tenants import MAX_NAME, Tenant, TenantStatus

ID = "0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a"


@pytest.mark.parametrize(
    ("status", "served"),
    [(TenantStatus.ACTIVE, True), (TenantStatus.SUSPENDED, False), (TenantStatus.DELETED, False)],
)
def test_active_tenants_alone_are_served(status, served):
    assert Tenant(id=ID, name="Demo", status=status).served is served


def test_an_id_has_one_spelling():
    assert Tenant(id=ID.upper(), name="Demo").id == ID
    assert Tenant(id=ID, name="Demo").served


@pytest.mark.parametrize("id_", ["", "demo", ID[:-1], ID + "\n"])
def test_an_id_is_a_uuid(id_):
    with pytest.raises(ConfigurationError, match="UUID"):
        Tenant(id=id_, name="Demo")


@pytest.mark.parametrize("name", ["", "  ", "x" * (MAX_NAME + 1), "a\nb", "a\x00b", "\u202e"])
def test_a_name_is_for_people(name):
    with pytest.raises(ConfigurationError, match="printable"):
        Tenant(id=ID, name=name)


@pytest.mark.parametrize("name", ["x" * MAX_NAME, "Šumava s.r.o.", "日本"])
def test_names_of_all_kinds(name):
    assert Tenant(id=ID, name=name).name == name
