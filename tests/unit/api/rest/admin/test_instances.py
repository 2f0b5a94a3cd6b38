"""/instances."""

from __future__ import annotations

import pytest

from tests.builders.admin import AdminApi, problem
from tests.builders.gateway import OTHER_TENANT, TENANT

pytestmark = pytest.mark.anyio
ONE = {"service": "fleet", "target": {"url": "http://one.example", "weight": 3}, "ttl": "20s"}


async def test_an_instance_comes_stays_and_goes():
    admin = AdminApi()
    async with admin.as_("super_admin") as ask:
        made = await ask.post("/instances", json={**ONE, "settings": {"prefix": "/v2"}})
        assert (made.status_code, made.json()["target"]) == (
            201,
            {"url": "http://one.example:80", "weight": 3},
        )
        service = (await ask.get("/services/name:fleet")).json()
        assert (service["prefix"], service["owner"]) == ("/v2", "registry")
        assert service["leases"] == {"http://one.example:80": made.json()["expires_at"]}
        place = made.headers["location"].removeprefix("/api/v1")
        admin.clock.tick(15)
        assert (await ask.put(place, json={"ttl": 20})).json()["expires_at"] > made.json()["expires_at"]
        assert (await ask.delete(place)).status_code == 204
        assert (await ask.put(place, json={})).status_code == 404


async def test_a_registrars_instances_are_the_platforms_unless_it_names_a_tenant():
    admin = AdminApi()
    async with admin.as_("service_registrar") as ask:
        assert "tenant" not in (await ask.post("/instances", json=ONE)).json()
        for named in (
            {"json": {**ONE, "tenant": OTHER_TENANT}},
            {"json": ONE, "params": {"tenant": OTHER_TENANT}},
        ):
            assert (await ask.post("/instances", **named)).json()["tenant"] == OTHER_TENANT
        assert (await ask.get("/services")).status_code == 403
    async with admin.as_("tenant_admin") as ask:
        assert (await ask.post("/instances", json=ONE)).json()["tenant"] == TENANT
    async with admin.as_("manager") as ask:
        shadow = {**ONE, "service": "auth-service"}
        assert (await ask.post("/instances", json=shadow)).status_code == 403, "it may not add services"


@pytest.mark.parametrize(
    "wrong",
    [
        {"ttl": "2h"}, {"ttl": 0.1}, {"target": "nope"}, {"settings": {"targets": ["http://a"]}}, {"service": "api"},
        {"settings": {"discovery": {"name": "a", "port": 1}}}, {"settings": {"nope": 1}}, {"service": None},
    ],
)  # fmt: skip
async def test_what_cannot_be_registered(wrong):
    async with AdminApi().as_("super_admin") as ask:
        assert (await ask.post("/instances", json={**ONE, **wrong})).status_code == 422


async def test_where_the_registry_is_off_there_is_none():
    async with AdminApi(registry_enabled=False).as_("super_admin") as ask:
        for method, path, body in (
            ("POST", "", ONE),
            ("PUT", f"/{TENANT}", {}),
            ("DELETE", f"/{TENANT}", None),
        ):
            answer = await ask.request(method, f"/instances{path}", json=body)
            assert (answer.status_code, problem(answer)) == (404, "resource-not-found")
            assert "SERVICE_REGISTRY_ENABLED" in answer.json()["detail"]
