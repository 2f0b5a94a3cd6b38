"""GET /events: who may listen, from where on, and until when."""

from __future__ import annotations

import json

import pytest

from tests.builders.admin import AdminApi, problem, token
from tests.builders.gateway import OTHER_TENANT, TENANT

pytestmark = pytest.mark.anyio


@pytest.fixture
async def admin():
    admin = AdminApi()
    admin.control.streams.poll = 0.001
    async with admin.as_("super_admin") as ask:
        for tenant_id in (TENANT, OTHER_TENANT):
            body = {"name": "shop", "targets": ["http://a.example"], "tenant": tenant_id}
            assert (await ask.post("/services", json=body)).status_code == 201
    return admin


class _Asked:
    """A truth that is worked out when it is asked for."""

    def __init__(self, answer) -> None:
        self._answer = answer

    def __bool__(self) -> bool:
        return self._answer()


async def heard(admin, role, tenant_id=TENANT, **query):
    looks = iter(range(3))
    admin.draining = _Asked(lambda: next(looks, None) is None)
    async with admin.as_(role, tenant_id) as ask:
        answer = await ask.get("/events", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    lines = [line for line in answer.text.split("\n") if line.startswith("data: ")]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


async def test_a_tenant_hears_what_happened_to_it(admin):
    found = await heard(admin, "manager", after="0")
    assert [(one["type"], one["tenant"]) for one in found] == [
        ("ServiceRegistered", TENANT),
        ("TargetAdded", TENANT),
    ]


async def test_the_platform_hears_all_or_one_tenants(admin):
    assert {one["tenant"] for one in await heard(admin, "super_admin", after="0")} == {TENANT, OTHER_TENANT}
    only = await heard(admin, "super_admin", after="0", tenant=OTHER_TENANT, types="TargetAdded")
    assert [(one["type"], one["tenant"]) for one in only] == [("TargetAdded", OTHER_TENANT)]


@pytest.mark.parametrize("role", ["super_admin", "tenant_admin", "manager"])
async def test_of_what_a_tenant_may_not_know_its_events_say_nothing(admin, role):
    """Whatever is done to a global service that is not offered: no name, no number, no address. Of one that is
    offered, what ListServices shows too."""
    hidden = {"name": "vault", "targets": ["http://10.9.8.7"], "exposed": False}
    inner = {"name": "innermost", "targets": ["http://10.9.8.6"], "kind": "internal"}
    offered = {"name": "crm", "targets": ["http://10.9.8.5"]}
    async with admin.as_("super_admin") as ask:
        for body in (hidden, inner, offered):
            assert (await ask.post("/services", json=body)).status_code == 201
            one = f"/services/name:{body['name']}"
            assert (await ask.put(f"{one}/limit", json={"requests": 5})).status_code == 200
            assert (await ask.post(f"{one}/routes", json={"path": "/a"})).status_code == 201
            target = {"url": "http://10.9.8.4:99"}
            assert (await ask.post(f"{one}/targets", json=target)).status_code == 201
            assert (await ask.delete(one)).status_code == 204
    found = await heard(admin, role, after="0", tenant=TENANT)
    said = json.dumps(found)
    assert not any(word in said for word in ("vault", "innermost", "10.9.8", "version", "proxied"))
    assert [one["type"] for one in found if one.get("service") == "crm"] == [
        "ServiceRegistered", "ServiceUpdated", "RouteRegistered", "ServiceDeregistered"
    ]  # fmt: skip
    assert {one.get("tenant") for one in found} == {TENANT, None}
    assert "vault" in json.dumps(await heard(admin, "super_admin", after="0")), "the platform hears of all"


async def test_a_service_is_heard_of_from_when_it_is_offered_until_it_is_not(admin):
    async with admin.as_("super_admin") as ask:
        body = {"name": "crm", "targets": ["http://a.example"], "exposed": False}
        assert (await ask.post("/services", json=body)).status_code == 201
        for exposed, limit in ((True, 5), (True, 6), (False, 7), (False, 8)):
            change = {"exposed": exposed, "limit": {"requests": limit}}
            assert (await ask.patch("/services/name:crm", json=change)).status_code == 200
    found = await heard(admin, "manager", after="0")
    assert [one["type"] for one in found if one["service"] == "crm"] == ["ServiceUpdated"] * 2


async def test_without_an_id_it_begins_now(admin):
    assert await heard(admin, "super_admin") == []
    assert await heard(admin, "super_admin", after="999999") == []


async def test_it_ends_with_the_credentials(admin):
    looks = iter(range(3))

    def look() -> bool:
        if next(looks, None) is None:
            admin.sessions.end_all(lambda principal: True)
        return False

    admin.draining = _Asked(look)
    async with admin.as_("manager") as ask:
        assert (await ask.get("/events")).status_code == 200


@pytest.mark.parametrize(
    "query", [{"after": "x"}, {"after": "-1"}, {"types": "Nothing"}, {"after": "9" * 19}]
)
async def test_what_cannot_be_resumed_is_refused(admin, query):
    async with admin.as_("manager") as ask:
        answer = await ask.get("/events", params=query)
    assert (answer.status_code, problem(answer)) == (400, "malformed-request")


@pytest.mark.parametrize("role", ["client", "service_registrar", "other"])
async def test_others_do_not_listen(admin, role):
    async with admin.as_(role) as ask:
        assert (await ask.get("/events")).status_code == 403


async def test_one_caller_has_so_many_streams(admin):
    admin.control.streams.open[f"{TENANT}/manager-of-{TENANT[:4]}"] = 20
    async with admin.client({"Authorization": f"Bearer {token('manager')}"}) as ask:
        answer = await ask.get("/events")
    assert (answer.status_code, problem(answer)) == (429, "rate-limit-exceeded")
