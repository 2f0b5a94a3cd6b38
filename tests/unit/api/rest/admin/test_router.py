"""The whole API: every endpoint as every role against what is another tenant's, and its description.

Endpoints are found by reflection, so that one that is added is attacked too: it must be told what to send (BODIES).
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote

import httpx
import jsonschema
import pytest

from brain_gateway.api.problems import MEDIA_TYPE
from tests.builders.admin import AdminApi, application, problem
from tests.builders.gateway import OTHER_TENANT, TENANT

pytestmark = pytest.mark.anyio

PLANTED = "planted"
ORIGIN = "http://planted.example:9000"
NO_ID = "99999999-9999-4999-8999-999999999999"
BODIES: dict[str, Any] = {
    "register_service": {"name": "mine", "targets": ["http://198.51.100.9"]},
    "replace_service": {"targets": ["http://198.51.100.9"]},
    "patch_service": {"max_body": 7},
    "set_service_limit": {"requests": 7},
    "set_service_breaker": {"failures": 7},
    "add_route": {"path": "/more"},
    "replace_route": {"path": "/planted"},
    "add_target": {"url": "http://198.51.100.10"},
    "patch_target": {"weight": 7},
    "register_instance": {"service": "mine", "target": "http://198.51.100.9"},
    "renew_instance": {"ttl": 30},
    "register_tenant": {"name": "Another"},
    "patch_tenant": {"name": "Another"},
    "issue_key": {"user": "u-9"},
    "set_limit": {"requests": 7},
    "plan_configuration": {"owner": "me", "document": {"packaged_services": False}},
    "apply_configuration": {"owner": "me", "document": {"packaged_services": False}},
    "purge_cache": {},
    "put_integration": {"retries": 7},
    "patch_integration": {"retries": 7},
    "activate_integration": {"credentials": {"secret_key": "sk_live_mine"}},
}
DOCUMENT = application().openapi()
OWN_NAMES = ("/limits/{name}", "/integrations/")  # names that each tenant has for its own
OPERATIONS = [
    (method.upper(), path.removeprefix("/api/v1"), operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]
NAMES = [operation["operationId"] for _, _, operation in OPERATIONS]


def lower_roles(described: dict[str, Any]) -> list[str]:
    """Those that go no further than their tenant; a registrar registers for any."""
    own = ["tenant_admin", "manager", "client", "other"]
    return own if described["operationId"].endswith("_instance") else [*own, "service_registrar"]


def asked(
    method: str, path: str, operation: dict[str, Any], ids: dict[str, str], **query: str
) -> dict[str, Any]:
    """A request to an endpoint about things with these ids."""
    filled = re.sub(r"{(\w+)}", lambda found: quote(ids[found[1]], safe=""), path)
    body = BODIES.get(operation["operationId"])
    assert (body is not None) == ("requestBody" in operation), f"BODIES: {operation['operationId']}"
    kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
    more = {} if body is None else {"content": json.dumps(body), "headers": {"Content-Type": kind}}
    return {"method": method, "url": filled, "params": query, **more}


class Victim:
    """OTHER_TENANT's things, planted by a super_admin; what must not show has PLANTED in its name."""

    def __init__(self) -> None:
        self.admin = AdminApi()
        self.admin.draining = True  # streams of events end at once
        self.ids: dict[str, str] = {}

    async def again(self) -> Victim:
        """As it was planted; planting takes longer than what is tested."""
        admin = self.admin
        if not self.ids:
            await self._plant()
            self._planted = admin.store.state.copy()
        admin.store.state, admin.store.away = self._planted.copy(), False
        admin.refused.clear()
        return self

    async def _plant(self) -> None:
        async with self.admin.as_("super_admin") as ask:
            for tenant_id, name in ((TENANT, "Mine"), (OTHER_TENANT, PLANTED)):
                made = await ask.post("/tenants", json={"id": tenant_id, "name": name})
                assert made.status_code == 201
            self.ids = await self._things(ask)

    async def _things(self, ask: httpx.AsyncClient) -> dict[str, str]:
        whose = {"params": {"tenant": OTHER_TENANT}}
        service = {
            "name": PLANTED,
            "targets": [ORIGIN],
            "routes": [{"path": "/planted", "methods": ["GET"]}],
        }
        made = (await ask.post("/services", json=service, **whose)).json()
        key = (await ask.post("/keys", json={"user": PLANTED, "roles": ["client"]}, **whose)).json()
        await ask.put("/limits/default", json={"requests": 77}, **whose)
        lease = {"service": PLANTED, "target": "http://planted-lease.example"}
        instance = (await ask.post("/instances", json=lease, **whose)).json()
        handed = {"credentials": {"secret_key": f"sk_test_{PLANTED}"}}
        assert (await ask.post("/integrations/pay/activate", json=handed, **whose)).status_code == 200
        return {
            "service_id": made["id"],
            "route_id": "GET /planted",
            "target_id": ORIGIN,
            "tenant_id": OTHER_TENANT,
            "key_id": key["id"],
            "lease_id": instance["id"],
            "name": "default",
            "integration": "pay",
            "entry": "pay",
        }

    def secrets(self) -> Any:
        """Those of OTHER_TENANT."""
        kept = self.admin.secrets.stored
        return {path: kept[path].version for path in kept if path.tenant_id == OTHER_TENANT}

    def state(self) -> Any:
        """All rows of OTHER_TENANT."""
        state = self.admin.store.state
        return [
            {id_: row for id_, row in rows.items() if OTHER_TENANT in (row.id, getattr(row, "tenant_id", ""))}
            for rows in (state.services, state.tenants, state.api_keys, state.limits, state.integrations)
        ] + [state.audit.get(OTHER_TENANT), self.secrets()]


VICTIM = Victim()


@pytest.fixture
async def victim():
    return await VICTIM.again()


def telling(answer: httpx.Response) -> tuple[int, Any]:
    """What an answer tells, but for its request id."""
    document = answer.json()
    document.pop("request_id")
    return answer.status_code, document


@pytest.mark.parametrize("operation", OPERATIONS, ids=NAMES)
async def test_another_tenants_things_are_not_there(victim, operation):
    method, path, described = operation
    before = victim.state()
    nothing = {**dict.fromkeys(victim.ids, NO_ID), "route_id": "GET /none", "name": "agents"}
    nothing["target_id"] = "http://none.example"
    for role in lower_roles(described):
        async with victim.admin.as_(role) as ask:
            found = await ask.request(**asked(method, path, described, victim.ids))
            assert PLANTED not in found.text
            if "{" in path and not path.startswith(OWN_NAMES):
                missed = await ask.request(**asked(method, path, described, nothing))
                assert telling(found) == telling(missed)
                assert found.status_code in (403, 404)
        assert victim.state() == before


@pytest.mark.parametrize("operation", OPERATIONS, ids=NAMES)
async def test_nobody_asks_for_another_tenant_by_naming_it(victim, operation):
    method, path, described = operation
    if not any(one["name"] == "tenant" for one in described.get("parameters", ())):
        pytest.skip("no tenant can be named")
    before = victim.state()
    for role in lower_roles(described):
        async with victim.admin.as_(role) as ask:
            found = await ask.request(**asked(method, path, described, victim.ids, tenant=OTHER_TENANT))
            missed = await ask.request(**asked(method, path, described, victim.ids, tenant=NO_ID))
        assert found.status_code in (403, 404)
        assert telling(found) == telling(missed)
        assert PLANTED not in found.text
    assert victim.state() == before


@pytest.mark.parametrize("operation", OPERATIONS, ids=NAMES)
async def test_nobody_gets_in_without_credentials(victim, operation):
    method, path, described = operation
    before = victim.state()
    async with victim.admin.client() as ask:
        answer = await ask.request(**asked(method, path, described, victim.ids))
        assert (answer.status_code, problem(answer)) == (401, "credentials-missing")
        assert "www-authenticate" in answer.headers
    assert victim.state() == before


@pytest.mark.parametrize("operation", OPERATIONS, ids=NAMES)
async def test_a_suspended_tenant_is_refused_everywhere(victim, operation):
    method, path, described = operation
    victim.admin.refused.add(OTHER_TENANT)
    async with victim.admin.as_("tenant_admin", OTHER_TENANT) as ask:
        answer = await ask.request(**asked(method, path, described, victim.ids))
    assert (answer.status_code, problem(answer)) == (403, "tenant-suspended")


@pytest.mark.parametrize("operation", OPERATIONS, ids=NAMES)
async def test_while_the_store_is_away_nothing_is_done_and_it_is_said(victim, operation):
    method, path, described = operation
    if described["operationId"] in ("get_health", "list_catalogue", "get_catalogue_entry"):
        pytest.skip("from memory")
    victim.admin.store.away = True
    names = {one["name"] for one in described.get("parameters", ())}
    whose = {"tenant": OTHER_TENANT} if "tenant" in names else {}
    async with victim.admin.as_("super_admin") as ask:
        answer = await ask.request(**asked(method, path, described, victim.ids, **whose))
    assert (answer.status_code, problem(answer)) == (503, "store-unavailable")
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize("operation", OPERATIONS, ids=NAMES)
async def test_parameters_that_are_not_known_are_refused(victim, operation):
    method, path, described = operation
    async with victim.admin.as_("super_admin") as ask:
        answer = await ask.request(**asked(method, path, described, victim.ids, tenat=TENANT))
    assert (answer.status_code, problem(answer)) == (400, "malformed-request")
    assert "'tenat'" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("limit=0", 'query.limit: must be at least 1, not "0"'),
        ("owner=a%00", "query: owner has a NUL in it"),
        ("limit=x", 'query.limit: must be a whole number, not "x"'),
        (f"tenant={TENANT.upper()}", f'query.tenant: must be written in lower case, not "{TENANT.upper()}"'),
        ("kind=none", 'query.kind: must be one of ai, backend, infrastructure, internal, not "none"'),
    ],
)
async def test_faults_of_parameters_are_told_as_those_of_documents(victim, query, told):
    async with victim.admin.as_("super_admin") as ask:
        answer = await ask.get(f"/services?{query}")
    assert (answer.status_code, answer.json()["detail"]) == (400, told)


BROKEN = [
    (b"{", None, 400),
    (b"", None, 400),
    (b"[]", None, 422),
    (b"null", None, 422),
    (b'"text"', None, 422),
    (b'{"name": "a", "name": "b"}', None, 400),
    (b'{"x": NaN}', None, 400),
    (b"\xff\xfe{}", None, 400),
    (b'{"x": "\\ud800"}', None, 400),
    (b"[" * 100_000, None, 400),
    (b'{"x":' * 60 + b"1" + b"}" * 60, None, 400),
    (b'{"x": ' + b"9" * 5000 + b"}", None, 400),
    (b'{"no such member": 1}', None, 422),
    (b"{}", "text/plain", 415),
    (b"{}", "application/json; charset=utf-16", 415),
    (b"{}", "", 415),
]


@pytest.mark.parametrize(
    "operation", [one for one in OPERATIONS if "requestBody" in one[2]], ids=lambda one: one[2]["operationId"]
)
async def test_bodies_that_are_not_what_is_asked_for(victim, operation):
    method, path, described = operation
    before = victim.state()
    async with victim.admin.as_("super_admin") as ask:
        for content, kind, status in BROKEN:
            request = asked(method, path, described, victim.ids)
            if kind is not None:
                request["headers"] = {"Content-Type": kind} if kind else {}
            answer = await ask.request(**{**request, "content": content})
            told = (answer.status_code, answer.headers["content-type"])
            assert told == (status, MEDIA_TYPE), (content[:40], answer.text)
    assert victim.state() == before


async def test_only_the_configuration_may_be_large(victim):
    large = {"owner": "me", "document": "#" * 2_000_000}
    async with victim.admin.as_("super_admin") as ask:
        assert (await ask.post("/config/plan", json=large)).status_code == 200
        answer = await ask.post("/keys", json=large)
    assert (answer.status_code, problem(answer)) == (413, "body-too-large")


# The description


def _references(value: object) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(_references, value.values()))
    return set().union(*map(_references, value)) if isinstance(value, list) else set()


def test_everything_that_the_description_refers_to_is_in_it():
    known = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    assert _references(DOCUMENT) <= known


@pytest.mark.parametrize("name", sorted(DOCUMENT["components"]["schemas"]))
def test_schemas_are_schemas(name):
    jsonschema.Draft202012Validator.check_schema(DOCUMENT["components"]["schemas"][name])


@pytest.mark.parametrize("operation", OPERATIONS, ids=NAMES)
def test_every_endpoint_is_described(operation):
    method, _, described = operation
    assert described["summary"]
    assert described["description"].endswith(".")
    assert described["security"] == [{"token": []}, {"api_key": []}]
    successes = {status: one for status, one in described["responses"].items() if status.isdecimal()}
    known = successes.pop("304", None)
    (success,) = successes.values()
    assert (known is not None) == (method == "GET" and "ETag" in success.get("headers", ()))
    assert success["description"]
    assert {"4XX", "5XX"} <= described["responses"].keys()
    assert "content" in success or method in ("DELETE",)


HEEDED = {
    "If-None-Match": {"get_service", "get_route", "get_target", "get_tenant", "get_key", "get_limit", "set_limit",
                      "get_integration", "export_configuration"},
    "Idempotency-Key": {"register_service", "add_route", "add_target", "drain_target", "register_instance",
                        "register_tenant", "suspend_tenant", "resume_tenant", "issue_key", "activate_integration",
                        "deactivate_integration", "apply_configuration"},
    "If-Match": {"replace_service", "patch_service", "deregister_service", "set_service_limit",
                 "unset_service_limit", "set_service_breaker", "add_route", "replace_route", "remove_route",
                 "add_target", "drain_target", "patch_target", "remove_target", "patch_tenant", "delete_tenant",
                 "suspend_tenant", "resume_tenant", "revoke_key", "set_limit", "unset_limit", "put_integration",
                 "patch_integration", "remove_integration", "activate_integration", "deactivate_integration"},
}  # fmt: skip


@pytest.mark.parametrize("field", HEEDED)
def test_fields_are_described_where_they_are_heeded(field):
    described = {
        operation["operationId"]
        for _, _, operation in OPERATIONS
        if any((one["in"], one["name"]) == ("header", field) for one in operation.get("parameters", ()))
    }
    assert described == HEEDED[field]


@pytest.mark.parametrize("name", sorted(HEEDED["If-Match"]))
async def test_versions_that_cannot_be_are_refused_where_if_match_is_described(victim, name):
    method, path, described = next(one for one in OPERATIONS if one[2]["operationId"] == name)
    request = asked(method, path, described, victim.ids)
    headers = {**request.pop("headers", {}), "If-Match": '"none.1"'}
    names = {one["name"] for one in described.get("parameters", ())}
    whose = {"tenant": OTHER_TENANT} if "tenant" in names else {}
    before = victim.state()
    async with victim.admin.as_("super_admin") as ask:
        answer = await ask.request(**{**request, "params": whose}, headers=headers)
    assert (answer.status_code, problem(answer)) == (412, "precondition-failed")
    assert victim.state() == before


async def test_head_is_answered_wherever_get_is_but_for_a_stream(victim):
    async with victim.admin.as_("super_admin") as ask:
        for method, path, described in OPERATIONS:
            if method != "GET":
                continue
            names = {one["name"] for one in described.get("parameters", ())}
            whose = {"tenant": OTHER_TENANT} if "tenant" in names else {}
            request = asked(method, path, described, victim.ids, **whose)
            answer = await ask.request(**{**request, "method": "HEAD"})
            endless = described["operationId"] == "stream_events"
            assert answer.status_code == (405 if endless else 200), path


async def test_allow_names_every_method_of_a_path(victim):
    async with victim.admin.as_("super_admin") as ask:
        answer = await ask.request("OPTIONS", "/services/name:planted", headers={"X-Request-ID": "r-1"})
        assert (answer.status_code, problem(answer)) == (405, "method-not-allowed")
        assert answer.headers["allow"] == "GET, HEAD, PUT, PATCH, DELETE"
        assert (answer.headers["x-request-id"], answer.json()["request_id"]) == ("r-1", "r-1")
        answer = await ask.request("OPTIONS", "/events", headers={"X-Request-ID": "no id"})
        assert answer.headers["allow"] == "GET"
        assert answer.headers["x-request-id"] == answer.json()["request_id"] != "no id"


def test_no_two_endpoints_have_one_name():
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("name", [n for n, s in DOCUMENT["components"]["schemas"].items() if "examples" in s])
def test_examples_are_what_is_asked_for(name):
    schema = DOCUMENT["components"]["schemas"][name]
    for example in schema["examples"]:
        jsonschema.validate(example, {**schema, "components": DOCUMENT["components"]})
