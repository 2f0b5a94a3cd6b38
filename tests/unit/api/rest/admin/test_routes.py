"""/services/{id}/routes and /targets."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from brain_gateway.api.rest.admin.cursors import slug
from tests.builders.admin import AdminApi, problem

pytestmark = pytest.mark.anyio
SHOP = {
    "name": "shop",
    "targets": ["http://shop.example:9000"],
    "routes": [{"path": "/items/{id:int}", "methods": ["GET"]}],
}
ID = "GET /items/{id:int}"


@pytest.fixture
async def shop():
    async with AdminApi().as_("super_admin") as ask:
        made = await ask.post("/services", json=SHOP)
        yield ask, f"/services/{made.json()['id']}/routes"


async def test_routes_are_added_read_replaced_and_removed(shop):
    ask, routes = shop
    made = await ask.post(routes, json={"path": "/open", "public": True})
    assert (made.status_code, made.json()) == (201, {"id": "* /open", "path": "/open", "public": True})
    place = made.headers["location"].removeprefix("/api/v1")
    assert place == f"{routes}/{slug('* /open')}"
    read = await ask.get(place)
    assert (read.json(), read.headers["etag"]) == (made.json(), made.headers["etag"])
    changed = await ask.put(
        place, json={**read.json(), "methods": ["PUT"]}, headers={"If-Match": read.headers["etag"]}
    )
    assert changed.json()["id"] == "PUT /open"
    assert [one["id"] for one in (await ask.get(routes)).json()["items"]] == [ID, "PUT /open"]
    assert (await ask.delete(place)).status_code == 404
    assert (await ask.delete(f"{routes}/{slug('PUT /open')}")).status_code == 204


@pytest.mark.parametrize("name", [quote(ID, safe=""), quote(ID, safe="/"), slug(ID)])
async def test_a_route_has_two_spellings(shop, name):
    ask, routes = shop
    assert (await ask.get(f"{routes}/{name}")).json()["id"] == ID


async def test_a_route_that_ties_is_a_conflict(shop):
    ask, routes = shop
    answer = await ask.post(routes, json={"path": "/items/{n:int}"})
    assert (answer.status_code, problem(answer)) == (409, "conflict")
    answer = await ask.post(routes, json={"path": "/x", "public": True, "roles": ["client"]})
    assert (answer.status_code, problem(answer)) == (422, "invalid-document")


async def test_a_change_that_is_based_on_another_version_is_refused(shop):
    ask, routes = shop
    etag = (await ask.get(f"{routes}/{slug(ID)}")).headers["etag"]
    await ask.post(routes, json={"path": "/open"})
    for method, body in (("PUT", {"path": "/b"}), ("DELETE", None)):
        answer = await ask.request(method, f"{routes}/{slug(ID)}", json=body, headers={"If-Match": etag})
        assert answer.status_code == 412
