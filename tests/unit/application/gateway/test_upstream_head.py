"""The head that a service gets, byte for byte."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.application.gateway.exchange import ClientAddress, Exchange
from brain_gateway.application.gateway.forwarding import TrustedProxies
from brain_gateway.application.gateway.upstream_head import build
from brain_gateway.domain.http.requests import Request
from tests.builders.gateway import KEY, TENANT, TOKEN, FakeGateway, principal, route, service
from tests.builders.requests import client, head

CONTEXT = f"traceparent: 00-{'a' * 32}-{'b' * 16}-01"
IDS = ("X-Request-ID: r", CONTEXT)
IDENTITY = (f"X-Tenant-ID: {TENANT}", "X-User-ID: u-1", "X-User-Roles: client")
FORWARDED = (
    "X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: http", "X-Forwarded-Host: gw.example",
    'Forwarded: for=203.0.113.9;proto=http;host="gw.example"',
)  # fmt: skip
VIA = "Via: 1.1 brain-gateway"


def wire(*lines: str) -> str:
    return "\r\n".join((*lines, "", ""))


def built(
    gateway: FakeGateway,
    first: str,
    *fields: str,
    host: str | None = "Host: gw.example",
    caller: ClientAddress | None = None,
) -> str:
    exchange = gateway.admit(head(first, *fields, host=host), caller)
    assert isinstance(exchange, Exchange), exchange
    return build(exchange).decode("latin-1")


def test_a_plain_request():
    assert built(FakeGateway(), "GET /shop/items?q=1 HTTP/1.1", "Accept: */*", TOKEN, *IDS, "Cookie: a=b") == wire(
        "GET /api/items?q=1 HTTP/1.1", "Host: shop:9000", "Accept: */*", TOKEN, "X-Request-ID: r", "Cookie: a=b",
        CONTEXT, *FORWARDED, *IDENTITY, VIA,
    )  # fmt: skip


def test_ids_that_were_made():
    gateway = FakeGateway()
    exchange = gateway.admitted()
    assert build(exchange).decode() == wire(
        "GET /api/items HTTP/1.1", "Host: shop:9000", TOKEN, exchange.id_line.decode(),
        exchange.trace_line.decode(), *FORWARDED, *IDENTITY, VIA,
    )  # fmt: skip


# Paths

PATHS = [
    ("/api", "/shop", "/api"),
    ("/api", "/shop/", "/api/"),
    ("/api", "/shop?q", "/api?q"),
    ("/api", "/shop//a", "/api//a"),
    ("/api", "/shop/a%2Fb%20c?d=%zz&e=/../", "/api/a%2Fb%20c?d=%zz&e=/../"),
    ("/api", "/brain-gateway/shop/a", "/api/a"),
    ("/api", "http://other/shop/a?b", "/api/a?b"),
    ("", "/shop", "/"),
    ("", "/shop/", "/"),
    ("", "/shop/a", "/a"),
    ("", "/shop?q=1", "/?q=1"),
    ("", "http://other/shop?q", "/?q"),
    ("/", "/shop/a", "/a"),
]


@pytest.mark.parametrize(("prefix", "target", "expected"), PATHS)
def test_the_path_is_the_prefix_and_the_rest_as_sent(prefix, target, expected):
    text = built(FakeGateway(service(prefix=prefix)), f"PATCH {target} HTTP/1.1", TOKEN)
    assert text.split("\r\n")[0] == f"PATCH {expected} HTTP/1.1"


# Host

HOSTS = [
    ("upstream", "http://shop:9000", "Host: gw.example", "Host: shop:9000"),
    ("upstream", "http://shop:80", "Host: gw.example", "Host: shop"),
    ("upstream", "https://shop:443", "Host: gw.example", "Host: shop"),
    ("upstream", "https://shop:80", "Host: gw.example", "Host: shop:80"),
    ("upstream", "http://[::1]:80", "Host: gw.example", "Host: [::1]"),
    ("preserve", "http://shop:9000", "Host:  GW.example:8001 ", "Host:  GW.example:8001 "),
    ("preserve", "http://shop:9000", None, "Host: shop:9000"),
    ("crm.internal:81", "http://shop:9000", "Host: gw.example", "Host: crm.internal:81"),
    ("crm.internal:81", "http://shop:9000", None, "Host: crm.internal:81"),
]


@pytest.mark.parametrize(("policy", "origin", "sent", "expected"), HOSTS)
def test_the_host_policy(policy, origin, sent, expected):
    version = "1.1" if sent else "1.0"
    text = built(
        FakeGateway(service("shop", origin, host_header=policy)),
        f"GET /shop HTTP/{version}",
        TOKEN,
        host=sent,
    )
    assert [line for line in text.split("\r\n") if line.startswith("Host")] == [expected]


def test_the_authority_of_the_target_is_the_host_that_is_preserved():
    text = built(
        FakeGateway(service(host_header="preserve")), "GET http://other.example/shop HTTP/1.1", TOKEN
    )
    assert "Host: other.example\r\n" in text
    assert "X-Forwarded-Host: other.example\r\n" in text


def test_a_request_without_host_has_none_to_forward():
    text = built(FakeGateway(), "GET /shop HTTP/1.0", TOKEN, host=None)
    assert "X-Forwarded-Host" not in text
    assert "Forwarded: for=203.0.113.9;proto=http\r\n" in text


# Framing

FRAMINGS = [
    (("Content-Length: 3",), ["Content-Length: 3"]),
    (("Transfer-Encoding: chunked",), ["Transfer-Encoding: chunked"]),
    (("TRANSFER-ENCODING: Chunked", "TE: trailers", "Trailer: X"), ["Transfer-Encoding: chunked"]),
    (("Connection: close, X-Hop", "X-Hop: 1", "Keep-Alive: 5"), []),
    (
        ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: k"),
        ["Sec-WebSocket-Key: k", "Connection: Upgrade", "Upgrade: websocket"],
    ),
    (("Connection: Upgrade", "Upgrade: h2c", "HTTP2-Settings: x"), []),
    (("Upgrade: websocket",), []),
    (("Expect: 100-continue", "Content-Length: 3"), ["Expect: 100-continue", "Content-Length: 3"]),
    (("Proxy-Authorization: Basic x", "Proxy-Connection: keep-alive"), []),
]


@pytest.mark.parametrize(("fields", "expected"), FRAMINGS)
def test_what_ends_at_this_hop_and_what_is_said_anew(fields, expected):
    lines = built(FakeGateway(), "POST /shop HTTP/1.1", *fields, TOKEN, *IDS).split("\r\n")
    common = {"POST /api HTTP/1.1", "Host: shop:9000", TOKEN, *IDS, *FORWARDED, *IDENTITY, VIA, ""}
    assert [line for line in lines if line not in common] == expected


# Who asks

SPOOFED = (
    f"x-tenant-id: {TENANT}", "X-User-ID: root", "X-User-Roles: super_admin", "X_User_Roles: super_admin",
    "X-Forwarded-For: 6.6.6.6", "x-forwarded-proto: https",
    "X-Forwarded-Prefix: /x", "Forwarded: for=6.6.6.6", "X-Real-IP: 6.6.6.6", "X-Original-URL: /admin",
    "X-Rewrite-URL: /admin", "X_Forwarded_For: 6.6.6.6",
    "X-Consumer-Username: root", "X-Authenticated-User: root", "X_Tenant_ID: x",
)  # fmt: skip


def test_nothing_that_only_the_gateway_may_say_comes_from_a_client():
    plain = built(FakeGateway(), "GET /shop HTTP/1.1", TOKEN, *IDS)
    assert built(FakeGateway(), "GET /shop HTTP/1.1", *SPOOFED, TOKEN, *IDS) == plain


def test_an_anonymous_caller_is_nobody():
    gateway = FakeGateway(service(routes=(route("/login", public=True),)))
    text = built(gateway, "GET /shop/login HTTP/1.1", *SPOOFED, *IDS)
    assert text == wire(
        "GET /api/login HTTP/1.1", "Host: shop:9000", "X-Request-ID: r", CONTEXT, *FORWARDED, VIA
    )


CREDENTIALS = [
    ((TOKEN,), [TOKEN]),
    ((KEY,), []),
    (("Authorization: Bearer bgk_a-good-key",), []),
    (("Authorization: bearer bgk_a-good-key", "X-Other: 1"), ["X-Other: 1"]),
    ((KEY, "Authorization: Basic dXNlcjpwdw=="), ["Authorization: Basic dXNlcjpwdw=="]),
]


@pytest.mark.parametrize(("fields", "travel"), CREDENTIALS)
def test_tokens_travel_and_keys_do_not(fields, travel):
    lines = built(FakeGateway(), "GET /shop HTTP/1.1", *fields, *IDS).split("\r\n")
    common = {"GET /api HTTP/1.1", "Host: shop:9000", *IDS, *FORWARDED, *IDENTITY, VIA, ""}
    assert [line for line in lines if line not in common] == travel


# Whom they speak for

ADDRESSES = [
    (
        "203.0.113.9",
        "http",
        "X-Forwarded-For: 203.0.113.9",
        'Forwarded: for=203.0.113.9;proto=http;host="gw.example"',
    ),
    (
        "2001:db8::1",
        "https",
        "X-Forwarded-For: 2001:db8::1",
        'Forwarded: for="[2001:db8::1]";proto=https;host="gw.example"',
    ),
]


@pytest.mark.parametrize(("address", "scheme", "forwarded_for", "forwarded"), ADDRESSES)
def test_the_client_is_named(address, scheme, forwarded_for, forwarded):
    lines = built(FakeGateway(), "GET /shop HTTP/1.1", TOKEN, caller=client(address, scheme)).split("\r\n")
    assert forwarded_for in lines
    assert forwarded in lines
    assert f"X-Forwarded-Proto: {scheme}" in lines


CHAINS = [
    ((), FORWARDED),
    (
        ("X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https"),
        ("X-Forwarded-For: 192.0.2.1, 203.0.113.9", "X-Forwarded-Proto: https", FORWARDED[3],
        "X-Forwarded-Host: gw.example"),
    ),
    (
        ("x-forwarded-for: 192.0.2.1", "X-Forwarded-For: 192.0.2.2", "X-Forwarded-Host: shop.example"),
        ("x-forwarded-for: 192.0.2.1, 192.0.2.2, 203.0.113.9", "X-Forwarded-Host: shop.example",
        FORWARDED[3], "X-Forwarded-Proto: http"),
    ),
    (
        ("Forwarded: for=192.0.2.1;proto=https", "Forwarded: for=192.0.2.2"),
        ("Forwarded: for=192.0.2.1;proto=https, for=192.0.2.2, " + FORWARDED[3].partition(": ")[2], *FORWARDED[:3]),
    ),
    (("X-Forwarded-Prefix: /x",), ("X-Forwarded-Prefix: /x", *FORWARDED)),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "expected"), CHAINS)
def test_a_trusted_proxys_account_is_continued(fields, expected):
    gateway = FakeGateway(trusted=TrustedProxies((ip_network("203.0.113.0/24"),)))
    text = built(gateway, "GET /shop HTTP/1.1", *fields, TOKEN, *IDS, caller=client(trusted=True))
    lines = text.split("\r\n")
    told = lines[lines.index(CONTEXT) + 1 : lines.index(IDENTITY[0])]
    assert sorted(told) == sorted(expected)


# The tail is remembered per connection

ASKED = st.tuples(
    st.sampled_from(["/shop/a", "/crm/b", "http://abs.example/shop"]), st.sampled_from([TOKEN, KEY]),
    st.sampled_from(["Host: one", "Host: two"]),
    st.sampled_from([(), ("X-Forwarded-For: 1.1.1.1",)]),
)  # fmt: skip


@given(st.lists(ASKED, max_size=8), st.booleans())
def test_what_a_connection_remembers_changes_nothing(requests, trusted):
    proxies = TrustedProxies((ip_network("0.0.0.0/0"),)) if trusted else None
    gateway = FakeGateway(service(), service("crm"), trusted=proxies)
    same = client(trusted=trusted)
    last: Request | None = None
    for target, credential, host, fields in requests:
        fresh = head(f"GET {target} HTTP/1.1", *fields, credential, *IDS, host=host)
        asked = head(f"GET {target} HTTP/1.1", *fields, credential, *IDS, host=host)
        if last is not None and last.fields.joined == asked.fields.joined and last.special == asked.special:
            asked.fields = last.fields  # as a connection does whose fields repeat
        last = asked
        answers = [gateway.admit(asked, same), gateway.admit(fresh, client(trusted=trusted))]
        assert build(answers[0]) == build(answers[1])


@pytest.mark.parametrize("trusted", [False, True])
def test_the_absolute_form_is_told_for_its_own_request_alone(trusted):
    gateway, same = FakeGateway(), client(trusted=trusted)
    plain, absolute = (
        head(f"GET {target} HTTP/1.1", TOKEN) for target in ("/shop", "http://abs.example/shop")
    )
    absolute.fields = plain.fields
    told = [build(gateway.admit(asked, same)) for asked in (plain, absolute, plain)]
    hosts = [b"X-Forwarded-Host: abs.example\r\n" in text for text in told]
    assert hosts == [False, True, False]


def test_a_caller_whose_roles_changed_is_told_anew_on_the_same_connection():
    gateway, same, asked = FakeGateway(), client(), head("GET /shop HTTP/1.1", KEY)
    first = gateway.admit(asked, same)
    assert b"\r\nX-User-Roles: client\r\n" in build(first)
    gateway.keys.keys[b"bgk_a-good-key"] = principal(TENANT, "manager", scheme="api_key")
    gateway.sessions.end_all(lambda known: True)
    assert b"\r\nX-User-Roles: manager\r\n" in build(gateway.admit(asked, same))


def test_each_attempt_names_its_own_target():
    gateway = FakeGateway(service("shop", "http://a:1", "http://b:2"))
    exchange = gateway.admitted()
    exchange.target = gateway.target(at=1)
    assert b"\r\nHost: b:2\r\n" in build(exchange)
