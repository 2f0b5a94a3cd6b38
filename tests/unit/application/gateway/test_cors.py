"""Cross-origin policies (Fetch standard): who may ask, and what an answer says."""

from __future__ import annotations

import pytest

from brain_gateway.application.gateway.cors import preflight, response_lines
from brain_gateway.application.gateway.exchange import Reply
from brain_gateway.domain.routing.service_route import CorsPolicy
from tests.builders.gateway import TENANT, FakeGateway, service
from tests.builders.requests import head

APP = "https://app.example"
NAMED = CorsPolicy(
    origins=(APP, "null"), methods=("PUT", "GET"), headers=("x-b", "authorization"), expose=("X-Total",), max_age=60.9,
)  # fmt: skip
WITH_CREDENTIALS = CorsPolicy(origins=(APP,), credentials=True)
ANYONE = CorsPolicy(origins=("*",))
VARY = ("Vary", "Origin")


def asked(
    policy: CorsPolicy | None, origin: str | None, first: str = "OPTIONS /shop HTTP/1.1", *fields: str
) -> Reply | None:
    gateway = FakeGateway(service(cors=policy))
    lines = [] if origin is None else [f"Origin: {origin}"]
    return preflight(
        gateway.router.table, head(first, *lines, *(fields or ("Access-Control-Request-Method: PUT",)))
    )


ANSWERS = [
    (NAMED, APP, 204, [("Access-Control-Allow-Origin", APP), VARY, ("Access-Control-Allow-Methods",
    "GET, PUT"), ("Access-Control-Max-Age", "60"),
                       ("Access-Control-Allow-Headers", "authorization, x-b")]),
    (NAMED, "null", 204, [("Access-Control-Allow-Origin", "null"), VARY, ("Access-Control-Allow-Methods",
    "GET, PUT"), ("Access-Control-Max-Age", "60"),
                          ("Access-Control-Allow-Headers", "authorization, x-b")]),
    (WITH_CREDENTIALS, APP, 204, [("Access-Control-Allow-Origin", APP), VARY,
    ("Access-Control-Allow-Credentials", "true"),
                                  ("Access-Control-Allow-Methods", "GET, HEAD, POST"),
                                  ("Access-Control-Max-Age", "600")]),
    (ANYONE, "https://any.example", 204, [("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Methods", "GET, HEAD, POST"), ("Access-Control-Max-Age", "600")]),
    (NAMED, "https://evil.example", 403, [VARY, ("Content-Length", "0")]),
    (NAMED, "https://app.example.evil", 403, [VARY, ("Content-Length", "0")]),
    (NAMED, "HTTPS://APP.example", 403, [VARY, ("Content-Length", "0")]),
    (CorsPolicy(), APP, 403, [VARY, ("Content-Length", "0")]),
]  # fmt: skip


@pytest.mark.parametrize(("policy", "origin", "status", "headers"), ANSWERS)
def test_preflights(policy, origin, status, headers):
    reply = asked(policy, origin)
    assert reply is not None
    assert (reply.status, list(reply.headers)) == (status, headers)


@pytest.mark.parametrize(
    ("policy", "origin", "first", "fields"),
    [
        (None, APP, "OPTIONS /shop HTTP/1.1", ()),
        (NAMED, None, "OPTIONS /shop HTTP/1.1", ()),
        (NAMED, APP, "GET /shop HTTP/1.1", ()),
        (NAMED, APP, "OPTIONS /crm HTTP/1.1", ()),
        (NAMED, APP, "OPTIONS /shop HTTP/1.1", ("X-Other: 1",)),
    ],
)
def test_what_is_no_preflight_travels_on(policy, origin, first, fields):
    assert asked(policy, origin, first, *fields) is None


def test_the_policy_of_a_tenants_own_service_is_not_told_to_everyone():
    gateway = FakeGateway(service("own", tenant_id=TENANT, cors=NAMED))
    ask = head("OPTIONS /own HTTP/1.1", f"Origin: {APP}", "Access-Control-Request-Method: PUT")
    assert preflight(gateway.router.table, ask) is None


LINES = [
    (
        NAMED,
        APP,
        [f"Access-Control-Allow-Origin: {APP}", "Vary: Origin", "Access-Control-Expose-Headers: X-Total"],
    ),
    (NAMED, "https://evil.example", ["Vary: Origin"]),
    (NAMED, None, ["Vary: Origin"]),
    (
        WITH_CREDENTIALS,
        APP,
        [f"Access-Control-Allow-Origin: {APP}", "Vary: Origin", "Access-Control-Allow-Credentials: true"],
    ),
    (ANYONE, "https://any.example", ["Access-Control-Allow-Origin: *"]),
]


@pytest.mark.parametrize(("policy", "origin", "expected"), LINES)
def test_what_an_answer_says(policy, origin, expected):
    lines = [] if origin is None else [f"Origin: {origin}"]
    assert response_lines(policy, head("GET /shop HTTP/1.1", *lines)) == [line.encode() for line in expected]
