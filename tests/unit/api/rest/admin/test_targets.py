"""/services/{id}/targets."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from brain_gateway.api.rest.admin.cursors import slug
from tests.builders.admin import AdminApi

pytestmark = pytest.mark.anyio
ONE, TWO = "http://one.example:80", "http://[2001:db8::1]:9000"


@pytest.fixture
async def shop():
    async with AdminApi().as_("super_admin") as ask:
        made = await ask.post("/services", json={"name": "shop", "targets": [ONE]})
        yield ask, f"/services/{made.json()['id']}/targets"


async def test_targets_are_added_weighed_drained_and_removed(shop):
    ask, targets = shop
    made = await ask.post(targets, json={"url": TWO})
    assert made.status_code == 201
    assert made.json()["targets"] == [{"url": ONE}, {"url": TWO}]
    place = made.headers["location"].removeprefix("/api/v1")
    read = await ask.get(place)
    assert read.json() == {"id": TWO, "url": TWO}
    weighed = await ask.patch(place, json={"weight": 5}, headers={"If-Match": read.headers["etag"]})
    assert weighed.json()["targets"][1] == {"url": TWO, "weight": 5}
    drained = await ask.post(f"{targets}/{quote(TWO, safe='')}/drain")
    assert drained.json()["targets"][1] == {"url": TWO, "weight": 0}
    assert (await ask.delete(f"{targets}/{quote(TWO, safe='')}")).status_code == 204
    assert [one["id"] for one in (await ask.get(targets)).json()["items"]] == [ONE]


@pytest.mark.parametrize(
    "patch", [{}, {"weight": -1}, {"weight": 65_536}, {"weight": None}, {"url": TWO}, {"x": 1}]
)
async def test_nothing_but_the_weight_can_be_changed(shop, patch):
    ask, targets = shop
    expected = 200 if patch == {"weight": None} else 422
    assert (await ask.patch(f"{targets}/{slug(ONE)}", json=patch)).status_code == expected


async def test_a_target_that_registered_itself_says_until_when(shop):
    ask, targets = shop
    await ask.post("/instances", json={"service": "shop", "target": TWO, "ttl": "20s"})
    (_, leased) = (await ask.get(targets)).json()["items"]
    assert leased["expires_at"] == "2027-01-15T08:17:00.000Z"
    read = await ask.get(f"{targets}/{slug(TWO)}")
    same = await ask.get(f"{targets}/{slug(TWO)}", headers={"If-None-Match": read.headers["etag"]})
    assert same.status_code == 200


async def test_a_manager_drains_and_does_not_add():
    admin = AdminApi()
    async with admin.as_("tenant_admin") as ask, admin.as_("manager") as manager:
        made = await ask.post("/services", json={"name": "own", "targets": [ONE]})
        targets = f"/services/{made.json()['id']}/targets"
        assert (await manager.post(f"{targets}/{slug(ONE)}/drain")).status_code == 200
        assert (await manager.post(targets, json={"url": TWO})).status_code == 403
        assert (await manager.delete(f"{targets}/{slug(ONE)}")).status_code == 403
