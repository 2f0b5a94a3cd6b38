"""Streams of events of a real gateway: readers that do not read, thousands of events, credentials that end."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest

from tests.builders.raw_server import closed_port
from tests.live.harness.credentials import TENANT, bearer
from tests.live.harness.gateway import eventually, head, request, running_gateway
from tests.live.harness.rig import configuration
from tests.live.harness.wire import Connection

pytestmark = pytest.mark.anyio
ADMIN = bearer(roles=("super_admin",))
ROUTES = [{"path": f"/{number}/{'x' * 1500}"} for number in range(5)]
"""Events of these are long: many of them are more than a system keeps for a reader who reads nothing."""


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
async def gateway(tmp_path_factory):
    folder = tmp_path_factory.mktemp("events")
    async with running_gateway(folder, configuration({}), SEND_TIMEOUT="5") as running:
        yield running


class Listener:
    """A stream that was asked for; `events` that have come are (id, type, document)."""

    def __init__(self, client: Connection) -> None:
        self.client = client
        self.text = b""

    @classmethod
    async def of(cls, gateway, path: str = "/api/v1/events", who: str = ADMIN, **options):
        client = await gateway.connect(**options)
        await client.send(head(request("GET", path, who)))
        return cls(client)

    async def begun(self) -> str:
        """The status line."""
        await self.until(b"\r\n\r\n")
        line, _, self.text = self.text.partition(b"\r\n")
        if b" 200 " in line:
            await self.until(b"retry: 1000")
        return line.decode()

    async def until(self, mark: bytes) -> None:
        while mark not in self.text:
            self.text += await asyncio.wait_for(self.client.reader.read(65536), 60)

    def ids(self) -> list[int]:
        """Of all events that have come whole."""
        whole = self.text.rpartition(b"\n\n")[0]
        return [int(line[4:]) for line in whole.split(b"\n") if line.startswith(b"id: ")]

    async def to_the_end(self) -> list[int]:
        """The ids of all events until the gateway ends the stream, or has given its reader up."""
        with contextlib.suppress(ConnectionError):
            while not self.text.endswith(b"\r\n0\r\n\r\n"):
                if not (more := await asyncio.wait_for(self.client.reader.read(1 << 16), 60)):
                    break
                self.text += more
        self.client.close()
        return self.ids()


async def asked(gateway, method: str, path: str, document=None, who: str = ADMIN):
    body = b"" if document is None else json.dumps(document).encode()
    fields = ("Content-Type: application/json", f"Content-Length: {len(body)}") if body else ()
    return await gateway.ask(request(method, "/api/v1" + path, who, *fields), body)


async def many_events(gateway, label: str, count: int) -> int:
    """So many services in one change, with seven events each; the id of the last."""
    one = {"targets": ["http://a.example"], "routes": ROUTES, "probe": {"type": "none"}}
    services = {f"{label}-{number}": one for number in range(count)}
    document = {"packaged_services": False, "services": services}
    answer = await asked(gateway, "POST", "/config/apply", {"owner": label, "document": document})
    assert answer.status == 200, answer.body
    found = await Listener.of(gateway, "/api/v1/events?after=0&types=ConfigurationApplied")
    await found.begun()

    def applied() -> list[bytes]:
        return [part for part in found.text.split(b"\n\n") if f'"owner":"{label}"'.encode() in part]

    while not applied() or not found.text.endswith(b"\r\n"):
        found.text += await asyncio.wait_for(found.client.reader.read(65536), 60)
    found.client.close()
    (line,) = [line for line in applied()[0].split(b"\n") if line.startswith(b"id: ")]
    return int(line[4:])


async def followed(gateway, after: int, last: asyncio.Future[int]) -> list[int]:
    """All ids after one, as a browser gets them: when the stream ends it is asked for again after the last id."""
    found: list[int] = []
    while not (last.done() and found and found[-1] >= last.result()):
        stream = await Listener.of(gateway, f"/api/v1/events?after={found[-1] if found else after}")
        await stream.begun()
        ids, ended = [], False
        while not ended and not (last.done() and ids and ids[-1] >= last.result()):
            more = await asyncio.wait_for(stream.client.reader.read(1 << 16), 60)
            stream.text += more
            ids, ended = stream.ids(), not more or stream.text.endswith(b"\r\n0\r\n\r\n")
        found += ids
        stream.client.close()
    return found


async def test_who_does_not_read_harms_nobody_and_resumes_without_loss(gateway):
    """Thousands of events, one reader that reads none, one that reads all, requests of others meanwhile."""
    first = await many_events(gateway, "first", 1)
    deaf = await Listener.of(gateway, receive_buffer=4096)
    assert "200" in await deaf.begun()
    before, last = gateway.rss(), asyncio.get_running_loop().create_future()
    good = asyncio.create_task(followed(gateway, first, last))
    last.set_result(await many_events(gateway, "many", 800))
    ids = await good
    assert ids == list(range(first + 1, last.result() + 1)), "whoever reads gets all of them, in order, once"
    assert len(ids) > 5000
    assert gateway.rss() - before < 300 << 20
    assert (await gateway.get("/health/live", "")).status == 200
    heard = await deaf.to_the_end()
    assert len(heard) < len(ids), "what does not fit is not kept for it"
    assert heard == list(range(first + 1, first + 1 + len(heard))), "and what it got has no holes"
    assert await followed(gateway, heard[-1] if heard else first, last) == ids[len(heard) :]


async def test_a_reader_that_takes_nothing_for_long_is_given_up(gateway):
    """Its connection and its place are free again: the memory of its answer with them."""
    deaf = await Listener.of(gateway, "/api/v1/events?after=0", receive_buffer=4096)
    deaf.client.writer.transport.pause_reading()
    await many_events(gateway, "silent", 800)

    async def free() -> bool:
        return (await gateway.metrics())["brain_gateway_event_streams"] == 0

    await eventually(free, "it is not waited for any more", 60)
    deaf.client.close()


@pytest.mark.parametrize("how", ["key", "tenant"])
async def test_a_stream_ends_with_its_credentials(gateway, how):
    tenant = "7d6c5b4a-3f2e-4d1c-8b0a-9f8e7d6c5b4a" if how == "tenant" else TENANT
    if how == "tenant":
        assert (await asked(gateway, "POST", "/tenants", {"id": tenant, "name": "Gone"})).status == 201
    made = await asked(gateway, "POST", "/keys", {"tenant": tenant, "user": "listener", "roles": ["manager"]})
    assert made.status == 201, made.body
    listening = await Listener.of(gateway, who=f"X-API-Key: {made.json()['key']}")
    assert "200" in await listening.begun()
    path = f"/keys/{made.json()['id']}?tenant={tenant}" if how == "key" else f"/tenants/{tenant}"
    assert (await asked(gateway, "DELETE", path)).status == 204
    while more := await asyncio.wait_for(listening.client.reader.read(65536), 60):
        listening.text += more
        if listening.text.endswith(b"0\r\n\r\n"):
            break
    assert listening.text.endswith(b"0\r\n\r\n"), "it was ended, not broken off"
    listening.client.close()


async def test_what_the_gateway_observes_is_told_live(gateway):
    """A service that goes down, to whoever listens meanwhile; its tenant is another's business."""
    listening = await Listener.of(gateway, "/api/v1/events?types=ServiceHealthChanged")
    strange = await Listener.of(gateway, who=bearer(roles=("tenant_admin",)))
    assert "200" in await listening.begun() + await strange.begun()
    target = f"http://127.0.0.1:{closed_port()}"
    hidden = {"name": "gone", "targets": [target], "probe": {"type": "tcp"}, "exposed": False}
    shown = {"name": "lost", "targets": [target], "probe": {"type": "tcp"}}
    for document in (hidden, shown):
        assert (await asked(gateway, "POST", "/services", document)).status == 201
    for stream, name in ((listening, b"gone"), (listening, b"lost"), (strange, b"lost")):
        await stream.until(b'"service":"%b","old":"unknown","new":"down"}' % name)
    assert b'"gone"' not in strange.text
    assert target.encode() not in strange.text
    for stream in (listening, strange):
        stream.client.close()
