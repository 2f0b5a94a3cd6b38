"""/integrations: the catalogue, what is set up, and credentials that go in and never come out."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from brain_gateway.application.ports.secrets import SecretsStatus
from brain_gateway.infrastructure.catalogue.integration_catalogue import IntegrationCatalogue
from tests.builders.admin import AdminApi, application, problem
from tests.builders.gateway import OTHER_TENANT, TENANT

pytestmark = pytest.mark.anyio
VALUE = "sk_test_neverseen"
GOOD = {"credentials": {"secret_key": VALUE}}
PAY = "/integrations/pay"


@pytest.fixture
def admin():
    return AdminApi()


async def test_the_catalogue_is_for_whoever_may_read(admin):
    for role in ("super_admin", "tenant_admin", "manager"):
        async with admin.as_(role) as ask:
            (entry,) = (await ask.get("/integrations/catalogue")).json()["items"]
            assert (await ask.get("/integrations/catalogue/pay")).json() == entry
    assert entry["variants"] == [
        {
            "name": "default",
            "scheme": "bearer",
            "fields": [
                {
                    "name": "secret_key",
                    "required": True,
                    "secret": True,
                    "pattern": "sk_(test|live)_[a-z0-9]{4,}",
                    "description": "sk_ and more",
                },
                {"name": "webhook_secret", "required": False, "secret": True},
            ],
        }
    ]
    assert (entry["agents"], entry["rate_limit"]) == (4, {"requests": 60, "window": 60})
    async with admin.as_("manager") as ask:
        assert (await ask.get("/integrations/catalogue?category=ecommerce")).json() == {"items": []}
        assert (await ask.get("/integrations/catalogue?category=other")).status_code == 400
        assert (await ask.get("/integrations/catalogue/other")).status_code == 404
    async with admin.as_("client") as ask:
        assert (await ask.get("/integrations/catalogue")).status_code == 403


async def test_from_activation_to_removal(admin):
    async with admin.as_() as ask:
        assert (await ask.get(PAY)).status_code == 404
        made = await ask.post(f"{PAY}/activate", json=GOOD)
        document = made.json()
        changed_at = document["credentials"].pop("changed_at")
        assert changed_at.endswith("Z")
        assert document == {
            "id": document["id"],
            "name": "pay",
            "tenant": TENANT,
            "category": "business_ops",
            "active": True,
            "rate_limit": {"requests": 60, "window": 60},
            "retries": 3,
            "health": "unknown",
            "credentials": {"variant": "default", "fields": ["secret_key"]},
            "version": 1,
        }
        assert made.headers["etag"] == f'"{document["id"]}.1"'
        read = await ask.get(PAY)
        assert read.json() == made.json()
        assert (await ask.get("/integrations")).json() == {"items": [made.json()]}
        known = await ask.get(PAY, headers={"If-None-Match": made.headers["etag"]})
        assert known.status_code == 304
        off = (await ask.post(f"{PAY}/deactivate")).json()
        assert (off["active"], off["credentials"]["fields"]) == (False, ["secret_key"])
        on = (await ask.post(f"{PAY}/activate", json={})).json()
        assert (on["active"], on["credentials"]["changed_at"]) == (True, changed_at)
        off = (await ask.post(f"{PAY}/deactivate?forget=true")).json()
        assert (off["active"], off.get("credentials")) == (False, None)
        assert admin.secrets.stored == {}
        assert (await ask.delete(PAY)).status_code == 204
        assert (await ask.get(PAY)).status_code == 404


async def test_limits_and_retries(admin):
    async with admin.as_() as ask:
        made = await ask.put(PAY, json={"rate_limit": {"requests": 5}}, headers={"If-None-Match": "*"})
        assert (made.json()["rate_limit"], made.json()["active"]) == ({"requests": 5, "window": 60}, False)
        again = await ask.put(PAY, json={}, headers={"If-None-Match": "*"})
        assert (again.status_code, problem(again)) == (412, "precondition-failed")
        patched = await ask.patch(PAY, json={"rate_limit": {"window": "1s", "burst": 2}, "retries": 0})
        assert patched.json()["rate_limit"] == {"requests": 5, "window": 1, "burst": 2}
        assert patched.json()["retries"] == 0
        back = (await ask.patch(PAY, json={"rate_limit": None, "retries": None})).json()
        assert (back["rate_limit"], back["retries"]) == ({"requests": 60, "window": 60}, 3)
        sent_back = await ask.put(PAY, json=back)
        assert sent_back.json() == back
        for wrong in ({"retries": 10}, {"retries": -1}, {"rate_limit": {"requests": 0}}, {"active": 7}):
            for ask_for in (ask.put, ask.patch):
                answer = await ask_for(PAY, json=wrong)
                assert (answer.status_code, problem(answer)) == (422, "invalid-document"), wrong
        assert (await ask.put("/integrations/other", json={})).status_code == 404
        assert (await ask.patch("/integrations/other", json={})).status_code == 404


async def test_versions(admin):
    async with admin.as_() as ask:
        first = (await ask.post(f"{PAY}/activate", json=GOOD)).headers["etag"]
        second = await ask.patch(PAY, json={"retries": 1}, headers={"If-Match": first})
        assert second.status_code == 200
        for answer in (
            await ask.patch(PAY, json={"retries": 2}, headers={"If-Match": first}),
            await ask.put(PAY, json={}, headers={"If-Match": first}),
            await ask.post(f"{PAY}/activate", json=GOOD, headers={"If-Match": first}),
            await ask.post(f"{PAY}/activate", json=GOOD, headers={"If-None-Match": "*"}),
            await ask.post(f"{PAY}/deactivate", headers={"If-Match": first}),
            await ask.delete(PAY, headers={"If-Match": first}),
            await ask.delete("/integrations/none", headers={"If-Match": first}),
        ):
            assert (answer.status_code, problem(answer)) == (412, "precondition-failed")
        both = f"{first}, {second.headers['etag']}"
        assert (await ask.delete(PAY, headers={"If-Match": both})).status_code == 204


async def test_every_fault_is_told_by_field_and_no_value(admin):
    wrong: list[tuple[Any, list[str]]] = [
        ({"secret_key": "neverseen"}, ["credentials: secret_key: does not look like one (sk_ and more)"]),
        ({"secret_key": "", "webhook_secret": " "}, [
            "credentials: secret_key: is empty",
            "credentials: webhook_secret: has spaces around it, line breaks or control characters",
        ]),
        ({"neverseen": "x"}, [
            "credentials: secret_key: is missing",
            "credentials: unknown fields: known are secret_key, webhook_secret",
        ]),
        ({"secret_key": 5}, ["credentials: must be an object with a text for each field"]),
        ("neverseen", ["credentials: must be an object with a text for each field"]),
        (["neverseen"], ["credentials: must be an object with a text for each field"]),
        ({"neverseen": ["neverseen"]}, ["credentials: must be an object with a text for each field"]),
    ]  # fmt: skip
    async with admin.as_() as ask:
        for credentials, faults in wrong:
            answer = await ask.post(f"{PAY}/activate", json={"credentials": credentials})
            assert (answer.status_code, answer.json()["errors"]) == (422, faults)
            assert "neverseen" not in answer.text
        answer = await ask.post(f"{PAY}/activate", json={**GOOD, "variant": "neverseen"})
        assert answer.json()["errors"] == ["variant: must be one of default"]
        answer = await ask.post(f"{PAY}/activate", json={"secret_key": "neverseen"})
        assert (answer.status_code, "neverseen" in answer.text) == (422, False)


async def test_a_credential_is_nowhere_but_in_the_store_of_secrets(admin, caplog):
    caplog.set_level(0)
    said = []
    async with admin.as_() as ask:
        for key in ("k-1", "k-1", "k-2"):
            answer = await ask.post(f"{PAY}/activate", json=GOOD, headers={"Idempotency-Key": key})
            assert answer.status_code == 200
            said.append(answer.text)
        said.append((await ask.get("/audit?limit=100")).text)
        said.append((await ask.get(PAY)).text)
    said += [repr(admin.store.state), caplog.text]
    assert not [text for text in said if VALUE in text]
    ((path, kept),) = admin.secrets.stored.items()
    assert (path.tenant_id, kept["secret_key"].reveal()) == (TENANT, VALUE)


async def test_under_a_key_it_is_done_once(admin):
    async with admin.as_() as ask:
        key = {"Idempotency-Key": "k-1"}
        first = await ask.post(f"{PAY}/activate", json=GOOD, headers=key)
        again = await ask.post(f"{PAY}/activate", json=GOOD, headers=key)
        assert (again.json(), again.headers["idempotency-replayed"]) == (first.json(), "true")
        other = {"credentials": {"secret_key": "sk_test_other"}}
        answer = await ask.post(f"{PAY}/activate", json=other, headers=key)
        assert (answer.status_code, problem(answer)) == (422, "invalid-document")
        off = await ask.post(f"{PAY}/deactivate", headers={"Idempotency-Key": "k-2"})
        assert (await ask.post(f"{PAY}/deactivate", headers={"Idempotency-Key": "k-2"})).json() == off.json()
    (kept,) = admin.secrets.stored.values()
    assert kept["secret_key"].reveal() == VALUE


async def test_what_is_kept_with_a_key_is_no_plain_hash_of_the_request(admin):
    """Two gateways, the same request: its fingerprint goes by the key, too."""
    prints = []
    for key in ("k-1", "k-2"):
        other = AdminApi()
        async with other.as_() as ask:
            await ask.post(f"{PAY}/activate", json=GOOD, headers={"Idempotency-Key": key})
        ((_, record),) = other.store.state.idempotency.values()
        prints.append(record.fingerprint)
    assert len(set(prints)) == 2


async def test_the_store_of_secrets_is_away(admin):
    admin.secrets.status, admin.secrets.detail = SecretsStatus.SEALED, "Vault is sealed: unseal it"
    async with admin.as_() as ask:
        answer = await ask.post(f"{PAY}/activate", json=GOOD)
        assert (answer.status_code, problem(answer)) == (503, "secrets-unavailable")
        assert "Vault" not in answer.text
        assert (await ask.get(PAY)).status_code == 404
    async with admin.as_("super_admin") as ask:
        answer = await ask.post(f"{PAY}/activate", json=GOOD, params={"tenant": TENANT})
        assert answer.json()["detail"] == "Vault is sealed: unseal it"
        assert (await ask.put(PAY, json={}, params={"tenant": TENANT})).status_code == 200


async def test_a_super_admin_names_the_tenant(admin):
    async with admin.as_("super_admin") as ask:
        for answer in (
            await ask.get("/integrations"),
            await ask.get(PAY),
            await ask.post(f"{PAY}/activate", json=GOOD),
            await ask.put(PAY, json={}),
            await ask.delete(PAY),
        ):
            assert (answer.status_code, problem(answer)) == (422, "invalid-document")
        whose = {"params": {"tenant": OTHER_TENANT}}
        made = await ask.post(f"{PAY}/activate", json=GOOD, **whose)
        assert made.json()["tenant"] == OTHER_TENANT
        in_body = await ask.post(f"{PAY}/activate", json={**GOOD, "tenant": TENANT})
        assert in_body.json()["tenant"] == TENANT
    async with admin.as_("manager", OTHER_TENANT) as ask:
        assert (await ask.get(PAY)).json() == made.json()
        assert (await ask.post(f"{PAY}/deactivate")).status_code == 403
    assert {path.tenant_id for path in admin.secrets.stored} == {TENANT, OTHER_TENANT}


async def test_a_page_of_them(admin):
    async with admin.as_() as ask:
        await ask.put(PAY, json={})
        page = (await ask.get("/integrations?limit=1")).json()
        assert [item["name"] for item in page["items"]] == ["pay"]
        assert "next" not in page
        assert (await ask.get("/integrations?cursor=nonsense")).status_code == 400


async def test_health_of_the_store_of_secrets_is_for_the_gateways_operator():
    admin = AdminApi(gateway_health=lambda: {"secrets": {"status": "sealed", "detail": "Vault is sealed"}})
    async with admin.as_("super_admin") as ask:
        found = (await ask.get("/health")).json()
        assert found["gateway"] == {"secrets": {"status": "sealed", "detail": "Vault is sealed"}}
    async with admin.as_("tenant_admin") as ask:
        assert "gateway" not in (await ask.get("/health")).json()


def test_the_description_shows_no_credential_going_out(admin):
    schemas = application().openapi()["components"]["schemas"]
    assert schemas["Activation"]["properties"]["credentials"]["anyOf"][0]["writeOnly"]
    assert "credentials" in schemas["IntegrationAnswer"]["properties"]
    assert "secret_key" not in json.dumps(schemas["IntegrationAnswer"])


def test_no_integration_is_called_like_the_catalogue():
    """/integrations/catalogue is another thing than /integrations/{integration}."""
    assert "catalogue" not in IntegrationCatalogue().names()


async def test_every_entry_of_the_packaged_catalogue_can_be_shown_and_its_faults_too(admin):
    catalogue = IntegrationCatalogue()
    admin.catalogue.entries = {entry.name: entry for entry in catalogue.all()}
    async with admin.as_() as ask:
        items = (await ask.get("/integrations/catalogue")).json()["items"]
        assert [item["name"] for item in items] == list(catalogue.names())
        for item in items:
            jsonschema.validate(item, admin_schema(admin, "CatalogueEntryAnswer"))
            needed = {
                field["name"]
                for variant in item["variants"]
                for field in variant["fields"]
                if field["required"]
            }
            answer = await ask.post(f"/integrations/{item['name']}/activate", json={"credentials": {}})
            faults = answer.json().get("errors", [])
            assert {fault.split(": ")[1] for fault in faults} <= needed
            assert answer.status_code == (422 if faults else 200)
    assert admin.secrets.stored == {}


def admin_schema(admin: AdminApi, name: str) -> dict[str, Any]:
    components = application().openapi()["components"]
    return {**components["schemas"][name], "components": components}
