"""The books: what the breaker, the monitor, the counters and the log hear of a request, and when it is tried again."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain_gateway.application.gateway.exchange import MOST_HELD, Exchange, Refusal
from brain_gateway.application.gateway.metrics_collector import METHODS
from brain_gateway.domain import errors
from brain_gateway.domain.events import CircuitClosed, CircuitOpened
from brain_gateway.domain.resilience.circuit_breaker import BreakerPolicy, BreakerState
from brain_gateway.domain.resilience.retry import RetryPolicy
from brain_gateway.domain.routing.service_route import Timeouts
from tests.builders.gateway import TENANT, TOKEN, FakeGateway, route, service
from tests.builders.requests import client, head

A, B = "http://a:1", "http://b:1"
UNREACHABLE = errors.UpstreamUnreachable("no connection to the service")
CLOSED = errors.UpstreamClosed("the service closed the connection")


def settled(
    gateway: FakeGateway, exchange: Exchange, status: int, error: str = "", failed: bool = False
) -> None:
    exchange.status, exchange.error, exchange.failed_upstream = status, error, failed
    gateway.settlement.settle(exchange)


# What the breaker hears

FAILED, SUCCEEDED, NEITHER = "failed", "succeeded", "neither"
OUTCOMES = [
    (200, "", False, SUCCEEDED),
    (204, "", False, SUCCEEDED),
    (404, "", False, SUCCEEDED),
    (429, "", False, SUCCEEDED),
    (500, "", False, SUCCEEDED),
    (501, "", False, SUCCEEDED),
    (101, "", False, SUCCEEDED),
    (502, "", False, FAILED),
    (503, "", False, FAILED),
    (504, "", False, FAILED),
    (502, "UpstreamClosed", True, FAILED),
    (503, "UpstreamUnreachable", True, FAILED),
    (504, "UpstreamTimeout", True, FAILED),
    (200, "UpstreamClosed", True, FAILED),  # it broke off
    (200, "UpstreamTimeout", True, FAILED),
    (0, "ClientClosed", False, NEITHER),
    (200, "ClientClosed", False, NEITHER),
    (200, "ClientTooSlow", False, NEITHER),
    (408, "RequestTimeout", False, NEITHER),
    (400, "MalformedRequest", False, NEITHER),
    (413, "BodyTooLarge", False, NEITHER),
]


@pytest.mark.parametrize(("status", "error", "failed", "expected"), OUTCOMES)
def test_what_the_breaker_and_the_monitor_hear(status, error, failed, expected):
    gateway = FakeGateway()
    breaker = gateway.target().breaker
    breaker.failed(gateway.clock.now)  # so that a success shows
    exchange = gateway.admitted()
    settled(gateway, exchange, status, error, failed)
    assert breaker.failures == {FAILED: 2, SUCCEEDED: 0, NEITHER: 1}[expected]
    assert gateway.notes == [("shop", "http://shop:9000", expected == SUCCEEDED)] * (expected != NEITHER)


@pytest.mark.parametrize(("count_500", "failures"), [(True, 1), (False, 0)])
def test_a_500_counts_only_where_the_service_says_so(count_500, failures):
    gateway = FakeGateway(service(breaker=BreakerPolicy(count_500=count_500)))
    settled(gateway, gateway.admitted(), 500)
    assert gateway.target().breaker.failures == failures


def test_circuits_open_and_close_and_it_is_told_once():
    gateway = FakeGateway(service(breaker=BreakerPolicy(failures=3, reset_timeout=30.0), tenant_id=TENANT))
    target = gateway.entry("shop", TENANT).targets[0]
    for _ in range(3):
        assert (target.breaker.state, gateway.events) == (BreakerState.CLOSED, [])
        settled(gateway, gateway.admitted(), 503, "UpstreamUnreachable", True)
    assert target.breaker.state is BreakerState.OPEN
    opened = CircuitOpened(
        occurred_at=gateway.clock.unix(), tenant_id=TENANT, service="shop", target="http://shop:9000"
    )
    assert gateway.events == [opened]
    gateway.clock.tick(30)
    settled(gateway, gateway.admitted(), 200)
    assert target.breaker.state is BreakerState.CLOSED
    assert gateway.events == [
        opened,
        CircuitClosed(
            occurred_at=gateway.clock.unix(), tenant_id=TENANT, service="shop", target="http://shop:9000"
        ),
    ]


@pytest.mark.parametrize(
    ("status", "error", "failed"), [(200, "", False), (503, "", False), (0, "ClientClosed", False)]
)
def test_an_answer_from_before_says_nothing_about_the_circuit_of_today(status, error, failed):
    gateway = FakeGateway(service(breaker=BreakerPolicy(reset_timeout=30.0)))
    breaker = gateway.target().breaker
    old = gateway.admitted()
    gateway.clock.tick(1)
    breaker.trip(gateway.clock.now)
    gateway.clock.tick(30)
    trial = gateway.admitted()
    settled(gateway, old, status, error, failed)
    assert (breaker.state, breaker.outstanding) == (BreakerState.HALF_OPEN, 1)
    settled(gateway, trial, 200)
    assert breaker.state is BreakerState.CLOSED


# Trying again


def failing(
    gateway: FakeGateway,
    error: errors.GatewayError,
    *fields: str,
    first: str = "GET /shop/x HTTP/1.1",
    **state: object,
) -> tuple[Exchange, Refusal | None]:
    """An exchange whose attempt failed, in a state of its own."""
    exchange = gateway.admitted(*fields, first=first)
    exchange.wire_sent = True
    for name, value in state.items():
        setattr(exchange, name, value)
    return exchange, gateway.settlement.recover(exchange, error)


RETRIES = [
    ("GET", CLOSED, {}, True),
    ("PUT", CLOSED, {}, True),
    ("POST", CLOSED, {}, False),
    ("PATCH", CLOSED, {}, False),
    ("UNHEARD-OF", CLOSED, {}, False),
    ("POST", UNREACHABLE, {"wire_sent": False}, True),
    ("GET", CLOSED, {"answered": True}, False),
    ("POST", UNREACHABLE, {"wire_sent": False, "answered": True}, False),
    ("GET", CLOSED, {"held_bytes": -1}, False),
    ("GET", CLOSED, {"attempts": 2}, False),
    ("GET", CLOSED, {"deadline": 1000.0}, False),
    ("GET", errors.RequestTimeout(), {}, False),
]


@pytest.mark.parametrize(("method", "error", "state", "again"), RETRIES)
def test_when_a_request_is_tried_again(method, error, state, again):
    gateway = FakeGateway(service("shop", A, B))
    exchange, refusal = failing(gateway, error, first=f"{method} /shop/x HTTP/1.1", **state)
    assert (refusal is None) is again
    if refusal is not None:
        assert refusal.error is error
    assert (exchange.target.name == B) is again
    assert gateway.entry().metrics.retries == again


def test_another_attempt_begins_anew_on_another_target():
    gateway = FakeGateway(service("shop", A, B, timeouts=Timeouts(response=30.0)))
    exchange = gateway.admitted()
    gateway.clock.tick(20)
    exchange.wire_sent, exchange.connection = True, object()
    assert gateway.settlement.recover(exchange, CLOSED) is None
    assert (exchange.target.name, exchange.attempts, exchange.wire_sent, exchange.connection) == (
        B,
        2,
        False,
        None,
    )
    assert exchange.expires == gateway.clock.now + 30
    assert [gateway.target(at=at).in_flight for at in (0, 1)] == [0, 1]
    assert [gateway.target(at=at).breaker.failures for at in (0, 1)] == [1, 0]
    assert gateway.notes == [("shop", A, False)]


@pytest.mark.parametrize("attempts", [1, 2])
def test_each_failed_attempt_counts_once(attempts):
    gateway = FakeGateway(service(retry=RetryPolicy(attempts=attempts, budget=1.0)))
    exchange, refusal = failing(gateway, CLOSED)
    while refusal is None:
        exchange.wire_sent = True
        refusal = gateway.settlement.recover(exchange, CLOSED)
    settled(gateway, exchange, 502, "UpstreamClosed", True)
    assert gateway.target().breaker.failures == attempts
    assert len(gateway.notes) == attempts


def test_a_circuit_that_opens_by_this_very_failure_ends_the_attempts():
    gateway = FakeGateway(
        service(breaker=BreakerPolicy(failures=1), retry=RetryPolicy(attempts=3, budget=1.0))
    )
    exchange, refusal = failing(gateway, UNREACHABLE)
    attempts = 1
    while refusal is None:
        attempts += 1
        refusal = gateway.settlement.recover(exchange, UNREACHABLE)
    settled(gateway, exchange, 503, "UpstreamUnreachable", True)
    assert (refusal.error, gateway.target().breaker.state) == (UNREACHABLE, BreakerState.OPEN)
    assert attempts <= 2


def test_retries_stay_within_their_budget():
    gateway = FakeGateway(
        service(
            "shop", A, B, retry=RetryPolicy(attempts=2, budget=0.1), breaker=BreakerPolicy(failures=10_000)
        )
    )
    again = [failing(gateway, CLOSED)[1] is None for _ in range(200)]
    assert 20 <= again.count(True) <= 23  # a tenth, and three that are always free
    unlucky = FakeGateway(service("shop", A, B, retry=RetryPolicy(attempts=2, budget=0.0)))
    assert failing(unlucky, CLOSED)[1] is not None


RETRY_AFTER = [
    (UNREACHABLE, True),
    (errors.CircuitOpen(), True),
    (errors.NoHealthyTarget(), True),
    (CLOSED, False),
    (errors.UpstreamTimeout(), False),
]


@pytest.mark.parametrize(("error", "told"), RETRY_AFTER)
def test_a_503_says_when_to_come_again(error, told):
    _, refusal = failing(FakeGateway(), error, attempts=2)
    assert refusal is not None
    assert refusal.headers == ((("Retry-After", "1"),) if told else ())


# Whatever happens, nothing stays in flight

ENDS = {
    "200": (200, "", False),
    "503": (503, "", False),
    "gone": (0, "ClientClosed", False),
    "broke": (200, "UpstreamClosed", True),
}


@settings(max_examples=4 * settings.default.max_examples)
@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.sampled_from(["fail", "refuse", *ENDS])),
        max_size=60,
    )
)
def test_in_flight_is_never_negative_and_returns_to_zero(steps):
    gateway = FakeGateway(
        service(
            "shop",
            A,
            B,
            breaker=BreakerPolicy(failures=3, reset_timeout=5.0),
            retry=RetryPolicy(attempts=3, budget=1.0),
        )
    )
    running: list[Exchange] = []
    states = gateway.entry().targets

    def settle(exchange: Exchange, status: int, error: str, failed: bool) -> None:
        settled(gateway, exchange, status, error, failed)
        running.remove(exchange)

    for at, step in steps:
        gateway.clock.tick(1)
        admitted = gateway.admit()
        if isinstance(admitted, Exchange):
            running.append(admitted)
        if not running:
            continue
        exchange = running[at % len(running)]
        if step in ("fail", "refuse"):
            exchange.wire_sent = step == "fail"
            refusal = gateway.settlement.recover(exchange, CLOSED if step == "fail" else UNREACHABLE)
            if refusal is not None:
                settle(exchange, 503, type(refusal.error).__name__, True)
        else:
            settle(exchange, *ENDS[step])
        assert all(state.in_flight >= 0 for state in states)
        assert sum(state.in_flight for state in states) == len(running)
    while running:
        settle(running[0], 200, "", False)
    assert [state.in_flight for state in states] == [0, 0]


# Counters


def test_a_request_is_counted_by_what_the_client_got():
    gateway = FakeGateway()
    for method, status in (("GET", 200), ("GET", 200), ("POST", 404), ("BREW", 200), ("GET", 0)):
        exchange = gateway.admitted(first=f"{method} /shop HTTP/1.1")
        gateway.clock.tick(0.25)
        settled(gateway, exchange, status)
    metrics = gateway.entry().metrics
    counted = {(METHODS[key % 16], key // 16): count for key, count in metrics.requests.items()}
    assert counted == {("GET", 200): 2, ("POST", 404): 1, ("OTHER", 200): 1, ("GET", 499): 1}
    assert metrics.seconds == pytest.approx(1.25)


def test_a_refusal_counts_for_the_service_if_there_is_one():
    gateway = FakeGateway()
    asked = head()
    for refusal, status in ((Refusal(errors.ServiceNotFound()), 404), (gateway.refused(), 401)):
        gateway.settlement.refused(refusal, asked, b"", client(), status)
    services = gateway.metrics.services
    assert services["unknown"].requests == {404 * 16 + METHODS.index("GET"): 1}
    assert services["shop"].requests == {401 * 16 + METHODS.index("GET"): 1}


def test_tunnels_are_counted_while_they_are_open():
    gateway = FakeGateway()
    exchange = gateway.admitted("Connection: Upgrade", "Upgrade: websocket")
    gateway.settlement.tunnel_opened(exchange)
    assert gateway.limits.tunnels(TENANT, "shop") == 1
    settled(gateway, exchange, 101)
    assert (gateway.limits.tunnels(TENANT, "shop"), gateway.entry().metrics.tunnels) == (0, 1)


# The access log


def logged(sample: float, outcomes: list[tuple[int, str, float]]) -> list[int]:
    """The numbers of the requests that were logged."""
    gateway = FakeGateway(sample=sample, slow=1.0)
    numbers = []
    for number, (status, error, seconds) in enumerate(outcomes):
        exchange = gateway.admitted()
        gateway.clock.tick(seconds)
        before = len(gateway.log.records)
        settled(gateway, exchange, status, error)
        numbers += [number] * (len(gateway.log.records) - before)
    return numbers


@pytest.mark.parametrize(("sample", "every"), [(1.0, 1), (0.5, 2), (0.25, 4), (0.1, 10), (0.0, 0)])
def test_ordinary_requests_are_sampled_evenly(sample, every):
    assert logged(sample, [(200, "", 0.0)] * 40) == [
        number for number in range(40) if every and number % every == every - 1
    ]


@pytest.mark.parametrize(
    "remarkable", [(500, "", 0.0), (503, "", 0.0), (0, "", 0.0), (200, "ClientClosed", 0.0), (200, "", 1.1)]
)
def test_what_fails_or_is_slow_is_always_logged(remarkable):
    assert logged(0.0, [(200, "", 1.0), remarkable, (404, "", 0.0)]) == [1]
    assert logged(0.25, [remarkable] * 4) == [0, 1, 2, 3]


def test_the_record_of_a_request():
    gateway = FakeGateway()
    exchange = gateway.admitted("X-Request-ID: r-1", first="PUT /shop/items?q=1 HTTP/1.1")
    exchange.sent, exchange.attempts = 512, 2
    gateway.clock.tick(1.5)
    settled(gateway, exchange, 200)
    (record,) = gateway.log.records
    assert record._asdict() == {
        "unix_time": pytest.approx(gateway.clock.unix() - 1.5), "request_id": "r-1", "tenant_id": TENANT,
        "user_id": "u-1", "service": "shop",
        "method": "PUT", "target": "/shop/items?q=1", "status": 200, "duration": pytest.approx(1.5),
        "sent": 512, "client": "203.0.113.9",
        "upstream": "http://shop:9000", "attempts": 2, "error": "",
    }  # fmt: skip


def test_refusals_are_always_logged_with_what_is_known():
    gateway = FakeGateway(service(strict=True, routes=(route("/x"),)), sample=0.0)
    asked = head("GET /shop/y HTTP/1.1", TOKEN)
    refusal = gateway.admit(asked)
    assert isinstance(refusal, Refusal)
    gateway.settlement.refused(refusal, asked, b"X-Request-ID: made", client(), 404)
    gateway.settlement.refused(Refusal(errors.MalformedRequest()), asked, b"", client(), 400)
    known, unknown = gateway.log.records
    assert (known.service, known.tenant_id, known.user_id, known.status, known.error) == (
        "shop",
        TENANT,
        "u-1",
        404,
        "RouteNotFound",
    )
    assert (known.request_id, known.attempts, known.upstream) == ("made", 0, "")
    assert (unknown.service, unknown.tenant_id, unknown.request_id, unknown.error) == (
        "",
        "",
        "",
        "MalformedRequest",
    )


# Spans


def test_recorded_traces_become_spans():
    gateway = FakeGateway(spans=0.5)
    context = f"traceparent: 00-{'a' * 32}-{'b' * 16}-"
    for fields in ((), (), (context + "01",), (context + "00",)):
        settled(gateway, gateway.admitted(*fields), 200)
    made, brought = gateway.spans.spans
    assert (made.parent_id, len(made.trace_id), len(made.span_id)) == ("", 32, 16)
    assert (brought.trace_id, brought.parent_id) == ("a" * 32, "b" * 16)
    assert brought.span_id != "b" * 16
    assert brought.record.service == "shop"


# Bodies that are held for another attempt


def test_a_body_is_held_until_it_is_too_much():
    exchange = FakeGateway().admitted("Transfer-Encoding: chunked")
    exchange.hold(b"a" * MOST_HELD)
    exchange.hold(b"b")
    assert exchange.replayable  # nothing of it has been sent: it must be kept
    exchange.wire_sent = True
    exchange.hold(b"c")
    assert not exchange.replayable
    assert exchange.held is None
    exchange.hold(b"d")
    assert exchange.held is None
