"""/config: exported, planned, applied."""

from __future__ import annotations

import threading

import pytest
import yaml

from brain_gateway.api.rest.admin import bodies, configuration
from tests.builders.admin import AdminApi, problem
from tests.builders.gateway import TENANT

pytestmark = pytest.mark.anyio
DOCUMENT = {
    "packaged_services": False,
    "limits": {"default": {"requests": 7, "window": 60}},
    "services": {"shop": {"targets": [{"url": "http://a.example:80"}]}},
    "tenants": {
        TENANT: {
            "name": "Mine",
            "services": {"own": {"targets": [{"url": "http://b.example:80"}], "routes": [{"path": "/a"}]}},
            "limits": {"services": {"shop": {"requests": 3, "window": 1}}},
            "api_keys": [{"hash": "sha256:" + "0" * 64, "prefix": "bgk_00", "user": "u-1"}],
        }
    },
}


@pytest.fixture
async def ask():
    async with AdminApi().as_("super_admin") as client:
        yield client


async def applied(ask, document=DOCUMENT, **more):
    return await ask.post("/config/apply", json={"owner": "team", "document": document, **more})


async def test_what_is_applied_is_exported_and_nothing_is_left_to_do(ask):
    done = await applied(ask)
    assert (done.status_code, done.json()["summary"]["create"], done.json()["version"]) == (200, 6, 1)
    exported = await ask.get("/config")
    assert exported.json() == DOCUMENT
    plan = await ask.post("/config/plan", json={"owner": "team", "document": exported.json()})
    assert (plan.json()["changes"], plan.json()["summary"]["unchanged"]) == ([], 6)
    again = await applied(ask, exported.json())
    assert (again.json()["changes"], again.json()["version"]) == ([], 1)


async def test_it_is_written_as_it_is_asked_for(ask):
    await applied(ask)
    for request in ({"params": {"format": "yaml"}}, {"headers": {"Accept": "application/yaml"}}):
        answer = await ask.get("/config", **request)
        assert answer.headers["content-type"] == "application/yaml"
        assert yaml.safe_load(answer.text) == DOCUMENT
        known = {"If-None-Match": answer.headers["etag"], **request.get("headers", {})}
        same = await ask.get("/config", params=request.get("params"), headers=known)
        assert same.status_code == 304
    assert (await ask.get("/config", params={"owner": "nobody"})).json() == {"packaged_services": False}


async def test_long_documents_are_read_and_planned_where_nobody_waits(ask, monkeypatch):
    threads = {}
    monkeypatch.setattr(bodies, "read_json", noting(threads, bodies.read_json))
    monkeypatch.setattr(configuration, "plan_document", noting(threads, configuration.plan_document))
    here = threading.get_ident()
    assert (await applied(ask)).status_code == 200
    assert threads["read_json"] == {here}
    services = {f"s{n}": {"targets": [{"url": "http://a.example:80"}]} for n in range(3000)}
    for path in ("/config/plan", "/config/apply"):
        threads.clear()
        body = {"owner": "team", "document": {**DOCUMENT, "services": services}}
        answer = await ask.post(path, json=body, headers={"Idempotency-Key": path})
        assert answer.json()["summary"]["create"] == 3000
        assert [here in those for those in threads.values()] == [False, False]


def noting(threads, function):
    """The function, which notes in which threads it ran."""

    def noted(*arguments):
        threads.setdefault(function.__name__, set()).add(threading.get_ident())
        return function(*arguments)

    return noted


async def test_a_document_may_come_as_text(ask):
    text = yaml.safe_dump(DOCUMENT)
    assert (await applied(ask, text)).status_code == 200
    assert (await ask.get("/config")).json() == DOCUMENT


async def test_a_plan_shows_before_and_after_and_does_nothing(ask):
    await applied(ask)
    changed = {**DOCUMENT, "services": {"shop": {"targets": ["http://c.example"]}}, "tenants": {}}
    plan = (await ask.post("/config/plan", json={"owner": "team", "document": changed})).json()
    steps = {(one["step"], one["kind"], one["key"]): one for one in plan["changes"]}
    assert set(steps) == {
        ("update", "service", "shop"), ("delete", "service", f"{TENANT}/own"),
        ("delete", "limit", f"{TENANT}/service:shop"), ("delete", "api_key", "sha256:" + "0" * 64),
    }  # fmt: skip
    update = steps["update", "service", "shop"]
    assert update["before"] == {"targets": [{"url": "http://a.example:80"}]}
    assert update["after"] == {"targets": [{"url": "http://c.example:80"}]}
    assert (await ask.get("/config")).json() == DOCUMENT
    kept = (
        await ask.post("/config/plan", json={"owner": "team", "document": changed, "prune": False})
    ).json()
    assert [one["step"] for one in kept["changes"]] == ["update"]


async def test_a_plan_that_is_out_of_date_is_not_applied(ask):
    base = (await ask.post("/config/plan", json={"owner": "team", "document": DOCUMENT})).json()["base"]
    assert (await applied(ask, base=base)).status_code == 200
    answer = await applied(ask, base=base)
    assert (answer.status_code, problem(answer)) == (412, "precondition-failed")


async def test_what_another_file_declares_is_a_conflict(ask):
    await applied(ask)
    mine = {"packaged_services": False, "services": {"shop": {"targets": ["http://d.example"]}}}
    answer = await applied(ask, mine, owner="other")
    assert (answer.status_code, problem(answer)) == (409, "conflict")
    assert (await ask.get("/config")).json() == DOCUMENT
    assert (await applied(ask, mine, owner="other", take_over=True)).status_code == 200


async def test_every_fault_of_a_document_is_told(ask):
    wrong = {"services": {"a": {"targets": ["nope"]}, "b": {"limit": {"requests": 0}}}}
    answer = await applied(ask, wrong)
    assert (answer.status_code, len(answer.json()["errors"])) == (422, 3)
    assert "services.a.targets[0].url" in answer.text


@pytest.mark.parametrize(
    "document", ["{", "a: *b", "- 1", "&a [*a]", "x: !!python/object:os.system", 7, None]
)
async def test_documents_that_are_none(ask, document):
    assert (await applied(ask, document)).status_code == 422


async def test_the_environment_is_not_for_documents(ask, monkeypatch):
    monkeypatch.setenv("PLANTED", "http://planted.example")
    answer = await applied(ask, {"services": {"a": {"targets": ["${PLANTED}"]}}})
    assert answer.status_code == 422
    assert "planted.example" not in answer.text


@pytest.mark.parametrize("owner", ["", "api", "registry", "a b", "x" * 64, None])
async def test_labels_that_are_none(ask, owner):
    assert (await applied(ask, owner=owner)).status_code == 422


async def test_what_registered_itself_is_not_exported(ask):
    await ask.post("/instances", json={"service": "fleet", "target": "http://a.example"})
    assert "services" not in (await ask.get("/config")).json()


async def test_it_is_for_the_platform(ask):
    admin = AdminApi()
    for role in ("tenant_admin", "manager", "client"):
        async with admin.as_(role) as client:
            assert (await client.get("/config")).status_code == 403
            assert (await applied(client)).status_code == 403


async def test_a_large_document_is_read_for_nobody_who_may_not():
    admin = AdminApi()
    for role in ("tenant_admin", "client"):
        async with admin.as_(role) as ask:
            for path in ("/config/plan", "/config/apply"):
                answer = await ask.post(
                    path, content=b"no JSON", headers={"Content-Type": "application/json"}
                )
                assert (answer.status_code, problem(answer)) == (403, "role-required")


@pytest.mark.parametrize(
    ("base", "told"), [(True, "must be a number"), (-1, "at least 0"), (1.5, "whole number")]
)
async def test_a_base_is_a_version(ask, base, told):
    answer = await applied(ask, base=base)
    assert answer.status_code == 422
    assert told in answer.json()["detail"]
