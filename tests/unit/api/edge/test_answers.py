"""Answers as bytes."""

from __future__ import annotations

import pytest

from brain_gateway.api.edge.answers import (
    cors_headers,
    informational,
    own_answer,
    refusal_headers,
    response_head,
    status_line,
)
from brain_gateway.application.gateway.exchange import Refusal
from brain_gateway.domain import errors
from brain_gateway.domain.http.responses import parse_response
from brain_gateway.domain.routing.service_route import CorsPolicy
from tests.builders.gateway import FakeGateway, service
from tests.builders.requests import head

APP = "https://app.example"
POLICY = CorsPolicy(origins=(APP,), expose=("X-Total",))
OWN = b"HTTP/1.1 200 OK\r\nServer: s\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: 2"


def shown(gateway: FakeGateway, *fields: str, framing: bytes = b"") -> bytes:
    return b"".join(response_head(gateway.admitted(*fields), parse_response(OWN, False), framing))


def test_a_response_is_passed_on_with_its_way_and_its_id():
    assert shown(FakeGateway(), "X-Request-ID: r-1") == (
        b"HTTP/1.1 200 OK\r\nServer: s\r\nContent-Length: 2\r\nAccess-Control-Allow-Origin: *\r\n"
        b"Via: 1.1 brain-gateway\r\nX-Request-ID: r-1\r\n\r\n"
    )
    made = shown(FakeGateway(), framing=b"Connection: close\r\n")
    assert b"\r\nX-Request-ID: 0000" in made
    assert made.endswith(b"\r\nConnection: close\r\n\r\n")


def test_a_policy_goes_before_what_the_service_says():
    crossing = shown(FakeGateway(service(cors=POLICY)), f"Origin: {APP}", "X-Request-ID: r")
    assert crossing == (
        b"HTTP/1.1 200 OK\r\nServer: s\r\nContent-Length: 2\r\n"
        b"Access-Control-Allow-Origin: https://app.example\r\nVary: Origin\r\n"
        b"Access-Control-Expose-Headers: X-Total\r\nVia: 1.1 brain-gateway\r\nX-Request-ID: r\r\n\r\n"
    )
    assert b"Access-Control" not in shown(FakeGateway(service(cors=POLICY)), "Origin: https://evil.example")


INFORMATIONAL = [
    (
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: x",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
    ),
    (b"HTTP/1.1 100 Continue", b"HTTP/1.1 100 Continue\r\n\r\n"),
    (
        b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x",
        b"HTTP/1.1 101 Switching\r\nSec-WebSocket-Accept: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    ),
]


@pytest.mark.parametrize(("got", "passed"), INFORMATIONAL)
def test_interim_answers(got, passed):
    assert informational(parse_response(got, False)) == passed


@pytest.mark.parametrize(
    ("status", "line"),
    [(200, b"HTTP/1.1 200 OK"), (429, b"HTTP/1.1 429 Too Many Requests"), (599, b"HTTP/1.1 599 ")],
)
def test_status_lines(status, line):
    assert status_line(status) == line


def test_what_a_refusal_says_goes_before_what_its_error_always_says():
    refusal = Refusal(errors.MethodNotAllowed(), (("Allow", "GET"), ("Retry-After", "3")))
    assert refusal_headers(refusal, b"12345") == [
        ("Content-Type", "application/problem+json"), ("Content-Length", "5"), ("Cache-Control",
        "no-store"), ("Allow", "GET"), ("Retry-After", "3"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("close", "bodiless", "end"),
    [
        (False, False, b"\r\nA: caf\xe9\r\n\r\nbody"),
        (True, False, b"\r\nA: caf\xe9\r\nConnection: close\r\n\r\nbody"),
        (False, True, b"\r\nA: caf\xe9\r\n\r\n"),
    ],
)
def test_an_answer_of_the_gateway_itself(close, bodiless, end):
    answer = own_answer(403, [("A", "café")], b"body", close, bodiless)
    first, date, _ = answer.split(b"\r\n", 2)
    assert first == b"HTTP/1.1 403 Forbidden"
    assert date.startswith(b"Date: ")
    assert date.endswith(b" GMT")
    assert answer.removeprefix(first + b"\r\n" + date) == end


def test_a_browser_may_read_the_refusals_of_a_service_with_a_policy():
    gateway = FakeGateway(service(cors=POLICY), service("crm"))
    asked = head("GET /shop HTTP/1.1", f"Origin: {APP}")
    for refusal in (gateway.refused(), gateway.refused("Authorization: Bearer wrong")):
        assert dict(cors_headers(refusal, asked))["Access-Control-Allow-Origin"] == APP
    assert cors_headers(gateway.refused(first="GET /crm HTTP/1.1"), asked) == []
    assert cors_headers(Refusal(errors.MalformedRequest()), asked) == []
