"""/tenants, /keys and /limits."""

from __future__ import annotations

import pytest

from tests.builders.admin import AdminApi, problem
from tests.builders.gateway import OTHER_TENANT, TENANT

pytestmark = pytest.mark.anyio


@pytest.fixture
async def admin():
    admin = AdminApi()
    async with admin.as_("super_admin") as ask:
        for id_, name in ((TENANT, "Mine"), (OTHER_TENANT, "Other")):
            assert (await ask.post("/tenants", json={"id": id_, "name": name})).status_code == 201
    return admin


async def test_a_tenant_is_renamed_suspended_resumed_and_deleted(admin):
    place = f"/tenants/{TENANT}"
    async with admin.as_("super_admin") as ask:
        read = await ask.get(place)
        renamed = await ask.patch(place, json={"name": "New"}, headers={"If-Match": read.headers["etag"]})
        assert (renamed.json()["name"], renamed.json()["version"]) == ("New", 2)
        assert (await ask.post(f"{place}/suspend")).json()["status"] == "suspended"
        assert (await ask.post(f"{place}/resume")).json()["status"] == "active"
        assert (await ask.patch(place, json={"status": "suspended"})).json()["status"] == "suspended"
        stale = await ask.patch(place, json={"name": "Late"}, headers={"If-Match": read.headers["etag"]})
        assert (stale.status_code, problem(stale)) == (412, "precondition-failed")
        assert (await ask.delete(place)).status_code == 204
        assert [one["id"] for one in (await ask.get("/tenants")).json()["items"]] == [OTHER_TENANT]
        both = (await ask.get("/tenants", params={"deleted": True})).json()["items"]
        assert {one["status"] for one in both} == {"active", "deleted"}
        assert (await ask.post("/tenants", json={"id": TENANT, "name": "Again"})).status_code == 409


@pytest.mark.parametrize(
    "patch", [{"name": ""}, {"name": None}, {"status": "deleted"}, {"status": None}, {"id": OTHER_TENANT}]
)
async def test_what_cannot_be_changed(admin, patch):
    async with admin.as_("super_admin") as ask:
        assert (await ask.patch(f"/tenants/{TENANT}", json=patch)).status_code == 422


async def test_a_tenant_sees_itself(admin):
    async with admin.as_("manager") as ask:
        assert [one["id"] for one in (await ask.get("/tenants")).json()["items"]] == [TENANT]
        assert (await ask.get(f"/tenants/{TENANT}")).json()["name"] == "Mine"
        assert (await ask.patch(f"/tenants/{TENANT}", json={"name": "Mine too"})).status_code == 403
        assert (await ask.get(f"/tenants/{OTHER_TENANT}")).status_code == 404


async def test_tenants_are_paged_and_found_by_name(admin):
    async with admin.as_("super_admin") as ask:
        first = (await ask.get("/tenants", params={"limit": 1})).json()
        rest = (await ask.get("/tenants", params={"limit": 1, "cursor": first["next"]})).json()
        assert {one["name"] for one in (*first["items"], *rest["items"])} == {"Mine", "Other"}
        assert "next" not in rest
        found = (await ask.get("/tenants", params={"prefix": "Oth"})).json()
        assert [one["id"] for one in found["items"]] == [OTHER_TENANT]
