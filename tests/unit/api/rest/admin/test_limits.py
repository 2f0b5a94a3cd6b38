"""/limits."""

from __future__ import annotations

import pytest

from tests.builders.admin import AdminApi
from tests.builders.gateway import OTHER_TENANT, TENANT

pytestmark = pytest.mark.anyio


@pytest.fixture
async def ask():
    async with AdminApi().as_("super_admin") as client:
        yield client


async def test_a_limit_is_set_read_changed_and_taken_away(ask):
    made = await ask.put("/limits/default", json={"requests": 5, "window": "1m"})
    assert (made.status_code, made.json()["requests"], made.json()["window"]) == (200, 5, 60)
    read = await ask.get("/limits/default")
    assert (read.json(), read.headers["etag"]) == (made.json(), made.headers["etag"])
    changed = await ask.put(
        "/limits/default", json={**read.json(), "requests": 6}, headers={"If-Match": read.headers["etag"]}
    )
    assert changed.json()["version"] == 2
    assert (
        await ask.delete("/limits/default", headers={"If-Match": read.headers["etag"]})
    ).status_code == 412
    assert (await ask.delete("/limits/default", headers={"If-Match": "*"})).status_code == 204
    assert (await ask.get("/limits/default")).status_code == 404


async def test_it_can_be_made_sure_that_it_is_new_or_that_it_is_there(ask):
    body = {"requests": 5}
    assert (await ask.put("/limits/agents", json=body, headers={"If-Match": "*"})).status_code == 412
    assert (await ask.put("/limits/agents", json=body, headers={"If-None-Match": "*"})).status_code == 200
    assert (await ask.put("/limits/agents", json=body, headers={"If-None-Match": "*"})).status_code == 412
    assert (await ask.put("/limits/agents", json=body, headers={"If-Match": "*"})).status_code == 200


async def test_a_tenant_has_its_own(ask):
    for tenant, requests in ((TENANT, 7), (OTHER_TENANT, 8)):
        where = {"tenant": tenant}
        answer = await ask.put("/limits/service:shop", json={"requests": requests}, params=where)
        assert (answer.status_code, answer.json()["tenant"]) == (200, tenant)
    assert len((await ask.get("/limits")).json()["items"]) == 2
    only = (await ask.get("/limits", params={"tenant": TENANT})).json()["items"]
    assert [one["requests"] for one in only] == [7]


@pytest.mark.parametrize("name", ["other", "service:shop", "service:A", "default%20"])
async def test_names_that_are_none(ask, name):
    assert (await ask.put(f"/limits/{name}", json={"requests": 5})).status_code == 422
    assert (await ask.get(f"/limits/{name}")).status_code == 404
