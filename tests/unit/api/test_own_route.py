"""Methods of the gateway's own paths: HEAD like GET, and what Allow names."""

from __future__ import annotations

import httpx
import pytest
from fastapi import APIRouter

from brain_gateway.api.application import create_application
from brain_gateway.api.own_route import OwnRoute, allowed

pytestmark = pytest.mark.anyio


class Endless(OwnRoute):
    endless = True


async def thing() -> dict[str, int]:
    """What is read and written."""
    return {"number": 1}


async def proxy(scope, receive, send) -> None:
    """Stands for the proxy entry."""
    await send(
        {"type": "http.response.start", "status": 202, "headers": [(b"x-m", scope["method"].encode())]}
    )
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def application():
    router, streams = APIRouter(route_class=OwnRoute), APIRouter(route_class=Endless)
    router.get("/thing")(thing)
    router.patch("/thing", operation_id="patch")(thing)
    router.post("/act")(thing)
    streams.get("/stream")(thing)
    return create_application([router, streams], proxy)


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/thing", 200, None),
        ("HEAD", "/thing", 200, None),
        ("DELETE", "/thing", 405, "GET, HEAD, PATCH"),
        ("OPTIONS", "/thing", 405, "GET, HEAD, PATCH"),
        ("HEAD", "/act", 405, "POST"),
        ("GET", "/stream", 200, None),
        ("HEAD", "/stream", 405, "GET"),
        ("POST", "/stream", 405, "GET"),
        ("PUT", "/docs", 405, "GET, HEAD"),
    ],
)
async def test_each_path_takes_its_methods(application, method, path, status, allow):
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://gw.example") as client:
        answer = await client.request(method, path)
        assert (answer.status_code, answer.headers.get("allow")) == (status, allow)


async def test_a_head_of_a_service_stays_one(application):
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://gw.example") as client:
        assert (await client.head("/some/service")).headers["x-m"] == "HEAD"


def test_head_is_no_operation_of_the_description(application):
    assert list(application.openapi()["paths"]["/thing"]) == ["get", "patch"]


def test_nothing_is_allowed_where_there_is_nothing(application):
    assert allowed(application.router.routes, {"type": "http", "method": "GET", "path": "/none"}) == ""
