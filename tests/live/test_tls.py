"""TLS: the gateway's own certificate, and services behind https."""

from __future__ import annotations

import asyncio
import ssl

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve

from tests.builders.raw_server import certificate
from tests.live.harness.credentials import token
from tests.live.harness.gateway import eventually, head, request, running_gateway
from tests.live.harness.rig import configuration, running_rig, service
from tests.live.harness.upstream import says, scripted_upstream

pytestmark = pytest.mark.anyio
MIB = 1 << 20


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
def pem(tmp_path_factory):
    return certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def trust(pem):
    return ssl.create_default_context(cafile=str(pem))


@pytest.fixture(scope="module")
async def shared(pem, tmp_path_factory):
    files = {
        "TLS_CERT_FILE": str(pem),
        "TLS_KEY_FILE": str(pem),
        "KEEP_ALIVE_TIMEOUT": "5",
        "HEADER_TIMEOUT": "5",
    }
    async with running_rig(tmp_path_factory.mktemp("tls"), {"crm": {}}, **files) as rig:
        yield rig


@pytest.fixture
def rig(shared):
    shared.upstream.reset()
    return shared


async def test_https(rig, trust):
    async with httpx.AsyncClient(verify=trust, base_url=f"https://127.0.0.1:{rig.gateway.port}") as client:
        for path in ("/crm/x", "/health/live", "/crm/y"):
            answer = await client.get(path, headers={"Authorization": f"Bearer {token()}"})
            assert answer.status_code == 200
    told = rig.upstream.arrivals[0]
    assert told.get("x-forwarded-proto") == "https"
    assert "proto=https" in told.get("forwarded")


async def test_large_bodies_over_tls(rig, trust):
    body = bytes(range(256)) * (8 * MIB // 256)
    rig.upstream.reset(says(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)))
    async with httpx.AsyncClient(verify=trust) as client:
        url = f"https://127.0.0.1:{rig.gateway.port}/crm/x"
        answer = await client.post(url, content=body, headers={"Authorization": f"Bearer {token()}"})
    assert answer.content == body
    assert rig.upstream.arrivals[0].body == body


async def test_the_last_answer_over_tls_is_whole(rig, trust):
    """There is no half-closing under TLS: the connection must not be closed over an answer that is still on its way."""
    size = 4 * MIB
    rig.upstream.reset(says(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"a" * size))
    client = await rig.gateway.connect(tls=trust)
    await client.send(head(request("GET", "/crm/x", None, "Connection: close")))
    await asyncio.sleep(0.3)
    answer = await client.response()
    client.close()
    assert (answer.status, len(answer.body)) == (200, size)


async def test_a_refusal_over_tls(rig, trust):
    client = await rig.gateway.connect(tls=trust)
    await client.send(b"GET /crm/x HTTP/1.1\r\nHost: a b\r\n\r\n")
    assert (await client.response()).status == 400
    assert await client.ended()
    client.close()


async def test_plain_http_on_the_tls_port(rig):
    client = await rig.gateway.connect()
    await client.send(head(request("GET", "/crm/x")))
    assert b"200 OK" not in await client.rest()
    client.close()
    assert not rig.upstream.arrivals


async def test_websockets_over_tls(pem, trust, tmp_path):
    async def echo(socket):
        async for message in socket:
            await socket.send(message)

    async with serve(echo, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        files = {"TLS_CERT_FILE": str(pem), "TLS_KEY_FILE": str(pem)}
        async with running_gateway(tmp_path, configuration({"chat": service(url)}), **files) as gateway:
            headers = {"Authorization": f"Bearer {token()}"}
            wss = f"wss://127.0.0.1:{gateway.port}/chat/x"
            async with connect(wss, ssl=trust, additional_headers=headers, proxy=None) as socket:
                await socket.send("hello")
                assert await socket.recv() == "hello"


async def test_a_service_behind_https(pem, tmp_path):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    async with scripted_upstream(tls=context) as upstream:
        url = upstream.url.replace("http:", "https:")
        config = configuration({"crm": service(url)})
        async with running_gateway(tmp_path / "trusting", config, SSL_CERT_FILE=str(pem)) as gateway:
            for _ in range(3):
                assert (await gateway.get("/crm/x")).status == 200
            body = b"a" * MIB
            text = request("POST", "/crm/x", None, f"Content-Length: {MIB}")
            assert (await gateway.ask(text, body)).status == 200
            assert upstream.arrivals[-1].body == body
        seen = len(upstream.arrivals)
        async with running_gateway(tmp_path / "doubting", config) as gateway:
            answer = await gateway.get("/crm/x")
            assert answer.status == 503
            assert "certificate" not in answer.body.decode().lower()
        assert len(upstream.arrivals) == seen, "a service that cannot prove itself gets no request"


async def test_a_service_that_never_shakes_hands(tmp_path):
    """The connection is there, TLS is not: the time to connect covers both."""
    async with scripted_upstream() as mute:
        url = mute.url.replace("http:", "https:")
        config = configuration({"crm": service(url, timeouts={"connect": 0.5}, retry={"attempts": 1})})
        async with running_gateway(tmp_path, config) as gateway:
            answer = await gateway.get("/crm/x")
            assert answer.status == 504
            await eventually(lambda: mute.open_connections() == 0, "the connection is given up")
