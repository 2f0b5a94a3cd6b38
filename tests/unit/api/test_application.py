"""The application behind the gateway's own paths: every error is a problem document."""

from __future__ import annotations

import httpx
import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from brain_gateway import __version__
from brain_gateway.api.application import create_application
from brain_gateway.api.problems import MEDIA_TYPE, members
from brain_gateway.domain import errors

pytestmark = pytest.mark.anyio


async def failing(kind: str, number: int = 0) -> dict[str, int]:
    """An endpoint that fails as it is told."""
    raised = {
        "known": errors.RoleRequired("ask for it"),
        "branch": errors.ConfigurationError("secret/path.yaml:3"), "missing": errors.CredentialsMissing(),
        "bug": ZeroDivisionError("secret inside"), "teapot": HTTPException(418, headers={"X-Pot": "1"}),
    }  # fmt: skip
    if kind in raised:
        raise raised[kind]
    return {"number": number}


async def proxy(scope, receive, send) -> None:
    """Stands for the proxy entry."""
    await send(
        {"type": "http.response.start", "status": 202, "headers": [(b"x-proxied", scope["path"].encode())]}
    )
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
async def ask():
    router = APIRouter()
    router.get("/fail/{kind}")(failing)
    transport = httpx.ASGITransport(create_application([router], proxy), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gw.example") as client:
        yield client.request


ERRORS = [
    ("known", 403, errors.RoleRequired("ask for it")),
    ("missing", 401, errors.CredentialsMissing()),
    ("branch", 500, errors.InternalError()),
    ("bug", 500, errors.InternalError()),
]


@pytest.mark.parametrize(("kind", "status", "error"), ERRORS)
async def test_errors_are_problem_documents(ask, kind, status, error):
    answer = await ask("GET", f"/fail/{kind}")
    assert (answer.status_code, answer.headers["content-type"], answer.headers["cache-control"]) == (
        status,
        MEDIA_TYPE,
        "no-store",
    )
    assert answer.json() == members(error)
    assert "secret" not in answer.text
    assert ("www-authenticate" in answer.headers) == (status == 401)


async def test_a_wrong_parameter_is_named(ask):
    answer = await ask("GET", "/fail/none?number=x")
    assert (answer.status_code, answer.headers["content-type"]) == (400, MEDIA_TYPE)
    assert answer.json()["detail"].startswith("query.number: ")
    assert (await ask("GET", "/fail/none?number=3")).json() == {"number": 3}


async def test_other_errors_of_the_framework_keep_their_status_and_headers(ask):
    answer = await ask("GET", "/fail/teapot")
    assert (answer.status_code, answer.headers["content-type"], answer.headers["x-pot"]) == (
        418,
        MEDIA_TYPE,
        "1",
    )
    assert answer.json()["status"] == 418


async def test_a_method_that_an_own_path_has_not(ask):
    answer = await ask("DELETE", "/fail/none")
    assert (answer.status_code, answer.headers["allow"], answer.json()["type"]) == (
        405,
        "GET",
        "urn:brain-gateway:problem:method-not-allowed",
    )


@pytest.mark.parametrize("path", ["/shop/items", "/", "/fail", "/fail/a/b"])
async def test_every_other_path_is_the_proxys(ask, path):
    answer = await ask("GET", path)
    assert (answer.status_code, answer.headers["x-proxied"]) == (202, path)


async def test_without_a_proxy_other_paths_are_not_found():
    transport = httpx.ASGITransport(create_application([]))
    async with httpx.AsyncClient(transport=transport, base_url="http://gw.example") as client:
        answer = await client.get("/shop")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:brain-gateway:problem:service-not-found")


async def test_the_openapi_document_shows_problems(ask):
    document = (await ask("GET", "/openapi.json")).json()
    assert (document["info"]["title"], document["info"]["version"]) == ("Brain API Gateway", __version__)
    answers = document["paths"]["/fail/{kind}"]["get"]["responses"]
    for group, status in (("4XX", 401), ("5XX", 500)):
        content = answers[group]["content"][MEDIA_TYPE]
        assert content["example"]["status"] == status
        assert set(content["example"]) <= set(content["schema"]["properties"])


async def test_nobody_is_sent_to_the_host_that_he_named(ask):
    answer = await ask("GET", "/fail/none/", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.headers.get("location")) == (
        202,
        None,
    )  # no path of the gateway's: proxied


def test_the_routes_are_the_applications_own():
    """Of a router that FastAPI includes, it would analyse every endpoint again at the first request."""
    router = APIRouter(prefix="/below")
    router.get("/fail/{kind}")(failing)
    routes = [route for route in create_application([router]).routes if isinstance(route, APIRoute)]
    assert [(route.path, set(route.responses)) for route in routes] == [
        ("/below/fail/{kind}", {"4XX", "5XX"})
    ]
