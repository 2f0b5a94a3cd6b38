"""GET /openapi.json: whole at the first ask, made once, beside the loop."""

from __future__ import annotations

import asyncio
import json
import threading

import httpx
import pytest

from brain_gateway.api.application import create_application
from brain_gateway.api.openapi import OpenApiDocument
from tests.builders.admin import application

pytestmark = pytest.mark.anyio
PATH = "/openapi.json"


def asked(app, root_path: str = "") -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, root_path=root_path), base_url="http://gw.example"
    )


async def test_it_is_what_the_framework_would_say():
    app = application()
    async with asked(app) as client:
        answer = await client.get(PATH)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == app.openapi()
    assert "/api/v1/services" in answer.json()["paths"]


async def test_it_is_made_once_and_in_a_thread():
    threads = []

    def make():
        threads.append(threading.current_thread())
        return {"openapi": "3.1.0"}

    app = create_application([])
    app.router.routes[:] = []
    app.add_route(PATH, OpenApiDocument(make).answer)
    async with asked(app) as client:
        answers = await asyncio.gather(*(client.get(PATH) for _ in range(5)))
    assert [answer.json() for answer in answers] == [{"openapi": "3.1.0"}] * 5
    assert len(threads) == 1
    assert threads[0] is not threading.current_thread()


async def test_behind_a_server_that_has_it_below_a_path():
    app = create_application([])
    async with asked(app, "/below") as client:
        document = (await client.get("/below" + PATH)).json()
    assert document["servers"] == [{"url": "/below"}]
    async with asked(app) as client:
        plain = (await client.get(PATH)).json()
    assert "servers" not in plain
    assert {**plain, "servers": document["servers"]} == document


async def test_a_failure_is_not_kept():
    tries = []

    def make():
        tries.append(1)
        if len(tries) == 1:
            raise MemoryError
        return {}

    document = OpenApiDocument(make)
    request = type("Request", (), {"scope": {}})()
    with pytest.raises(MemoryError):
        await document.answer(request)
    assert json.loads((await document.answer(request)).body) == {}
