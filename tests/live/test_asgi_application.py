"""The gateway under any ASGI server: what such a server shows, uvicorn's own habits aside.

The application is driven in this process with the messages of the ASGI specification (HTTP, spec version 2.3), so that
it meets what uvicorn never sends: HTTP/2 requests without a length, paths without raw bytes, pieces of every size.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
import yaml

from brain_gateway.main import application
from tests.live.harness.credentials import SECRET, token
from tests.live.harness.gateway import eventually
from tests.live.harness.rig import configuration, service
from tests.live.harness.upstream import OK, scripted_upstream
from tests.live.harness.wire import PATIENCE

pytestmark = pytest.mark.anyio
AUTHORIZATION = (b"authorization", b"Bearer " + token().encode())


@pytest.fixture(scope="module")
def anyio_backend():
    return ("asyncio", {"use_uvloop": True})


@pytest.fixture(scope="module")
async def upstream():
    async with scripted_upstream() as service:
        yield service


@pytest.fixture(scope="module")
async def app(upstream, tmp_path_factory):
    folder = tmp_path_factory.mktemp("asgi")
    file = folder / "gateway.yaml"
    services = {"crm": service(upstream.url, prefix="/api"), "capped": service(upstream.url, max_body=10)}
    services["hurried"] = service(upstream.url, timeouts={"idle": 0.5, "total": 1})
    file.write_text(yaml.safe_dump(configuration(services)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JWT_SECRET", SECRET)
        patch.setenv("BRAIN_GATEWAY_CONFIG", str(file))
        patch.setenv("BRAIN_GATEWAY_DATA_DIR", str(folder))
        built = application()
    async with lifespan(built):
        yield built


@contextlib.asynccontextmanager
async def lifespan(app):
    """The start and the end of an application (ASGI lifespan protocol)."""
    inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    outbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    task = asyncio.create_task(app({"type": "lifespan", "asgi": {"version": "3.0"}}, inbox.get, outbox.put))
    await inbox.put({"type": "lifespan.startup"})
    assert (await outbox.get())["type"] == "lifespan.startup.complete"
    yield
    await inbox.put({"type": "lifespan.shutdown"})
    assert (await outbox.get())["type"] == "lifespan.shutdown.complete"
    await task


class Client:
    """The server's side of one call: gives `pieces` of body, keeps what is sent."""

    def __init__(self, *pieces: bytes, end: bool = True) -> None:
        self.messages: list[dict[str, Any]] = []
        self.gone = asyncio.Event()
        self.reads = True
        self._inbox = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
        if end:
            self._inbox.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive(self) -> dict[str, Any]:
        """The next piece; then, when the client is gone, that it is."""
        await asyncio.sleep(0)
        if self._inbox:
            return self._inbox.pop(0)
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        """Keep a message; a client that does not read lets the application wait."""
        self.messages.append(message)
        if not self.reads:
            await asyncio.Event().wait()

    async def call(self, app, **changes: Any) -> None:
        """One request; `changes` replace keys of the scope."""
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": "/crm/x",
            "raw_path": b"/crm/x",
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"gateway.test"), AUTHORIZATION],
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 8001),
            **changes,
        }
        await asyncio.wait_for(app(scope, self.receive, self.send), PATIENCE)

    @property
    def status(self) -> int:
        """Of the answer."""
        return self.messages[0]["status"]

    @property
    def body(self) -> bytes:
        """Of the answer."""
        return b"".join(message.get("body", b"") for message in self.messages[1:])


async def call(app, *pieces: bytes, end: bool = True, **changes: Any) -> Client:
    """One request, to its end."""
    client = Client(*pieces, end=end)
    await client.call(app, **changes)
    return client


async def test_a_request(app, upstream):
    upstream.reset()
    answer = await call(app, query_string=b"a=1")
    assert (answer.status, answer.body) == (200, b"ok")
    assert upstream.arrivals[0].first_line == "GET /api/x?a=1 HTTP/1.1"


async def test_a_body_of_unknown_length_is_framed(app, upstream):
    """HTTP/2 needs no length and no coding; its body must not become the service's next request."""
    inner = b"GET /smuggled HTTP/1.1\r\nHost: g\r\n\r\n"
    for _ in range(3):
        upstream.reset()
        answer = await call(app, inner, b"more", http_version="2", method="POST")
        assert (answer.status, answer.body) == (200, b"ok")
        assert [arrival.target for arrival in upstream.arrivals] == ["/api/x"]
        assert upstream.arrivals[0].body == inner + b"more"


async def test_an_http_2_request_without_a_body_has_none(app, upstream):
    upstream.reset()
    answer = await call(app, http_version="2")
    assert answer.status == 200
    assert upstream.arrivals[0].body == b""


@pytest.mark.parametrize("pieces", [(b"12345", b"67890", b"more"), (b"123",)], ids=["longer", "shorter"])
async def test_a_body_that_is_not_as_long_as_it_says(app, upstream, pieces):
    """Servers see to that; where one does not, the service's connection is not used again."""
    upstream.reset()
    headers = [(b"host", b"g"), AUTHORIZATION, (b"content-length", b"10")]
    with contextlib.suppress(Exception):  # how it ends is the server's affair
        await asyncio.wait_for(call(app, *pieces, method="POST", headers=headers), 0.5)
    answer = await call(app, path="/crm/next", raw_path=b"/crm/next")
    assert (answer.status, answer.body) == (200, b"ok")
    targets = [arrival.target for arrival in upstream.arrivals]
    assert targets[-1] == "/api/next"
    assert set(targets) <= {"/api/x", "/api/next"}


async def test_a_path_without_raw_bytes(app, upstream):
    """`raw_path` is optional; `path` is decoded."""
    for path, target in (("/crm/ü b", "/api/%C3%BC%20b"), ("/crm/a", "/api/a"), ("/crm/50%", "/api/50%25")):
        upstream.reset()
        answer = await call(app, path=path, raw_path=None)
        assert answer.status == 200
        assert upstream.arrivals[0].target == target


async def test_a_client_without_an_address(app, upstream):
    """A server on a Unix socket shows none."""
    upstream.reset()
    answer = await call(app, client=None)
    assert answer.status == 200
    assert upstream.arrivals[0].get("x-forwarded-for") in ("127.0.0.1", "unknown")


async def test_no_header_can_be_injected_by_what_a_server_shows(app, upstream):
    upstream.reset()
    for changes in (
        {"headers": [(b"host", b"g"), AUTHORIZATION, (b"x-a", b"b\r\nX-Tenant-ID: evil")]},
        {"headers": [(b"host", b"g"), AUTHORIZATION, (b"x-a: b\r\nX-Tenant-ID", b"evil")]},
        {"raw_path": b"/crm/x HTTP/1.1\r\nX-Tenant-ID: evil"},
        {"raw_path": b"/crm/x", "query_string": b"a HTTP/1.1\r\nX-Tenant-ID: evil"},
        {"method": "GET /crm/y HTTP/1.1\r\nX-A: b\r\n\r\nGET"},
    ):
        with contextlib.suppress(Exception):  # refused in whatever way
            await call(app, **changes)
    for arrival in upstream.arrivals:
        assert b"evil" not in arrival.head


async def test_a_client_that_goes_away(app, upstream):
    """http.disconnect: the service's work is cancelled."""
    upstream.reset(lambda arrival: arrival.peer.rest())
    client = Client()
    task = asyncio.create_task(client.call(app))
    arrival = await upstream.arrival()
    client.gone.set()
    await eventually(lambda: arrival.left, "the service sees the end of its connection")
    await task
    assert not client.messages


async def test_an_answer_that_breaks_off_is_not_completed(app, upstream):
    """The application raises, so that the server closes; it never sends a last message."""

    async def hangs_up(arrival):
        await arrival.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
        arrival.peer.close()

    upstream.reset(hangs_up)
    client = Client()
    with pytest.raises(ConnectionAbortedError):
        await client.call(app)
    assert all(message.get("more_body", True) for message in client.messages)


async def test_a_reader_that_never_reads_is_given_up(app, upstream):
    """A server whose `send` waits for ever must not hold the service's connection for ever."""

    async def pours(arrival):
        await arrival.peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        with contextlib.suppress(OSError):
            while not arrival.left:
                await arrival.peer.send(bytes(65536))

    upstream.reset(pours)
    client = Client()
    client.reads = False
    task = asyncio.create_task(client.call(app, path="/hurried/x", raw_path=b"/hurried/x"))
    arrival = await upstream.arrival()
    await eventually(lambda: arrival.left or arrival.peer.writer.is_closing(), "the service is let go")
    await asyncio.gather(task, return_exceptions=True)


async def test_a_websocket_is_declined(app):
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "websocket", "asgi": {"version": "3.0"}, "path": "/crm/x", "raw_path": b"/crm/x"}
    await app({**scope, "query_string": b"", "headers": [(b"host", b"g"), AUTHORIZATION]}, receive, send)
    assert sent[0]["type"] == "websocket.close"


async def test_a_body_beyond_the_greatest_length(app, upstream):
    upstream.reset()
    answer = await call(
        app, b"x" * 11, method="POST", path="/capped/x", raw_path=b"/capped/x", http_version="2"
    )
    assert answer.status == 413
    assert all(arrival.body == b"" for arrival in upstream.arrivals)


async def test_many_at_once(app, upstream):
    async def slow(arrival):
        await arrival.read_body()
        await asyncio.sleep(0.05)
        await arrival.peer.send(OK)

    upstream.reset(slow)
    answers = await asyncio.gather(*(call(app, b"x", http_version="2", method="POST") for _ in range(100)))
    assert {answer.status for answer in answers} == {200}
    assert all(arrival.body == b"x" for arrival in upstream.arrivals)
