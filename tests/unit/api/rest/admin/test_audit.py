"""/audit, /health and /cache/purge."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.builders.admin import AdminApi
from tests.builders.gateway import TENANT

pytestmark = pytest.mark.anyio


@pytest.fixture
async def admin():
    admin = AdminApi()
    async with admin.as_() as ask:
        for name in ("a", "b", "c"):
            await ask.post("/services", json={"name": name, "targets": ["http://a.example"]})
            admin.clock.tick(60)
    return admin


async def test_the_log_is_read_newest_first_in_pages(admin):
    async with admin.as_() as ask:
        first = (await ask.get("/audit", params={"limit": 2})).json()
        assert [entry["subject"] for entry in first["items"]] == ["service/c", "service/b"]
        newest = first["items"][0]
        assert (newest["actor"], newest["before"], newest["after"]["name"]) == (
            f"tenant_admin-of-{TENANT[:4]}",
            None,
            "c",
        )
        rest = (await ask.get("/audit", params={"limit": 2, "cursor": first["next"]})).json()
        assert [entry["subject"] for entry in rest["items"]] == ["service/a"]
        found = await ask.get(
            "/audit", params={"since": "2027-01-15T08:17:00Z", "until": "2027-01-15T08:18:00Z"}
        )
        assert [entry["subject"] for entry in found.json()["items"]] == ["service/b"]
        assert (await ask.get("/audit", params={"action": "keys:write"})).json()["items"] == []
        assert (await ask.get("/audit", params={"since": "yesterday"})).status_code == 400


async def test_a_chain_that_was_tampered_with_does_not_hold(admin):
    async with admin.as_() as ask:
        head = (await ask.get("/audit/head")).json()
        (report,) = (await ask.get("/audit/verify")).json()["items"]
        assert (report["holds"], report["entries"], report["head"]) == (True, head["sequence"], head["hash"])
        chain = admin.store.state.audit[TENANT]
        admin.store.state.audit[TENANT] = (chain[0], replace(chain[1], actor="nobody"), chain[2])
        (report,) = (await ask.get("/audit/verify")).json()["items"]
        assert (report["holds"], len(report["faults"])) == (False, 1)


async def test_managers_do_not_read_it(admin):
    async with admin.as_("manager") as ask:
        for path in ("/audit", "/audit/verify", "/audit/head"):
            assert (await ask.get(path)).status_code == 403


async def test_a_purge_is_passed_on_and_audited(admin):
    async with admin.as_("manager") as ask:
        answer = await ask.post("/cache/purge", json={"service": "shop", "path": "/a", "prefix": True})
        assert answer.json() == {"purged": 6}
        assert (await ask.post("/cache/purge", json={"path": "/a"})).status_code == 422
        assert (await ask.post("/cache/purge", json={"service": "shop", "path": "a"})).status_code == 422
    assert admin.purged == [(TENANT, f"{TENANT}/shop", "/a", True), (TENANT, "shop", "/a", True)]
    async with admin.as_() as ask:
        (entry,) = (await ask.get("/audit", params={"action": "cache:purge"})).json()["items"]
    assert entry["subject"] == "cache/shop/a*"
