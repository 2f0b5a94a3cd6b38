"""Admission: every refusal, their order, and what an admitted request carries."""

from __future__ import annotations

import asyncio

import pytest

from brain_gateway.application.gateway import limit_leases
from brain_gateway.application.gateway.deferred import Deferred
from brain_gateway.application.gateway.exchange import Exchange, Refusal, Reply
from brain_gateway.application.gateway.forwarding import TrustedProxies
from brain_gateway.application.gateway.identification import Unverified
from brain_gateway.application.gateway.lanes import LimitRegistry
from brain_gateway.application.gateway.limit_leases import LimitDesk
from brain_gateway.domain import errors
from brain_gateway.domain.resilience.circuit_breaker import BreakerPolicy
from brain_gateway.domain.resilience.rate_limit import LimitClasses, RateLimit
from brain_gateway.domain.routing.service_route import (
    CorsPolicy,
    ProbePolicy,
    ServiceKind,
    ServiceRoute,
    Timeouts,
)
from brain_gateway.domain.routing.target import Target
from tests.builders.gateway import KEY, OTHER_TENANT, TENANT, TOKEN, FakeGateway, principal, route, service
from tests.builders.requests import client, head
from tests.fakes.limit_store import MemoryLimits, StoredLimits
from tests.fakes.manual_clock import ManualClock

UPGRADE = ("Connection: Upgrade", "Upgrade: websocket")


def refusal_of(answer: object) -> type[errors.GatewayError]:
    assert isinstance(answer, Refusal), answer
    return type(answer.error)


def bearer(token: str) -> str:
    return f"Authorization: Bearer {token}"


# The order: a request that is wrong in every way hears the first reason; mended, the next


def test_the_order_of_refusals():
    gateway = FakeGateway(
        service(
            routes=(route("/items", "POST", limit=RateLimit(1, 60.0)),), strict=True,
            roles=frozenset({"manager"}), max_body=10,
            websocket=False, breaker=BreakerPolicy(failures=1),
        )
    )  # fmt: skip
    manager = "Authorization: Bearer manager"
    gateway.tokens.tokens |= {b"manager": principal(TENANT, "manager"), b"old": errors.CredentialsExpired()}
    gateway.target().breaker.trip(gateway.clock.now)
    wrong_tenant, large = f"X-Tenant-ID: {OTHER_TENANT}", "Content-Length: 11"
    asked = [
        (errors.ServiceNotFound, "POST /nothing/items", [bearer("wrong"), wrong_tenant, large, *UPGRADE]),
        (errors.CredentialsInvalid, "GET /shop/items/9", [bearer("wrong"), wrong_tenant, large, *UPGRADE]),
        (errors.CredentialsExpired, "GET /shop/items/9", [bearer("old"), wrong_tenant, large, *UPGRADE]),
        (errors.CredentialsMissing, "GET /shop/items/9", [wrong_tenant, large, *UPGRADE]),
        (errors.CredentialsMissing, "POST /shop/items", [wrong_tenant, large, *UPGRADE]),
        (errors.RoleRequired, "GET /shop/items/9", [TOKEN, wrong_tenant, large, *UPGRADE]),
        (errors.RoleRequired, "POST /shop/items", [TOKEN, wrong_tenant, large, *UPGRADE]),
        (errors.RouteNotFound, "GET /shop/items/9", [manager, wrong_tenant, large, *UPGRADE]),
        (errors.MethodNotAllowed, "GET /shop/items", [manager, wrong_tenant, large, *UPGRADE]),
        (errors.TenantMismatch, "POST /shop/items", [manager, wrong_tenant, large, *UPGRADE]),
        (errors.BodyTooLarge, "POST /shop/items", [manager, large, *UPGRADE]),
        (errors.UpgradeRefused, "POST /shop/items", [manager, *UPGRADE]),
        (errors.CircuitOpen, "POST /shop/items", [manager]),
        (
            errors.RateLimitExceeded,
            "POST /shop/items",
            [manager],
        ),  # the window counts before the target is asked
    ]
    for expected, first, fields in asked:
        assert refusal_of(gateway.admit(head(f"{first} HTTP/1.1", *fields))) is expected


# Services and tenants


def test_a_name_of_another_tenant_is_no_name():
    own = service("crm", "http://own:1", tenant_id=TENANT)
    foreign = service("secret", "http://foreign:1", tenant_id=OTHER_TENANT)
    gateway = FakeGateway(service("shop"), own, foreign, service("crm", "http://shared:1"))
    assert (
        gateway.admitted(first="GET /crm/x HTTP/1.1").target.name == "http://own:1"
    )  # shadows the global one
    for fields in ((TOKEN,), (KEY,), (), (bearer("wrong"),)):
        answers = [gateway.admit(head(f"GET /{name}/x HTTP/1.1", *fields)) for name in ("secret", "nothing")]
        assert [refusal_of(answer) for answer in answers] == [errors.ServiceNotFound] * 2
        assert answers[0].headers == answers[1].headers
    gateway.tokens.tokens[b"other"] = principal(OTHER_TENANT)
    stranger = gateway.admit(head("GET /crm/x HTTP/1.1", bearer("other")))
    assert isinstance(stranger, Exchange)
    assert stranger.target.name == "http://shared:1"


@pytest.mark.parametrize("changes", [{"exposed": False}, {"kind": ServiceKind.INTERNAL}])
def test_a_service_that_is_not_exposed_is_not_there(changes):
    gateway = FakeGateway(service(**changes))
    assert refusal_of(gateway.admit()) is errors.ServiceNotFound
    assert refusal_of(gateway.refused()) is errors.ServiceNotFound


def test_the_alias_prefix_means_the_same():
    exchange = FakeGateway().admitted(first="GET /brain-gateway/shop/items HTTP/1.1")
    assert (exchange.lane.entry.name, exchange.head.line.rest) == ("shop", b"/items")


# Credentials

CREDENTIALS = [
    ((), errors.CredentialsMissing),
    (("Authorization: Basic dXNlcjpwdw==",), errors.CredentialsMissing),
    (("Authorization: Bearer wrong",), errors.CredentialsInvalid),
    (("Authorization: Bearer ",), errors.CredentialsInvalid),
    (("X-API-Key: bgk_unknown",), errors.CredentialsInvalid),
    (("X-API-Key: not-a-key",), errors.CredentialsInvalid),
    (("Authorization: Bearer bgk_unknown",), errors.CredentialsInvalid),
    (("Authorization: Bearer old",), errors.CredentialsExpired),
    (("Authorization: Bearer no-keys",), errors.IdentityUnavailable),
    ((TOKEN, KEY), errors.CredentialsInvalid),
    (("X-Tenant-ID: " + TENANT,), errors.CredentialsMissing),
    (("X-User-ID: root", "X-User-Roles: super_admin"), errors.CredentialsMissing),
]


@pytest.mark.parametrize(("fields", "expected"), CREDENTIALS)
def test_who_is_nobody(fields, expected):
    gateway = FakeGateway()
    gateway.tokens.tokens[b"old"] = principal(expires_at=gateway.clock.unix() - 1)
    gateway.tokens.tokens[b"no-keys"] = errors.IdentityUnavailable()
    gateway.admit(head("GET /shop/x HTTP/1.1", KEY))  # a key that is remembered changes nothing
    assert refusal_of(gateway.refused(*fields)) is expected


@pytest.mark.parametrize(
    "line",
    [
        TOKEN,
        KEY,
        "Authorization: bearer good-token",
        "authorization:Bearer bgk_a-good-key",
        "x-api-key:good-token",
    ],
)
def test_who_is_somebody(line):
    assert isinstance(FakeGateway().admit(head("GET /shop HTTP/1.1", line)), Exchange)


def test_a_token_whose_keys_are_not_here_waits_beside_the_path():
    gateway = FakeGateway()
    gateway.tokens.arriving[b"new"] = principal()
    waiting = gateway.admit(head("GET /shop HTTP/1.1", bearer("new")))
    assert isinstance(waiting, Unverified)
    assert waiting.token == b"new"


@pytest.mark.parametrize(("roles", "wanted", "admitted"), [
    (("client",), {"manager"}, False), (("manager", "client"), {"manager", "super_admin"}, True), ((),
    {"manager"}, False), ((), set(), True),
])  # fmt: skip
def test_roles_of_a_service(roles, wanted, admitted):
    gateway = FakeGateway(service(roles=frozenset(wanted)))
    gateway.tokens.tokens[b"good-token"] = principal(TENANT, *roles or ("none",))
    assert isinstance(gateway.admit(), Exchange) is admitted


def test_a_role_that_is_missing_is_named():
    gateway = FakeGateway(service(roles=frozenset({"b", "a"})))
    answer = gateway.refused(TOKEN)
    assert answer.error.detail == "one of these roles is needed: a, b"


@pytest.mark.parametrize(
    ("named", "admitted"), [(TENANT, True), (TENANT.upper(), True), (OTHER_TENANT, False), ("", False)]
)
def test_x_tenant_id_may_only_agree(named, admitted):
    for line in (TOKEN, KEY):
        answer = FakeGateway().admit(head("GET /shop HTTP/1.1", line, f"X-Tenant-ID: {named}"))
        assert isinstance(answer, Exchange) or refusal_of(answer) is errors.TenantMismatch
        assert isinstance(answer, Exchange) is admitted


# Sessions


def test_a_verified_token_is_remembered_until_it_expires():
    gateway = FakeGateway()
    gateway.tokens.tokens[b"good-token"] = principal(expires_at=gateway.clock.unix() + 60)
    for _ in range(3):
        gateway.admitted()
    assert gateway.tokens.verified == [b"good-token"]
    gateway.clock.tick(59.9)
    gateway.admitted()
    gateway.clock.tick(0.1)
    assert refusal_of(gateway.admit()) is errors.CredentialsExpired


def test_a_connection_remembers_its_caller_for_the_same_fields_alone():
    gateway = FakeGateway()
    same = client()
    asked = head("GET /shop HTTP/1.1", TOKEN)
    gateway.admit(asked, same)
    assert same.session is not None
    assert isinstance(gateway.admit(asked, same), Exchange)
    assert refusal_of(gateway.admit(head("GET /shop HTTP/1.1"), same)) is errors.CredentialsMissing
    assert (
        refusal_of(gateway.admit(head("GET /shop HTTP/1.1", bearer("wrong")), same))
        is errors.CredentialsInvalid
    )


def test_a_connection_does_not_outlive_its_token():
    gateway = FakeGateway()
    gateway.tokens.tokens[b"good-token"] = principal(expires_at=gateway.clock.unix() + 60)
    same, asked = client(), head("GET /shop HTTP/1.1", TOKEN)
    gateway.admit(asked, same)
    gateway.clock.tick(60)
    assert refusal_of(gateway.admit(asked, same)) is errors.CredentialsExpired


def test_a_revoked_key_is_refused_at_once_also_on_a_connection_that_used_it():
    gateway = FakeGateway()
    same, asked = client(), head("GET /shop HTTP/1.1", KEY)
    gateway.admit(asked, same)
    del gateway.keys.keys[b"bgk_a-good-key"]
    assert isinstance(gateway.admit(asked, same), Exchange)  # remembered
    gateway.sessions.end_all(lambda known: known.scheme == "api_key")
    assert refusal_of(gateway.admit(asked, same)) is errors.CredentialsInvalid
    assert isinstance(gateway.admit(), Exchange)  # the token's session goes on


# Routes


def test_a_strict_service_has_its_listed_routes_alone():
    gateway = FakeGateway(
        service(strict=True, routes=(route("/items/{id:int}", "GET", "PUT"), route("/all")))
    )
    gateway.admitted(first="GET /shop/items/7?x HTTP/1.1")
    gateway.admitted(first="HEAD /shop/items/7 HTTP/1.1")
    gateway.admitted(first="PURGE /shop/all/ HTTP/1.1")
    assert refusal_of(gateway.refused(TOKEN, first="GET /shop/items/x HTTP/1.1")) is errors.RouteNotFound
    refused = gateway.refused(TOKEN, first="DELETE /shop/items/7 HTTP/1.1")
    assert refusal_of(refused) is errors.MethodNotAllowed
    assert refused.headers == (("Allow", "GET, HEAD, PUT"),)


def test_a_service_that_is_not_strict_passes_what_it_does_not_list():
    gateway = FakeGateway(service(routes=(route("/items", "GET", roles=frozenset({"manager"})),)))
    gateway.admitted(first="GET /shop/other HTTP/1.1")
    gateway.admitted(first="POST /shop/items HTTP/1.1")
    assert refusal_of(gateway.refused(TOKEN)) is errors.RoleRequired


SPELLINGS = ["/admin", "/admin/", "//admin", "/%61dmin", "/admin?x", "/admin//"]
AMBIGUOUS = ["/admin;a=1", "/;/admin", "/admin%3Bx", "/%2Fadmin", "/admin%2f", "/admin;a%2fb"]


def guarded() -> FakeGateway:
    return FakeGateway(service(routes=(route("/admin", roles=frozenset({"manager"})),)))


@pytest.mark.parametrize("rest", SPELLINGS)
def test_no_spelling_walks_around_the_roles_of_a_route(rest):
    assert refusal_of(guarded().refused(TOKEN, first=f"GET /shop{rest} HTTP/1.1")) is errors.RoleRequired


@pytest.mark.parametrize("rest", AMBIGUOUS)
def test_a_path_that_services_could_read_as_another_route_is_refused(rest):
    gateway = guarded()
    first = f"GET /shop{rest} HTTP/1.1"
    for _ in range(2):
        assert refusal_of(gateway.refused(TOKEN, first=first)) is errors.MalformedRequest
    assert refusal_of(gateway.refused(bearer("wrong"), first=first)) is errors.CredentialsInvalid


def test_encoded_slashes_are_data_where_no_route_is_at_stake():
    gateway = FakeGateway(service(routes=(route("/admin"),)))
    gateway.admitted(first="GET /shop/files/a%2Fb;v=1 HTTP/1.1")


def test_public_routes_are_for_everyone():
    gateway = FakeGateway(
        service(roles=frozenset({"manager"}), routes=(route("/login", "POST", public=True),))
    )
    for fields in ((), (TOKEN,), (bearer("wrong"),), ("X-Tenant-ID: " + TENANT,)):
        answer = gateway.admit(head("POST /shop/login HTTP/1.1", *fields))
        assert isinstance(answer, Exchange), fields
        assert (answer.lane.session.principal is None) == (TOKEN not in fields)
    assert refusal_of(gateway.refused(first="POST /shop/other HTTP/1.1")) is errors.CredentialsMissing
    assert refusal_of(gateway.refused(first="GET /shop/login HTTP/1.1")) is errors.CredentialsMissing
    assert (
        refusal_of(gateway.refused(bearer("wrong"), first="GET /shop/login HTTP/1.1"))
        is errors.CredentialsInvalid
    )


# Limits


def admitted_of(
    gateway: FakeGateway,
    count: int,
    *fields: str,
    first: str = "GET /shop/items HTTP/1.1",
    address: str = "203.0.113.9",
) -> int:
    answers = [gateway.admit(head(first, *fields), client(address)) for _ in range(count)]
    refused = [answer for answer in answers if not isinstance(answer, Exchange)]
    assert {refusal_of(answer) for answer in refused} <= {errors.RateLimitExceeded}
    return count - len(refused)


CLASSES = LimitClasses(RateLimit(3, 60.0), RateLimit(2, 60.0), RateLimit(5, 60.0), RateLimit(1, 60.0))


def limited_gateway() -> FakeGateway:
    public = route("/login", public=True)
    gateway = FakeGateway(
        service("shop", routes=(public,)), service("crm"), service("agents", kind=ServiceKind.AI),
        service("own-limit", limit=RateLimit(4, 60.0), routes=(public, route("/slow", limit=RateLimit(1, 60.0)))),
        classes=CLASSES,
    )  # fmt: skip
    gateway.tokens.tokens |= {
        b"admin": principal(TENANT, "tenant_admin"), b"colleague": principal(TENANT, user_id="u-2"),
        b"other": principal(OTHER_TENANT),
    }  # fmt: skip
    return gateway


def test_the_classes_of_limits():
    gateway = limited_gateway()
    assert admitted_of(gateway, 9, TOKEN) == 3
    assert admitted_of(gateway, 9, TOKEN, first="GET /crm HTTP/1.1") == 3  # each service counts alone
    assert admitted_of(gateway, 9, TOKEN, first="GET /agents HTTP/1.1") == 2
    assert admitted_of(gateway, 9, bearer("admin")) == 5
    assert admitted_of(gateway, 9, first="GET /shop/login HTTP/1.1") == 1
    assert admitted_of(gateway, 9, first="GET /shop/login HTTP/1.1", address="203.0.113.10") == 1
    assert admitted_of(gateway, 9, TOKEN, first="GET /own-limit HTTP/1.1") == 4
    assert admitted_of(gateway, 9, TOKEN, first="GET /own-limit/slow HTTP/1.1") == 1
    assert (
        admitted_of(gateway, 9, first="GET /own-limit/login HTTP/1.1") == 1
    )  # a service's own limit is for callers who are known


def test_a_tenant_has_one_window_whatever_its_credentials():
    gateway = limited_gateway()
    assert admitted_of(gateway, 2, TOKEN) == 2
    assert admitted_of(gateway, 9, bearer("colleague")) == 1
    assert admitted_of(gateway, 9, KEY) == 0
    assert admitted_of(gateway, 9, bearer("other")) == 3


def test_what_a_limit_says():
    gateway = limited_gateway()
    admitted_of(gateway, 3, TOKEN)
    gateway.clock.tick(20.5)
    refused = gateway.refused(TOKEN)
    assert refused.headers == (
        ("Retry-After", "40"), ("RateLimit-Policy", '"default";q=3;w=60'), ("RateLimit", '"default";r=0;t=40'),
    )  # fmt: skip
    assert gateway.entry().metrics.limited == {"default": 1}
    gateway.clock.tick(39.5)
    assert admitted_of(gateway, 9, TOKEN) == 3


def test_the_headers_of_a_routes_own_limit_are_tokens():
    gateway = FakeGateway(service(routes=(route('/"日本/{x}', limit=RateLimit(1, 60.0)),)))
    path = "GET /shop/%22%E6%97%A5%E6%9C%AC/1 HTTP/1.1"
    gateway.admitted(first=path)
    refused = gateway.refused(TOKEN, first=path)
    assert dict(refused.headers)["RateLimit-Policy"] == '"route";q=1;w=60'


def test_limits_survive_new_sessions_and_new_tables():
    gateway = limited_gateway()
    admitted_of(gateway, 3, TOKEN)
    gateway.sessions.end_all(lambda known: True)
    assert admitted_of(gateway, 1, TOKEN) == 0
    gateway.replace(service("shop"), service("crm"))
    assert admitted_of(gateway, 1, TOKEN) == 0


def test_two_sessions_of_a_tenant_never_count_apart():
    gateway = FakeGateway(classes=CLASSES, limits=LimitRegistry(most=2))
    gateway.tokens.tokens[b"colleague"] = principal(TENANT, user_id="u-2")
    assert admitted_of(gateway, 1, TOKEN) == 1
    gateway.clock.tick(60)  # the window is at rest, but a session holds it
    for tenant in ("1", "2", "3"):
        gateway.tokens.tokens[tenant.encode()] = principal(OTHER_TENANT[:-1] + tenant)
        admitted_of(gateway, 1, bearer(tenant))
    assert admitted_of(gateway, 9, bearer("colleague")) + admitted_of(gateway, 9, TOKEN) == 3


def test_asking_for_what_is_not_there_uses_up_the_limit():
    gateway = FakeGateway(service(strict=True, routes=(route("/items", "GET"),)), classes=CLASSES)
    found = [refusal_of(gateway.refused(TOKEN, first=f"GET /shop/{number} HTTP/1.1")) for number in range(4)]
    assert found == [errors.RouteNotFound] * 3 + [errors.RateLimitExceeded]


def test_who_may_not_ask_uses_up_nothing():
    gateway = FakeGateway(service(roles=frozenset({"manager"})), classes=CLASSES)
    assert [refusal_of(gateway.refused(TOKEN)) for _ in range(9)] == [errors.RoleRequired] * 9


# Unusual requests

BODIES = [("Content-Length: 10", True), ("Content-Length: 11", False), ("Transfer-Encoding: chunked", True)]


@pytest.mark.parametrize(("line", "admitted"), BODIES)
def test_the_longest_body(line, admitted):
    gateway = FakeGateway(service(max_body=10))
    answer = gateway.admit(head("POST /shop HTTP/1.1", TOKEN, line))
    assert isinstance(answer, Exchange) or refusal_of(answer) is errors.BodyTooLarge
    assert isinstance(answer, Exchange) is admitted


@pytest.mark.parametrize("value", ["h2c", "websocket, h2c", "TLS/1.0", "websocket/13"])
@pytest.mark.parametrize("websocket", [True, False])
def test_no_upgrade_but_websocket_is_passed_on(value, websocket):
    gateway = FakeGateway(service(websocket=websocket))
    answer = gateway.admit(
        head("GET /shop HTTP/1.1", TOKEN, "Connection: Upgrade, HTTP2-Settings", f"Upgrade: {value}")
    )
    if isinstance(answer, Exchange):
        assert not answer.upgrading
    else:
        assert refusal_of(answer) is errors.UpgradeRefused


def test_websockets_are_passed_on_where_they_may():
    assert FakeGateway().admitted(*UPGRADE).upgrading
    assert refusal_of(FakeGateway(service(websocket=False)).refused(TOKEN, *UPGRADE)) is errors.UpgradeRefused


def test_tunnels_are_bounded_per_caller_and_service():
    gateway = FakeGateway(service(), service("crm"), limits=LimitRegistry(most_tunnels=2))
    tunnels = [gateway.admitted(*UPGRADE) for _ in range(2)]
    for tunnel in tunnels:
        tunnel.status = 101
        gateway.settlement.tunnel_opened(tunnel)
    assert refusal_of(gateway.refused(TOKEN, *UPGRADE)) is errors.RateLimitExceeded
    gateway.admitted()
    gateway.admitted(*UPGRADE, first="GET /crm HTTP/1.1")
    gateway.settlement.settle(tunnels[0])
    assert gateway.admitted(*UPGRADE)


# Targets


def test_an_open_circuit_says_when_to_come_again():
    gateway = FakeGateway(service(breaker=BreakerPolicy(reset_timeout=30.0)))
    gateway.target().breaker.trip(gateway.clock.now)
    gateway.clock.tick(9.5)
    refused = gateway.refused(TOKEN)
    assert (refusal_of(refused), refused.headers) == (errors.CircuitOpen, (("Retry-After", "21"),))
    gateway.clock.tick(20.5)
    trial = gateway.admitted()
    assert refusal_of(gateway.admit()) is errors.CircuitOpen  # one trial at a time
    trial.status = 200
    gateway.settlement.settle(trial)
    gateway.admitted()


@pytest.mark.parametrize("targets", [(), (Target.parse("http://a:1", weight=0),)])
def test_no_target_in_service(targets):
    gateway = FakeGateway(service(targets=targets, probe=ProbePolicy(interval=7.0)))
    refused = gateway.refused(TOKEN)
    assert refusal_of(refused) is errors.NoHealthyTarget
    assert refused.headers == (("Retry-After", "1" if targets else "7"),)


def test_a_refused_request_is_not_in_flight():
    gateway = FakeGateway(classes=LimitClasses(*[RateLimit(1, 60.0)] * 4))
    gateway.admitted()
    gateway.refused(TOKEN)
    gateway.refused()
    assert gateway.target().in_flight == 1


# What an admitted request carries


def test_a_request_keeps_the_table_that_it_began_with():
    gateway = FakeGateway(service("shop", "http://old:1"))
    same, asked = client(), head("GET /shop HTTP/1.1", TOKEN)
    before = gateway.admit(asked, same)
    gateway.replace(service("shop", "http://new:1"))
    after = gateway.admit(asked, same)
    assert isinstance(before, Exchange)
    assert isinstance(after, Exchange)
    assert (before.target.name, after.target.name) == ("http://old:1", "http://new:1")
    gateway.replace(service("crm"))
    assert refusal_of(gateway.admit(asked, same)) is errors.ServiceNotFound


TIMES = [
    (Timeouts(response=30.0), 30.0, float("inf")),
    (Timeouts(response=0.0), float("inf"), float("inf")),
    (Timeouts(response=5.0, total=9.0), 5.0, 9.0),
]


@pytest.mark.parametrize(("timeouts", "response", "total"), TIMES)
def test_times_begin_at_admission_and_0_means_none(timeouts, response, total):
    gateway = FakeGateway(service(timeouts=timeouts))
    exchange = gateway.admitted()
    now = gateway.clock.now
    assert (exchange.started, exchange.expires, exchange.deadline) == (now, now + response, now + total)


def test_ids_are_made_where_the_caller_brings_none():
    gateway = FakeGateway()
    made = gateway.admitted()
    assert (len(made.id_line), len(made.trace_line)) == (46, 68)
    other = gateway.admitted()
    assert (other.id_line, other.trace_line) != (made.id_line, made.trace_line)
    context = f"traceparent: 00-{'a' * 32}-{'b' * 16}-01"
    brought = gateway.admitted("X-Request-ID: mine", context)
    assert (brought.id_line, brought.trace_line) == (b"", context.encode())
    assert gateway.router.id_line(brought.head) == b""
    assert gateway.router.id_line(made.head).startswith(b"X-Request-ID: ")


def test_a_body_is_to_come_or_not():
    gateway = FakeGateway()
    assert gateway.admitted().body_done
    assert gateway.admitted("Content-Length: 0").body_done
    assert not gateway.admitted("Content-Length: 1").body_done
    assert not gateway.admitted("Transfer-Encoding: chunked").body_done


# Preflights

PREFLIGHT = ("Origin: https://app.example", "Access-Control-Request-Method: PUT")
CORS = CorsPolicy(origins=("https://app.example",))


def test_preflights_are_answered_for_services_with_a_policy():
    gateway = FakeGateway(service(cors=CORS), service("crm"))
    answer = gateway.admit(head("OPTIONS /shop/items HTTP/1.1", *PREFLIGHT))
    assert isinstance(answer, Reply)
    assert answer.status == 204
    assert refusal_of(gateway.refused(*PREFLIGHT, first="OPTIONS /crm HTTP/1.1")) is errors.CredentialsMissing
    assert refusal_of(gateway.refused(*PREFLIGHT, first="GET /shop HTTP/1.1")) is errors.CredentialsMissing
    assert isinstance(gateway.admit(head("OPTIONS /crm HTTP/1.1", TOKEN, *PREFLIGHT)), Exchange)


def test_preflights_to_two_services_on_one_connection():
    gateway = FakeGateway(service(cors=CORS), service("crm", routes=(route("/p", public=True),)))
    same = client()
    first = head("OPTIONS /crm/p HTTP/1.1", *PREFLIGHT)
    second = head("OPTIONS /shop HTTP/1.1", *PREFLIGHT)
    second.fields = first.fields
    assert isinstance(gateway.admit(first, same), Exchange)
    assert isinstance(gateway.admit(second, same), Reply)


def test_a_refusal_for_wrong_credentials_knows_the_service_and_so_its_policy():
    gateway = FakeGateway(service(cors=CORS))
    assert gateway.refused(bearer("wrong")).entry is gateway.entry()


# Callers behind a trusted proxy


def test_a_trusted_proxy_speaks_for_its_clients():
    from ipaddress import ip_network

    trusted = TrustedProxies((ip_network("10.0.0.0/8"),))
    gateway = FakeGateway(service(routes=(route("/login", public=True),)), classes=CLASSES, trusted=trusted)
    for address, admitted in (("203.0.113.1", True), ("203.0.113.2", True), ("203.0.113.1", False)):
        proxy = client("10.0.0.1", trusted=True)
        asked = head("GET /shop/login HTTP/1.1", f"X-Forwarded-For: 6.6.6.6, {address}")
        assert isinstance(gateway.admit(asked, proxy), Exchange) is admitted
        assert proxy.caller == address
    stranger = client("203.0.113.3")
    gateway.admit(head("GET /shop/login HTTP/1.1", "X-Forwarded-For: 203.0.113.1"), stranger)
    assert stranger.caller == "203.0.113.3"


# Limits that processes share


async def desk_of(stored: StoredLimits, clock: ManualClock, *, refuses: bool = False) -> LimitDesk:
    desk = LimitDesk(MemoryLimits(stored), clock, "one", refuses=refuses)
    await desk.open()
    return desk


def shared(desk: LimitDesk, clock: ManualClock, *services: ServiceRoute) -> FakeGateway:
    return FakeGateway(*services, limits=LimitRegistry(desk=desk), classes=TIGHT, clock=clock)


TIGHT = LimitClasses(default=RateLimit(2, 60.0))


@pytest.mark.anyio
async def test_a_request_without_a_token_in_hand_waits_and_is_decided():
    clock = ManualClock()
    desk = await desk_of(StoredLimits(clock), clock)
    gateway = shared(desk, clock)
    work = asyncio.create_task(desk.run())
    asked = head("GET /shop/items HTTP/1.1", TOKEN)
    kinds = []
    for _ in range(4):
        answer = gateway.router.admit(asked, client())
        if isinstance(answer, Deferred):
            answer = await gateway.router.decide(answer, asked, client())
        kinds.append(type(answer))
    assert kinds == [Exchange, Exchange, Refusal, Refusal]
    assert refusal_of(answer) is errors.RateLimitExceeded
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)


@pytest.mark.anyio
async def test_a_search_for_routes_waits_for_its_token_too():
    clock = ManualClock()
    desk = await desk_of(StoredLimits(clock), clock)
    gateway = shared(desk, clock, service(strict=True, routes=(route("/items"),)))
    assert isinstance(gateway.admit(head("GET /shop/nothing HTTP/1.1", TOKEN)), Deferred)


@pytest.mark.anyio
async def test_without_the_store_and_unwilling_to_guess_it_is_unavailable(monkeypatch):
    monkeypatch.setattr(limit_leases, "OPENING", 0.0)
    clock = ManualClock()
    stored = StoredLimits(clock)
    stored.away = True
    gateway = shared(await desk_of(stored, clock, refuses=True), clock)
    answer = gateway.admit()
    assert refusal_of(answer) is errors.LimitsUnavailable
    assert answer.headers == (("Retry-After", "1"),)


class Never(Deferred):
    """What does not come."""

    waits = 0

    async def wait(self) -> None:
        Never.waits += 1

    def refusal(self) -> Refusal:
        return Refusal(errors.LimitsUnavailable())


@pytest.mark.anyio
async def test_what_never_comes_is_not_waited_for_for_ever():
    gateway = FakeGateway()
    gateway.router.admit = lambda head, client: Never()
    assert refusal_of(await gateway.router.decide(Never(), None, None)) is errors.LimitsUnavailable
    assert Never.waits == Never.most


@pytest.mark.anyio
async def test_keys_that_cannot_be_fetched_are_the_issuers_affair():
    gateway = FakeGateway()
    asked = head("GET /shop HTTP/1.1", bearer("new"))
    gateway.tokens.arriving[b"new"] = principal()
    waiting = gateway.router.admit(asked, client())
    assert isinstance(await gateway.router.decide(waiting, asked, client()), Exchange)
    assert refusal_of(waiting.refusal()) is errors.IdentityUnavailable
