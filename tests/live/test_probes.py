"""Each probe against real servers: well, unwell, and not what they should be."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import struct
from concurrent import futures

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from brain_gateway.application.ports.probe import ProbeResult
from brain_gateway.domain.routing.service_route import ProbePolicy
from brain_gateway.domain.routing.target import Target
from brain_gateway.infrastructure.probes.grpc import GrpcProbe
from brain_gateway.infrastructure.probes.http import HttpProbe
from brain_gateway.infrastructure.probes.registry import PROBES, make_probes
from brain_gateway.infrastructure.probes.tcp import TcpProbe
from tests.builders.raw_server import certificate, closed_port, raw_server
from tests.fakes.address_guard import NoGuard
from tests.live.harness.gateway import eventually
from tests.live.harness.valkey import running_valkey
from tests.live.harness.wire import PATIENCE

pytestmark = pytest.mark.anyio
ASKING = ("http", "tcp", "grpc", "redis")
ANSWERING = ("http", "grpc", "redis")


@pytest.fixture(
    params=[("asyncio", {"use_uvloop": flag}) for flag in (False, True)], ids=["asyncio", "uvloop"]
)
def anyio_backend(request):
    return request.param


async def check(probe, port: int, scheme: str = "http", host: str = "127.0.0.1", **policy) -> ProbeResult:
    if isinstance(probe, str):
        probe = PROBES[probe]()
    result = await probe.check(Target(scheme, host, port), ProbePolicy(**({"timeout": PATIENCE} | policy)))
    assert result.latency >= 0
    assert str(port) not in result.detail
    assert host not in result.detail
    return result


def says(*pieces: bytes):
    """A handler that answers what it reads first with these bytes, and then keeps the connection."""

    async def handler(reader, writer):
        await reader.read(65536)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        await reader.read()

    return handler


async def hangs(reader, writer):
    await asyncio.Event().wait()


async def hangs_up(reader, writer):
    await reader.read(1)


async def babbles(reader, writer):
    with contextlib.suppress(OSError):
        while not writer.is_closing():
            writer.write(b"\x00\xff lorem ipsum " * 4096)
            await writer.drain()


# -- every probe ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ASKING)
async def test_nobody_listens(name):
    assert await check(name, closed_port()) == ProbeResult(
        False, pytest.approx(0, abs=PATIENCE), "connection refused"
    )


@pytest.mark.parametrize("name", ASKING)
async def test_a_name_that_does_not_exist(name):
    result = await check(name, 80, host="nowhere.invalid", timeout=5.0)
    assert not result.ok


@pytest.mark.parametrize("name", ANSWERING)
async def test_a_server_that_hangs(name):
    async with raw_server(hangs) as port:
        result = await check(name, port, timeout=0.05)
    assert (result.ok, result.detail) == (False, "no answer within 0.05 s")


@pytest.mark.parametrize("name", ANSWERING)
async def test_a_server_that_hangs_up(name):
    async with raw_server(hangs_up) as port:
        result = await check(name, port)
    assert not result.ok
    assert result.detail in {"closed before the answer was complete", "connection lost"}


@pytest.mark.parametrize("name", ANSWERING)
async def test_a_server_that_babbles(name):
    async with raw_server(babbles) as port:
        assert not (await check(name, port)).ok


@pytest.mark.parametrize("name", ANSWERING)
@pytest.mark.parametrize(
    "answer",
    [b"\r\n", b"SSH-2.0-OpenSSH_9\r\n", b"\x00" * 64, b"HTTP/1.1 2OO OK\r\n\r\n"],
    ids=["empty line", "ssh", "zeros", "letters for a status"],
)
async def test_a_server_of_another_protocol(name, answer):
    async with raw_server(says(answer)) as port:
        result = await check(name, port, timeout=0.3)
    assert not result.ok


async def test_the_registry_makes_one_of_each():
    probes = make_probes(NoGuard())
    assert set(probes) == {"http", "tcp", "grpc", "redis", "none"}
    assert await check(probes["none"], closed_port()) == ProbeResult(True, 0.0, "not probed")


# -- TCP, TLS -----------------------------------------------------------------------------------------------


async def test_tcp_connects():
    async with raw_server(hangs) as port:
        result = await check("tcp", port)
    assert (result.ok, result.detail) == (True, "connected")


async def test_tls_is_verified(tmp_path):
    pem = certificate(tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    trusting = ssl.create_default_context(cafile=pem)
    ok = says(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    async with raw_server(ok, server) as port:
        assert (await check(HttpProbe(lambda: trusting), port, "https")).ok
        assert (await check(TcpProbe(lambda: trusting), port, "https")).ok
        refused = await check("http", port, "https")
        plain = await check("http", port, timeout=0.3)
    assert (refused.ok, refused.detail) == (False, "the TLS certificate is not trusted")
    assert not plain.ok


async def test_tls_to_a_server_without():
    async with raw_server(says(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        result = await check("http", port, "https")
    assert (result.ok, result.detail) == (False, "the TLS handshake failed")


# -- HTTP ---------------------------------------------------------------------------------------------------


STATUSES = {
    200: True,
    204: True,
    301: True,
    399: True,
    400: False,
    404: False,
    429: False,
    500: False,
    503: False,
}


@pytest.mark.parametrize(("status", "ok"), STATUSES.items())
async def test_http_status(status, ok):
    async with raw_server(says(f"HTTP/1.1 {status} Because\r\nServer: x\r\n\r\n".encode())) as port:
        result = await check("http", port)
    assert (result.ok, result.detail) == (ok, f"status {status}")


async def test_http_asks_for_the_path_and_closes():
    seen: list[bytes] = []

    async def handler(reader, writer):
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.0 200\r\n\r\n")
        seen.append(await reader.read())

    async with raw_server(handler) as port:
        assert (await check("http", port, path="/v1/sys/health?standbyok=true")).ok
        await eventually(lambda: len(seen) == 2, "the connection is closed")
    head, rest = seen
    assert head.startswith(b"GET /v1/sys/health?standbyok=true HTTP/1.1\r\n")
    assert f"\r\nHost: 127.0.0.1:{port}\r\n".encode() in head
    assert b"\r\nConnection: close\r\n" in head
    assert rest == b""


async def test_http_waits_past_interim_answers_and_split_packets():
    pieces = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n\r\n"
    async with raw_server(says(*(bytes([byte]) for byte in pieces))) as port:
        assert (await check("http", port)).detail == "status 200"


async def test_http_headers_without_end():
    async with raw_server(says(b"HTTP/1.1 200 OK\r\n", b"A: " + b"b" * 100_000)) as port:
        result = await check("http", port)
    assert (result.ok, result.detail) == (False, "the answer is too long")


# -- Redis --------------------------------------------------------------------------------------------------


async def test_redis_ping(tmp_path):
    with running_valkey(tmp_path) as server:
        result = await check("redis", server.port)
    assert (result.ok, result.detail) == (True, "PONG")


async def test_redis_that_asks_for_a_password_is_alive(tmp_path):
    with running_valkey(tmp_path, "--requirepass", "hush") as server:
        result = await check("redis", server.port)
    assert result.ok
    assert "password" in result.detail


@pytest.mark.parametrize(
    ("answer", "ok", "said"),
    [
        (b"+PONG\r\n", True, "PONG"),
        (b"-NOPERM this user has no permissions\r\n", True, "password"),
        (b"-WRONGPASS invalid\r\n", True, "password"),
        (b"-LOADING Redis is loading the dataset in memory\r\n", False, "loading"),
        (b"-MASTERDOWN Link with MASTER is down\r\n", False, "master"),
        (b"-DENIED Redis is running in protected mode at 10.0.0.7\r\n", False, "protected"),
        (b"-ERR unknown command at 10.0.0.7\r\n", False, "not PONG"),
        (b"+OK\r\n", False, "not PONG"),
        (b"$4\r\nPONG\r\n", False, "not PONG"),
        (b"\r\n", False, "not PONG"),
    ],
)
async def test_redis_answers(answer, ok, said):
    async with raw_server(says(answer)) as port:
        result = await check("redis", port)
    assert (result.ok, "10.0.0.7" in result.detail) == (ok, False)
    assert said in result.detail


# -- gRPC ---------------------------------------------------------------------------------------------------

Status = health_pb2.HealthCheckResponse.ServingStatus


@contextlib.contextmanager
def grpc_server(servicer=None, credentials=None):
    server = grpc.server(futures.ThreadPoolExecutor(2))
    if servicer is not None:
        health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    if credentials is None:
        port = server.add_insecure_port("127.0.0.1:0")
    else:
        port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    try:
        yield port
    finally:
        server.stop(None).wait()


@pytest.mark.parametrize(
    ("status", "ok"),
    [
        (Status.SERVING, True),
        (Status.NOT_SERVING, False),
        (Status.UNKNOWN, False),
        (Status.SERVICE_UNKNOWN, False),
    ],
)
async def test_grpc_health(status, ok):
    servicer = health.HealthServicer()
    servicer.set("", status)
    with grpc_server(servicer) as port:
        result = await check("grpc", port)
    assert (result.ok, result.detail) == (ok, Status.Name(status))


async def test_grpc_health_of_one_service():
    servicer = health.HealthServicer()
    servicer.set("", Status.SERVING)
    servicer.set("temporal.api.workflowservice.v1.WorkflowService", Status.NOT_SERVING)
    with grpc_server(servicer) as port:
        assert (await check("grpc", port, path="/")).ok
        named = await check("grpc", port, path="/temporal.api.workflowservice.v1.WorkflowService")
        unknown = await check("grpc", port, path="/" + "x" * 200)
    assert (named.ok, named.detail) == (False, "NOT_SERVING")
    assert (unknown.ok, unknown.detail) == (False, "the server does not know the service asked about")


async def test_grpc_without_a_health_service_counts_as_connected():
    with grpc_server() as port:
        result = await check("grpc", port)
    assert result.ok
    assert "no health service" in result.detail


async def test_grpc_with_an_error():
    class Broken(health_pb2_grpc.HealthServicer):
        def Check(self, request, context):  # noqa: N802  (the name in the .proto file)
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "not for 10.0.0.7")

    with grpc_server(Broken()) as port:
        result = await check("grpc", port)
    assert (result.ok, result.detail) == (False, "gRPC status 7")


async def test_grpc_over_tls(tmp_path):
    pem = certificate(tmp_path)
    data = pem.read_bytes()
    servicer = health.HealthServicer()
    trusting = ssl.create_default_context(cafile=pem)
    trusting.set_alpn_protocols(["h2"])
    with grpc_server(servicer, grpc.ssl_server_credentials([(data, data)])) as port:
        assert (await check(GrpcProbe(lambda: trusting), port, "https")).detail == "SERVING"
        assert "not trusted" in (await check("grpc", port, "https")).detail


async def test_grpc_to_an_http_1_server():
    async with raw_server(says(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")) as port:
        result = await check("grpc", port)
    assert (result.ok, result.detail) == (False, "the answer is not HTTP/2")


async def test_grpc_to_a_server_that_goes_away():
    settings = struct.pack(">I", 0)[1:] + b"\x04\x00" + b"\x00" * 4
    goaway = struct.pack(">I", 8)[1:] + b"\x07\x00" + b"\x00" * 4 + b"\x00" * 8
    async with raw_server(says(settings + goaway)) as port:
        result = await check("grpc", port)
    assert (result.ok, result.detail) == (False, "the server ended the call without an answer")


# -- all of them at once ------------------------------------------------------------------------------------


async def test_probes_leave_no_connection_open():
    open_now: set[object] = set()

    async def handler(reader, writer):
        open_now.add(writer)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await reader.read()
        open_now.discard(writer)

    async with raw_server(handler) as port:
        results = await asyncio.gather(*(check(HttpProbe(), port) for _ in range(50)))
        assert all(result.ok for result in results)
        await eventually(lambda: not open_now, "all are closed")
