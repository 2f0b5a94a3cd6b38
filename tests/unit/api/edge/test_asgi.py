"""The ASGI entry: the same decisions for any ASGI server."""

from __future__ import annotations

import json
from ipaddress import ip_network

import pytest

from brain_gateway.api.edge.runtime import WireLimits
from brain_gateway.application.gateway.forwarding import TrustedProxies
from brain_gateway.domain import errors
from tests.builders.asgi import Asgi
from tests.builders.gateway import TOKEN, FakeGateway, principal, route, service

pytestmark = pytest.mark.anyio


async def test_a_request_reaches_the_service_as_from_the_wire():
    asgi = Asgi()
    status, headers, body = await asgi.ask("GET", "/shop/a%2Fb?q=%20", TOKEN, "X-Request-ID: r-1")
    assert (status, body) == (200, b"GET /api/a%2Fb?q=%20 HTTP/1.1|")
    assert (headers["via"], headers["x-request-id"], headers["content-length"]) == (
        "1.1 brain-gateway",
        "r-1",
        str(len(body)),
    )
    head = asgi.sent[0].head
    assert head.startswith(
        b"GET /api/a%2Fb?q=%20 HTTP/1.1\r\nHost: shop:9000\r\nauthorization: Bearer good-token\r\nx-request-id: r-1\r\n"
    )
    assert b"\r\nX-Forwarded-For: 203.0.113.9\r\n" in head


async def test_a_server_without_raw_paths():
    asgi = Asgi()
    await asgi.ask("GET", "/shop/x", TOKEN, raw_path=None)
    assert asgi.sent[0].head.startswith(b"GET /api/x HTTP/1.1\r\n")


BODIES = [
    ("Content-Length: 5", b"hello"),
    ("Transfer-Encoding: chunked", b"hello"),
    ("Content-Length: 0", b""),
]


@pytest.mark.parametrize(("field", "body"), BODIES)
async def test_bodies(field, body):
    asgi = Asgi()
    status, _, answered = await asgi.ask("POST", "/shop", TOKEN, field, body=body)
    assert (status, answered) == (200, b"POST /api HTTP/1.1|" + body)


@pytest.mark.parametrize("version", ["2", "3"])
async def test_a_body_that_no_field_announces(version):
    """HTTP/2 needs neither length nor chunks: unframed bytes would be the service's next request."""
    asgi = Asgi()
    await asgi.ask(
        "POST", "/shop", TOKEN, body=b"GET /admin HTTP/1.1\r\nHost: x\r\n\r\n", http_version=version
    )
    for connection in asgi.sent:
        assert connection.body == b"" or b"\r\nTransfer-Encoding: chunked\r\n" in connection.head


@pytest.mark.parametrize(
    ("version", "status"), [("1.0", 200), ("1.1", 200), ("2", 200), ("3", 200), ("0.9", 505)]
)
async def test_versions(version, status):
    assert (await Asgi().ask("GET", "/shop", TOKEN, http_version=version))[0] == status


REFUSALS = [
    ("GET", "/shop", (), 401, "credentials-missing"),
    ("GET", "/shop", ("Authorization: Bearer wrong",), 401, "credentials-invalid"),
    ("GET", "/nothing", (TOKEN,), 404, "service-not-found"),
    ("GET", "/shop/%2e%2e/x", (TOKEN,), 400, "malformed-request"),
    ("GET", "/shop/admin%2f", (TOKEN,), 400, "malformed-request"),
    ("GET", "/shop", (TOKEN, "Connection: Upgrade", "Upgrade: websocket"), 501, "not-implemented-by-gateway"),
    ("POST", "/shop", (TOKEN, "Content-Length: 5", "Transfer-Encoding: chunked"), 400, "malformed-request"),
    ("GET", "/shop", (TOKEN, "Content-Length: x"), 400, "malformed-request"),
    ("CONNECT", "/shop", (TOKEN,), 405, "method-not-allowed"),
    ("GET", "/shop/" + "a" * 20_000, (TOKEN,), 414, "target-too-long"),
]


@pytest.mark.parametrize(("method", "target", "fields", "status", "kind"), REFUSALS)
async def test_refusals_are_problem_documents(method, target, fields, status, kind):
    asgi = Asgi(FakeGateway(service(routes=(route("/admin"),))))
    found, headers, body = await asgi.ask(method, target, *fields)
    assert (found, json.loads(body)["type"]) == (status, f"urn:brain-gateway:problem:{kind}")
    assert (headers["content-type"], headers["content-length"]) == (
        "application/problem+json",
        str(len(body)),
    )
    assert headers["x-request-id"] == json.loads(body)["request_id"]
    assert asgi.sent == []
    (record,) = asgi.gateway.log.records
    assert (record.status, record.request_id) == (status, headers["x-request-id"])


async def test_a_head_request_is_refused_without_a_body():
    _, headers, body = await Asgi().ask("HEAD", "/shop")
    assert (body, int(headers["content-length"]) > 0) == (b"", True)


async def test_heads_are_bounded():
    gateway = FakeGateway(wire_limits=WireLimits(header_bytes=200))
    status, _, _ = await Asgi(gateway).ask("GET", "/shop", TOKEN, "X-Long: " + "a" * 200)
    assert status == 431


async def test_options_star():
    status, headers, body = await Asgi().ask("OPTIONS", "*")
    assert (status, body) == (204, b"")
    assert "GET" in headers["allow"]


async def test_websockets_are_for_the_protocol_entry():
    asgi = Asgi()
    await asgi.start("GET", "/shop", type="websocket")
    assert [message["type"] for message in asgi.messages] == ["websocket.close"]


async def test_a_token_whose_keys_must_be_fetched():
    gateway = FakeGateway()
    gateway.tokens.arriving[b"new"] = principal()
    assert (await Asgi(gateway).ask("GET", "/shop", "Authorization: Bearer new"))[0] == 200

    async def away(token: bytes) -> None:
        """The issuer does not answer."""

    gateway.tokens.arriving[b"newer"] = principal()
    gateway.tokens.resolve = away
    status, _, body = await Asgi(gateway).ask("GET", "/shop", "Authorization: Bearer newer")
    assert (status, json.loads(body)["type"]) == (503, "urn:brain-gateway:problem:identity-unavailable")


CLIENTS = [
    (("10.0.0.7", 1), b"198.51.100.1, 10.0.0.7"),
    (("::ffff:10.0.0.7", 1), b"198.51.100.1, 10.0.0.7"),
    (("203.0.113.9", 1), b"203.0.113.9"),
    (("testclient", 50000), b"unknown"),
    (('1.2.3.4", for=6.6.6.6', 1), b"unknown"),
    (None, b"127.0.0.1"),
]


@pytest.mark.parametrize(("address", "told"), CLIENTS)
async def test_who_is_at_the_other_end(address, told):
    asgi = Asgi(FakeGateway(trusted=TrustedProxies((ip_network("10.0.0.0/8"),))))
    await asgi.ask("GET", "/shop", TOKEN, "X-Forwarded-For: 198.51.100.1", client=address, scheme="https")
    head = asgi.sent[0].head.lower()
    assert b"\r\nx-forwarded-for: " + told + b"\r\n" in head
    assert b"\r\nx-forwarded-proto: https\r\n" in head


async def test_a_service_that_cannot_be_reached():
    asgi = Asgi(answering=lambda connection: connection.fail(errors.UpstreamUnreachable()))
    status, headers, _ = await asgi.ask("GET", "/shop", TOKEN)
    assert (status, headers["retry-after"]) == (503, "1")
