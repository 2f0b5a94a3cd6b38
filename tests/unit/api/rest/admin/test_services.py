"""/services: register, read, change, deregister."""

from __future__ import annotations

import asyncio

import pytest

from brain_gateway.domain.routing.target_rule import TargetRule
from tests.builders.admin import AdminApi, problem
from tests.builders.gateway import OTHER_TENANT, TENANT

pytestmark = pytest.mark.anyio
SHOP = {
    "name": "shop",
    "targets": ["http://shop.example:9000"],
    "roles": ["client"],
    "limit": {"requests": 9},
}


@pytest.fixture
def admin():
    return AdminApi()


async def test_a_service_is_registered_read_and_deregistered(admin):
    async with admin.as_("super_admin") as ask:
        made = await ask.post("/services", json=SHOP)
        assert (made.status_code, made.headers["location"]) == (201, f"/api/v1/services/{made.json()['id']}")
        assert admin.committed == [1]
        place = made.headers["location"].removeprefix("/api/v1")
        read = await ask.get(place)
        assert read.json() == made.json()
        assert read.headers["etag"] == made.headers["etag"] == f'"{made.json()["id"]}.1"'
        assert (await ask.get("/services/name:shop")).json() == made.json()
        assert (await ask.delete(place)).status_code == 204
        assert (await ask.get(place)).status_code == 404


async def test_documents_are_sparse_and_in_one_order(admin):
    async with admin.as_("super_admin") as ask:
        made = (await ask.post("/services", json={"limit": {"requests": 9, "window": 60}, **SHOP})).json()
    assert list(made) == [
        "id", "name", "version", "owner", "created_at", "updated_at", "targets", "roles", "limit"
    ]  # fmt: skip
    assert made["targets"] == [{"url": "http://shop.example:9000"}]


async def test_of_two_registrations_of_one_name_one_wins(admin):
    async with admin.as_() as ask:
        answers = await asyncio.gather(*(ask.post("/services", json=SHOP) for _ in range(5)))
        assert sorted(one.status_code for one in answers) == [201, 409, 409, 409, 409]
    async with admin.as_("tenant_admin", OTHER_TENANT) as ask:
        assert (await ask.post("/services", json=SHOP)).status_code == 201


async def test_every_fault_is_told_at_once(admin):
    wrong = {**SHOP, "max_body": -1, "taget": [], "roles": ["x y"], "probe": {"interval": "soon"}}
    async with admin.as_() as ask:
        answer = await ask.post("/services", json=wrong)
    assert (answer.status_code, problem(answer)) == (422, "invalid-document")
    faults = answer.json()["errors"]
    assert [fault.partition(":")[0] for fault in sorted(faults)] == [
        "max_body", "probe.interval", "roles[0]", "taget"
    ]  # fmt: skip
    assert "did you mean targets?" in "".join(faults)


async def test_rules_over_several_members_are_told_with_their_place(admin):
    routes = [{"path": "/a", "public": True, "roles": ["client"]}, {"path": "/b"}, {"path": "/b"}]
    async with admin.as_() as ask:
        answer = await ask.post("/services", json={**SHOP, "strict": False, "routes": routes})
    told = " ".join(answer.json()["errors"])
    assert "routes[0].roles" in told
    assert "routes[2].path: ties with routes[1]" in told


async def test_a_tenants_service_lives_where_a_tenant_may_send_the_gateway():
    admin = AdminApi(rule=TargetRule())
    inner = {"name": "inner", "targets": ["http://10.0.0.1"]}
    found = {
        "name": "inner",
        "targets": ["http://198.51.100.1"],
        "discovery": {"name": "vault", "port": 8200},
    }
    async with admin.as_() as ask:
        for document in (inner, found):
            answer = await ask.post("/services", json=document)
            assert (answer.status_code, problem(answer)) == (403, "role-required")
    async with admin.as_("super_admin") as ask:
        assert (await ask.post("/services", json=inner, params={"tenant": TENANT})).status_code == 201


async def test_a_tenant_sees_global_services_that_it_can_call_but_not_where_they_are(admin):
    async with admin.as_("super_admin") as ask:
        await ask.post("/services", json=SHOP)
        hidden = await ask.post("/services", json={**SHOP, "name": "vault", "exposed": False})
        await ask.post(
            "/services", json={"name": "cellar", "kind": "internal", "targets": ["http://a.example"]}
        )
    async with admin.as_("client") as ask:
        (seen,) = (await ask.get("/services")).json()["items"]
        assert seen["name"] == "shop"
        assert "targets" not in seen
        assert "shop.example" not in (await ask.get(f"/services/{seen['id']}")).text
        assert (await ask.get(f"/services/{seen['id']}/targets")).status_code == 404
    async with admin.as_("tenant_admin") as ask:
        assert (await ask.delete(f"/services/{seen['id']}")).status_code == 403
        for place in (hidden.json()["id"], "name:vault", "name:cellar"):
            assert (await ask.get(f"/services/{place}")).status_code == 404
            assert (await ask.delete(f"/services/{place}")).status_code == 404


async def test_a_tenants_own_service_is_meant_by_its_name(admin):
    async with admin.as_("super_admin") as ask:
        await ask.post("/services", json=SHOP)
        own = (await ask.post("/services", json={**SHOP, "tenant": TENANT})).json()
        assert own["tenant"] == TENANT
        answer = await ask.post("/services", json={**SHOP, "tenant": TENANT}, params={"tenant": OTHER_TENANT})
        assert answer.status_code == 422
    async with admin.as_("client") as ask:
        assert (await ask.get("/services/name:shop")).json()["id"] == own["id"]


async def test_lists_are_filtered_and_paged(admin):
    async with admin.as_("super_admin") as ask:
        for name in ("shop", "shop-b", "shop-a", "zoo"):
            kind = "ai" if name == "zoo" else "backend"
            await ask.post("/services", json={**SHOP, "name": name, "kind": kind})

        async def names(**query):
            page = await ask.get("/services", params=query)
            return [item["name"] for item in page.json()["items"]]

        assert await names() == ["shop", "shop-a", "shop-b", "zoo"]
        assert await names(prefix="shop-") == ["shop-a", "shop-b"]
        assert await names(name="shop") == ["shop"]
        assert await names(name="sho") == []
        assert await names(kind="ai") == ["zoo"]
        assert await names(owner="gateway.yaml") == []
        first = await ask.get("/services", params={"limit": 3, "prefix": "sh"})
        assert "next" not in first.json()
        first = await ask.get("/services", params={"limit": 3})
        link = first.headers["link"]
        assert first.json()["next"] in link
        assert 'rel="next"' in link
        rest = await ask.get(link.partition(">")[0].removeprefix("</api/v1"))
        assert [item["name"] for item in rest.json()["items"]] == ["zoo"]
        assert "next" not in rest.json()
        assert "link" not in rest.headers


@pytest.mark.parametrize(
    "query", [{"limit": 0}, {"limit": 501}, {"limit": "x"}, {"cursor": "x"}, {"kind": "x"}]
)
async def test_wrong_parameters_are_refused(admin, query):
    async with admin.as_() as ask:
        answer = await ask.get("/services", params=query)
    assert (answer.status_code, problem(answer)) == (400, "malformed-request")


# Changes


@pytest.fixture
async def shop(admin):
    async with admin.as_("super_admin") as ask:
        made = await ask.post("/services", json=SHOP)
        yield ask, f"/services/{made.json()['id']}", made.headers["etag"]


async def patched(ask, place, patch, **headers):
    return await ask.patch(
        place, json=patch, headers={"Content-Type": "application/merge-patch+json", **headers}
    )


async def test_a_patch_changes_what_it_names(shop):
    ask, place, etag = shop
    answer = await patched(ask, place, {"limit": {"window": 10}, "prefix": "/v2"}, **{"If-Match": etag})
    assert answer.status_code == 200
    assert answer.json()["limit"] == {"requests": 9, "window": 10}
    assert answer.json()["prefix"] == "/v2"
    assert answer.json()["targets"] == [{"url": "http://shop.example:9000"}]
    assert answer.headers["etag"] != etag
    back = await patched(ask, place, {"limit": None, "prefix": None, "roles": None})
    assert not {"limit", "prefix", "roles"} & back.json().keys()


async def test_what_is_as_it_was_keeps_its_version(shop):
    ask, place, etag = shop
    assert (await patched(ask, place, {"roles": ["client"]})).headers["etag"] == etag
    assert (await patched(ask, place, {})).headers["etag"] == etag


async def test_what_was_read_can_be_sent_back(shop):
    ask, place, etag = shop
    read = (await ask.get(place)).json()
    answer = await ask.put(place, json=read, headers={"If-Match": etag})
    assert (answer.status_code, answer.headers["etag"], answer.json()) == (200, etag, read)
    less = {"targets": read["targets"]}
    assert "limit" not in (await ask.put(place, json=less)).json()
    assert (await ask.put(place, json={**less, "name": "other"})).status_code == 422


async def test_targets_stay_unless_the_patch_is_about_them(admin, shop):
    ask, place, _ = shop
    found = {"discovery": {"name": "shop.example", "port": 9000}}
    assert (await patched(ask, place, found)).json()["discovery"] == found["discovery"]
    assert "targets" not in (await ask.get(place)).json()
    assert (await patched(ask, place, {"max_body": 5})).json()["discovery"] == found["discovery"]
    kept = (await patched(ask, place, {"discovery": None})).json()
    assert kept["targets"] == [{"url": "http://shop.example:9000"}]
    moved = (await patched(ask, place, {"port": 9001})).json()
    assert moved["targets"] == [{"url": "http://shop:9001"}]
    assert (await patched(ask, place, {"targets": None})).status_code == 422


async def test_targets_that_registered_themselves_stay(shop):
    ask, place, _ = shop
    lease = {"service": "shop", "target": "http://shop-2.example"}
    assert (await ask.post("/instances", json=lease)).status_code == 201
    answer = await ask.put(place, json={"targets": ["http://shop-3.example"]})
    assert [one["url"] for one in answer.json()["targets"]] == [
        "http://shop-3.example:80",
        "http://shop-2.example:80",
    ]
    assert list(answer.json()["leases"]) == ["http://shop-2.example:80"]
    assert (await ask.get(place, headers={"If-None-Match": answer.headers["etag"]})).status_code == 200


async def test_a_service_that_has_instances_alone_can_be_patched(admin):
    async with admin.as_("super_admin") as ask:
        made = await ask.post("/instances", json={"service": "shop", "target": "http://a.example"})
        assert (await ask.delete(f"/instances/{made.json()['id']}")).status_code == 204
        answer = await patched(ask, f"/services/{made.json()['service_id']}", {"max_body": 5})
    assert (answer.status_code, answer.json()["targets"], answer.json()["max_body"]) == (200, [], 5)


async def test_limit_and_breaker_have_places_of_their_own(shop):
    ask, place, _ = shop
    assert (await ask.put(f"{place}/limit", json={"requests": 3})).json()["limit"]["requests"] == 3
    assert "limit" not in (await ask.delete(f"{place}/limit")).json()
    assert (await ask.put(f"{place}/breaker", json={"failures": 2})).json()["breaker"] == {"failures": 2}
    assert (await ask.put(f"{place}/breaker", json={"failures": 0})).status_code == 422


# Conditions


async def test_of_two_changes_of_one_version_one_wins(shop):
    ask, place, etag = shop
    answers = await asyncio.gather(
        *(patched(ask, place, {"max_body": size}, **{"If-Match": etag}) for size in (1, 2, 3))
    )
    assert sorted(one.status_code for one in answers) == [200, 412, 412]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_a_change_that_is_based_on_another_version_is_refused(shop, method):
    ask, place, etag = shop
    body = None if method == "DELETE" else {"targets": ["http://a.example"]}
    for tag in (etag.replace(".1", ".2"), '"forged"', "W/" + etag, "", f"{etag}x"[:-3]):
        answer = await ask.request(method, place, json=body, headers={"If-Match": tag})
        assert (answer.status_code, problem(answer)) == (412, "precondition-failed"), tag
    headers = {"If-Match": f'"other.1", {etag}'}
    assert (await ask.request(method, place, json=body, headers=headers)).is_success


async def test_what_is_known_is_not_sent_again(shop):
    ask, place, etag = shop
    answer = await ask.get(place, headers={"If-None-Match": f'W/"x", {etag}'})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
    assert (await ask.get(place, headers={"If-None-Match": '"x"'})).status_code == 200


async def test_the_faults_of_a_document_are_told_up_to_a_hundred(admin):
    endless = {**SHOP, "routes": [{"path": "/{a}"}] * 1000}
    unknown = {**SHOP, **{f"x{number}": 1 for number in range(1000)}}
    async with admin.as_() as ask:
        for document in (endless, unknown):
            told = (await ask.post("/services", json=document)).json()["errors"]
            assert len(told) == 101
            assert told[-1] == "and more: these are the first"


async def test_numbers_that_no_database_holds_are_refused(admin):
    async with admin.as_() as ask:
        for number in (2**53 + 1, 2**63, 10**30):
            answer = await ask.post("/services", json={**SHOP, "max_body": number})
            assert "max_body: must be at most" in answer.json()["detail"]


async def test_bounds_are_told_to_the_last_digit(admin):
    async with admin.as_("super_admin") as ask:
        answer = await ask.post("/services", json={**SHOP, "max_body": 2**60})
    assert answer.json()["errors"] == [f"max_body: must be at most {2**53}, not {2**60}"]
