"""/keys."""

from __future__ import annotations

import pytest

from tests.builders.admin import AdminApi
from tests.builders.gateway import OTHER_TENANT, TENANT

pytestmark = pytest.mark.anyio


@pytest.fixture
def admin():
    return AdminApi()


async def test_a_key_is_shown_once_and_revoked(admin):
    asked = {
        "user": "nightly",
        "roles": ["client"],
        "name": "For exports",
        "expires_at": "2030-01-31T00:00:00Z",
    }
    async with admin.as_() as ask:
        made = await ask.post("/keys", json=asked)
        key = made.json()["key"]
        place = made.headers["location"].removeprefix("/api/v1")
        read = await ask.get(place)
        assert key not in read.text
        assert {name: read.json()[name] for name in asked} == {
            **asked,
            "expires_at": "2030-01-31T00:00:00.000Z",
        }
        assert read.json()["prefix"] == key[:12]
        assert key not in (await ask.get("/audit")).text
        stale = await ask.delete(place, headers={"If-Match": read.headers["etag"].replace(".1", ".2")})
        assert stale.status_code == 412
        assert (await ask.delete(place, headers={"If-Match": read.headers["etag"]})).status_code == 204
        assert (await ask.get("/keys")).json()["items"] == []
        (gone,) = (await ask.get("/keys", params={"revoked": True, "user": "nightly"})).json()["items"]
        assert "revoked_at" in gone


@pytest.mark.parametrize(
    "wrong",
    [
        {"user": ""}, {"user": "a b"}, {"user": "u", "roles": "client"}, {"user": "u", "roles": ["a b"]}, {},
        {"user": "u", "expires_at": "soon"}, {"user": "u", "expires_at": "2020-01-01T00:00:00Z"},
        {"user": "u", "name": "a\x00b"}, {"user": "u", "expires_at": "2030-01-31T00:00:00"}, {"user": "u", "key": "x"},
    ],
)  # fmt: skip
async def test_what_cannot_be_issued(admin, wrong):
    async with admin.as_() as ask:
        assert (await ask.post("/keys", json=wrong)).status_code == 422


async def test_the_platform_issues_for_a_tenant_that_it_names(admin):
    async with admin.as_("super_admin") as ask:
        assert (await ask.post("/keys", json={"user": "u"})).status_code == 422
        made = await ask.post("/keys", json={"user": "u", "tenant": OTHER_TENANT, "roles": ["super_admin"]})
        assert made.json()["tenant"] == OTHER_TENANT
        assert (await ask.post("/keys", json={"user": "u"}, params={"tenant": TENANT})).status_code == 201
        assert len((await ask.get("/keys")).json()["items"]) == 2
    async with admin.as_() as ask:
        assert (await ask.post("/keys", json={"user": "u", "roles": ["super_admin"]})).status_code == 403
