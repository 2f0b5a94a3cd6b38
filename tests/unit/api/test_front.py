"""What is answered without the framework, what goes to it, and what is the proxy's."""

from __future__ import annotations

import httpx
import pytest
from starlette.responses import Response

from brain_gateway.api.front import OWN, Front
from brain_gateway.application.gateway.routing_table import RESERVED
from brain_gateway.domain.errors import CredentialsMissing
from tests.builders.admin import application

pytestmark = pytest.mark.anyio


def named(name: str):
    """An application that says who it is."""

    async def app(scope, receive, send) -> None:
        headers = [(b"x-who", name.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    return app


def refuses(request):
    raise CredentialsMissing("send it")


def fails(request):
    raise ZeroDivisionError("secret inside")


ANSWERS = {
    "/health": lambda request: Response(request.headers.get("x-sent", "well"), headers={"x-who": "answer"}),
    "/metrics": refuses,
    "/health/live": fails,
}


async def broken(scope, receive, send) -> None:
    """A proxy with a mistake in it."""
    raise ZeroDivisionError("secret inside")


def client(proxy=None, root_path: str = "") -> httpx.AsyncClient:
    front = Front(ANSWERS, named("own"), proxy or named("proxy"))
    transport = httpx.ASGITransport(front, raise_app_exceptions=False, root_path=root_path)
    return httpx.AsyncClient(transport=transport, base_url="http://gw.example")


@pytest.mark.parametrize(
    ("method", "path", "who"),
    [
        ("GET", "/health", "answer"),
        ("HEAD", "/health", "answer"),
        ("GET", "/%68ealth", "answer"),
        ("GET", "/health?x=1", "answer"),
        ("DELETE", "/health", "own"),
        ("OPTIONS", "/health", "own"),
        ("GET", "/health/", "own"),
        ("GET", "/health/ready", "own"),
        ("POST", "/metrics", "own"),
        ("GET", "/api/v1/services", "own"),
        ("GET", "/api", "own"),
        ("GET", "/openapi.json", "own"),
        ("GET", "/docs/oauth2-redirect", "own"),
        ("GET", "/", "proxy"),
        ("GET", "/healthy", "proxy"),
        ("GET", "/shop/health", "proxy"),
        ("GET", "//health", "proxy"),
        ("GET", "/brain-gateway/shop", "proxy"),
        ("GET", "/favicon.ico", "proxy"),
    ],
)
async def test_whose_a_path_is(method, path, who):
    async with client() as asked:
        answer = await asked.request(method, path)
    assert answer.headers["x-who"] == who


async def test_an_answer_sees_the_request():
    async with client() as asked:
        assert (await asked.get("/health", headers={"X-Sent": "seen"})).text == "seen"


async def test_below_another_path_the_framework_decides():
    async with client(root_path="/below") as asked:
        for path in ("/below/health", "/below/shop", "/health"):
            assert (await asked.get(path)).headers["x-who"] == "own"


@pytest.mark.parametrize("kind", ["lifespan", "websocket"])
async def test_what_is_no_request(kind):
    who = []

    def noting(name):
        async def app(scope, receive, send) -> None:
            who.append(name)

        return app

    front = Front(ANSWERS, noting("own"), noting("proxy"))
    for path in ("/health", "/shop"):
        scope = {"type": kind} if kind == "lifespan" else {"type": kind, "path": path, "headers": []}
        await front(scope, None, None)
    assert who == (["own", "own"] if kind == "lifespan" else ["own", "proxy"])


async def test_a_refusal_is_a_problem_document():
    async with client() as asked:
        answer = await asked.get("/metrics")
    assert (answer.status_code, answer.json()["detail"]) == (401, "send it")
    assert "www-authenticate" in answer.headers


@pytest.mark.parametrize("path", ["/health/live", "/shop"])
async def test_a_mistake_shows_nothing_of_itself_and_reaches_the_server(path):
    async with client(broken) as asked:
        answer = await asked.get(path)
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:brain-gateway:problem:internal-error")
    assert "secret" not in answer.text
    raising = httpx.ASGITransport(Front(ANSWERS, named("own"), broken))
    async with httpx.AsyncClient(transport=raising, base_url="http://gw.example") as asked:
        with pytest.raises(ZeroDivisionError):
            await asked.get(path)


def test_every_path_of_the_application_is_known_here():
    paths = {path for route in application().routes if (path := getattr(route, "path", ""))}
    paths |= set(application().openapi()["paths"])
    assert {path.split("/")[1] for path in paths} <= OWN
    assert OWN <= RESERVED
