"""What every request has in common: request ids, identity, idempotency, limits."""

from __future__ import annotations

import asyncio

import pytest

from brain_gateway.domain.resilience.rate_limit import LimitClasses, RateLimit
from tests.builders.admin import AdminApi, problem, token
from tests.builders.gateway import OTHER_TENANT, TENANT, principal

pytestmark = pytest.mark.anyio
SHOP = {"name": "shop", "targets": ["http://shop.example:9000"]}


@pytest.fixture
def admin():
    return AdminApi()


# Idempotency


async def test_a_post_that_comes_again_is_answered_as_before(admin):
    headers = {"Idempotency-Key": "once"}
    async with admin.as_() as ask:
        first = await ask.post("/services", json=SHOP, headers=headers)
        again = await ask.post("/services", json=SHOP, headers={"Idempotency-Key": '"once"'})
        assert (await ask.get("/services")).json()["items"] == [first.json()]
    assert (again.status_code, again.json()) == (201, first.json())
    assert (again.headers["etag"], again.headers["location"]) == (
        first.headers["etag"],
        first.headers["location"],
    )
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert admin.committed == [1]


async def test_a_key_is_for_one_request(admin):
    headers = {"Idempotency-Key": "once"}
    async with admin.as_() as ask:
        await ask.post("/services", json=SHOP, headers=headers)
        answer = await ask.post("/services", json={**SHOP, "max_body": 1}, headers=headers)
        assert (answer.status_code, problem(answer)) == (422, "invalid-document")
        answer = await ask.post("/keys", json={"user": "u"}, headers=headers)
        assert answer.status_code == 422


async def test_a_key_is_of_one_caller(admin):
    headers = {"Idempotency-Key": "once"}
    async with admin.as_() as ask, admin.as_("tenant_admin", OTHER_TENANT) as other:
        assert (await ask.post("/services", json=SHOP, headers=headers)).status_code == 201
        answer = await other.post("/services", json=SHOP, headers=headers)
    assert answer.status_code == 201
    assert "idempotency-replayed" not in answer.headers


async def test_of_requests_with_one_key_at_once_one_does_it(admin):
    headers = {"Idempotency-Key": "once"}
    async with admin.as_() as ask:
        answers = await asyncio.gather(
            *(ask.post("/keys", json={"user": "u"}, headers=headers) for _ in range(5))
        )
        assert len((await ask.get("/keys")).json()["items"]) == 1
    assert {one.status_code for one in answers} <= {201, 409}
    assert sum("key" in one.json() for one in answers) == 1


async def test_what_failed_may_be_tried_again_under_its_key(admin):
    headers = {"Idempotency-Key": "once"}
    admin.store.away = True
    async with admin.as_() as ask:
        assert (await ask.post("/services", json=SHOP, headers=headers)).status_code == 503
        admin.store.away = False
        assert (await ask.post("/services", json=SHOP, headers=headers)).status_code == 201


async def test_the_key_of_an_issued_key_is_not_kept(admin):
    headers = {"Idempotency-Key": "once"}
    async with admin.as_() as ask:
        first = (await ask.post("/keys", json={"user": "u"}, headers=headers)).json()
        again = (await ask.post("/keys", json={"user": "u"}, headers=headers)).json()
    assert first["key"].startswith(first["prefix"])
    assert "key" not in again
    assert "shown" in again["note"]
    assert first["key"] not in repr(admin.store.state)


@pytest.mark.parametrize("key", ["", " ", "a b", "é".encode(), "x" * 256, '"'])
async def test_a_key_that_is_none_is_refused(admin, key):
    async with admin.as_() as ask:
        answer = await ask.post("/services", json=SHOP, headers={"Idempotency-Key": key})
    assert answer.status_code == 400


# Who asks


async def test_a_token_or_a_key_decides_not_both(admin):
    admin.keys.keys[b"bgk_manager"] = principal(TENANT, "manager", scheme="api_key")
    async with admin.client({"X-API-Key": "bgk_manager"}) as ask:
        assert (await ask.get("/services")).status_code == 200
        both = await ask.get("/services", headers={"Authorization": f"Bearer {token('manager')}"})
    assert (both.status_code, problem(both)) == (401, "credentials-invalid")


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({}, "credentials-missing"),
        ({"Authorization": "Basic dTpw"}, "credentials-missing"),
        ({"X-Tenant-ID": TENANT}, "credentials-missing"),
        ({"Authorization": "Bearer unknown"}, "credentials-invalid"),
        ({"X-API-Key": "bgk_unknown"}, "credentials-invalid"),
    ],
)
async def test_wrong_credentials(admin, headers, name):
    async with admin.client(headers) as ask:
        answer = await ask.get("/services")
    assert (answer.status_code, problem(answer)) == (401, name)
    assert "www-authenticate" in answer.headers


async def test_a_token_whose_keys_must_be_fetched_is_awaited(admin):
    admin.tokens.arriving[b"new"] = principal(TENANT, "client")
    async with admin.client({"Authorization": "Bearer new"}) as ask:
        assert (await ask.get("/services")).status_code == 200
    assert admin.tokens.resolved == [b"new"]


async def test_the_tenant_header_may_only_agree(admin):
    async with admin.as_("client") as ask:
        assert (await ask.get("/services", headers={"X-Tenant-ID": TENANT.upper()})).status_code == 200
        answer = await ask.get("/services", headers={"X-Tenant-ID": OTHER_TENANT})
    assert (answer.status_code, problem(answer)) == (403, "tenant-mismatch")


async def test_callers_have_a_share():
    admin = AdminApi(classes=LimitClasses(default=RateLimit(2, 60.0), admin=RateLimit(3, 60.0)))
    async with admin.as_("client") as ask, admin.as_("tenant_admin") as boss:
        assert [(await ask.get("/services")).status_code for _ in range(3)] == [200, 200, 429]
        answer = await ask.get("/services")
        assert (answer.headers["retry-after"], answer.headers["ratelimit"]) == ("60", '"default";r=0;t=60')
        assert [(await boss.get("/services")).status_code for _ in range(4)] == [200, 200, 200, 429]
        admin.clock.tick(60)
        assert (await ask.get("/services")).status_code == 200


# Request ids


async def test_a_request_id_is_echoed_told_and_audited(admin):
    async with admin.as_() as ask:
        answer = await ask.post("/services", json=SHOP, headers={"X-Request-ID": "r-1"})
        assert answer.headers["x-request-id"] == "r-1"
        wrong = await ask.post("/services", json=SHOP, headers={"X-Request-ID": "r-2"})
        assert (wrong.status_code, wrong.json()["request_id"], wrong.headers["x-request-id"]) == (
            409,
            "r-2",
            "r-2",
        )
        (entry,) = (await ask.get("/audit")).json()["items"]
    assert entry["request_id"] == "r-1"


@pytest.mark.parametrize("given", ["", "a b", "x" * 129])
async def test_what_is_no_request_id_is_replaced(admin, given):
    async with admin.as_() as ask:
        answer = await ask.get("/services", headers={"X-Request-ID": given})
    assert answer.headers["x-request-id"].isalnum()


async def test_answers_are_for_their_caller_alone(admin):
    async with admin.as_() as ask:
        answer = await ask.get("/services")
        assert (answer.headers["cache-control"], answer.headers["vary"]) == (
            "private, no-cache",
            "Authorization, X-API-Key",
        )
        issued = await ask.post("/keys", json={"user": "u"})
        assert issued.headers["cache-control"] == "no-store"
