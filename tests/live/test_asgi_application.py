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
from tests.live.harness.upstream import OK, says, scripted_upstream

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


class Answer:
    """What came out of one call."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    @property
    def status(self) -> int:
        return self.messages[0]["status"]

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages[1:])


async def call(app, *pieces: bytes, end: bool = True, **changes: Any) -> Answer:
    """One request; `pieces` of body, then (unless `end`) nothing more. `changes` replace keys of the scope."""
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
    answer = Answer()
    messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    if end:
        messages.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive() -> dict[str, Any]:
        if messages:
            await asyncio.sleep(0)
            return messages.pop(0)
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    async def send(message: dict[str, Any]) -> None:
        answer.messages.append(message)

    await asyncio.wait_for(app(scope, receive, send), 10)
    return answer


async def test_a_request(app, upstream):
    upstream.reset()
    answer = await call(app, query_string=b"a=1")
    assert (answer.status, answer.body) == (200, b"ok")
    assert upstream.arrivals[0].first_line == "GET /api/x?a=1 HTTP/1.1"


async def test_a_body_of_unknown_length_is_framed(app, upstream):
    """HTTP/2 needs neither Content-Length nor Transfer-Encoding; its body must not become the service's next request."""
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
        await asyncio.wait_for(call(app, *pieces, method="POST", headers=headers), 2)
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
        {"client": ("1.1.1.1\r\nX-Tenant-ID: evil", 1)},
        {"scheme": "http\r\nX-Tenant-ID: evil"},
    ):
        with contextlib.suppress(Exception):  # refused in whatever way
            await call(app, **changes)
    for arrival in upstream.arrivals:
        assert b"evil" not in arrival.head


async def test_a_client_that_goes_away(app, upstream):
    """http.disconnect: the service's work is cancelled."""
    left = asyncio.Event()

    async def hangs(arrival):
        assert await arrival.peer.ended()
        left.set()

    upstream.reset(hangs)
    gone = asyncio.Event()
    messages = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        raise AssertionError("nobody is there")

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
    }
    rest = {
        "path": "/crm/x",
        "raw_path": b"/crm/x",
        "query_string": b"",
        "headers": [(b"host", b"g"), AUTHORIZATION],
    }
    task = asyncio.create_task(app({**scope, **rest, "client": ("127.0.0.1", 1)}, receive, send))
    await upstream.arrival()
    gone.set()
    await asyncio.wait_for(left.wait(), 5)
    await asyncio.wait_for(task, 5)


async def test_an_answer_that_breaks_off_is_not_completed(app, upstream):
    """The application raises, so that the server closes; it never sends a last message."""
    upstream.reset(says(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"))
    sent: list[dict[str, Any]] = []

    async def hangs_up(arrival):
        await arrival.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
        arrival.peer.close()

    upstream.reset(hangs_up)

    async def receive() -> dict[str, Any]:
        if not sent:
            return {"type": "http.request", "body": b"", "more_body": False}
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
    }
    rest = {
        "path": "/crm/x",
        "raw_path": b"/crm/x",
        "query_string": b"",
        "headers": [(b"host", b"g"), AUTHORIZATION],
    }
    with pytest.raises(ConnectionAbortedError):
        await asyncio.wait_for(app({**scope, **rest, "client": ("127.0.0.1", 1)}, receive, send), 5)
    assert all(message.get("more_body", True) for message in sent)


async def test_a_reader_that_never_reads_is_given_up(app, upstream):
    """A server whose `send` waits for ever must not hold the service's connection for ever."""

    async def pours(arrival):
        await arrival.peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        with contextlib.suppress(OSError):
            while not arrival.left:
                await arrival.peer.send(bytes(65536))

    upstream.reset(pours)

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0 if not upstream.arrivals else 60)
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        await asyncio.Event().wait()

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
    }
    rest = {
        "path": "/crm/x",
        "raw_path": b"/crm/x",
        "query_string": b"",
        "headers": [(b"host", b"g"), AUTHORIZATION],
    }
    task = asyncio.create_task(app({**scope, **rest, "client": ("127.0.0.1", 1)}, receive, send))
    arrival = await upstream.arrival()
    await asyncio.sleep(0.2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await eventually(lambda: arrival.left or arrival.peer.writer.is_closing(), "the service is let go")


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
