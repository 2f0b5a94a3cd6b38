"""Server-sent events over a real socket: as they happen, resumed, left, ended."""

from __future__ import annotations

import asyncio
import contextlib
import json

import httpx
import pytest
import uvicorn

from tests.builders.admin import AdminApi, token
from tests.builders.gateway import TENANT

pytestmark = pytest.mark.anyio


async def until(true) -> None:
    while not true():  # noqa: ASYNC110 - what others do makes no event
        await asyncio.sleep(0.005)


@pytest.fixture
async def served():
    admin = AdminApi()
    admin.control.streams.poll = 0.01
    server = uvicorn.Server(
        uvicorn.Config(admin.app, interface="asgi3", port=0, log_config=None, lifespan="off")
    )
    running = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    headers = {"Authorization": f"Bearer {token('super_admin')}"}
    base = f"http://127.0.0.1:{port}/api/v1"
    async with httpx.AsyncClient(base_url=base, headers=headers, trust_env=False) as client:
        yield admin, client
    admin.draining = True
    server.should_exit = True
    await running


@contextlib.asynccontextmanager
async def listening(client, last=None, **query):
    headers = {} if last is None else {"Last-Event-ID": str(last)}
    async with client.stream("GET", "/events", headers=headers, params=query, timeout=20) as answer:
        assert answer.status_code == 200
        yield _events(answer)


async def _events(answer):
    fields: dict[str, str] = {}
    async for line in answer.aiter_lines():
        name, _, value = line.partition(": ")
        if line:
            fields[name] = value
        elif "data" in fields:
            yield int(fields["id"]), fields["event"], json.loads(fields["data"])
            fields = {}
        else:
            fields = {}


async def register(client, name):
    body = {"name": name, "targets": ["http://a.example"], "tenant": TENANT}
    assert (await client.post("/services", json=body)).status_code == 201


async def test_events_come_as_they_happen_and_can_be_resumed(served):
    _, client = served
    async with listening(client, types="ServiceRegistered") as events:
        waiting = asyncio.ensure_future(anext(events))
        await register(client, "one")
        id_, kind, data = await waiting
        assert (kind, data["service"], data["tenant"]) == ("ServiceRegistered", "one", TENANT)
    await register(client, "two")
    async with listening(client, id_, types="ServiceRegistered") as events:
        missed, _, data = await anext(events)
        assert (missed > id_, data["service"]) == (True, "two")


async def test_a_client_that_leaves_is_forgotten(served):
    admin, client = served
    async with listening(client, 0):
        await until(lambda: admin.control.streams.open)
    await until(lambda: not admin.control.streams.open)


async def test_a_draining_gateway_ends_its_streams(served):
    admin, client = served
    async with listening(client, 0) as events:
        await register(client, "one")
        await anext(events)
        admin.draining = True
        assert [kind async for _, kind, _ in events] in ([], ["TargetAdded"])
