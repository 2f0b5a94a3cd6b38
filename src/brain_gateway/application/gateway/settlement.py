"""What follows an attempt: another one, or the books (breaker, retry budget, metrics, access log)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from brain_gateway.application.gateway.exchange import Exchange, Refusal
from brain_gateway.application.gateway.metrics_collector import UNKNOWN, MetricsCollector
from brain_gateway.application.gateway.records import record_of, refusal_record, span_of
from brain_gateway.application.gateway.request_router import unavailable
from brain_gateway.application.gateway.target_choice import choose
from brain_gateway.application.gateway.trace_ids import recorded
from brain_gateway.domain.errors import CallerError, GatewayError
from brain_gateway.domain.events import CircuitClosed, CircuitOpened, DomainEvent
from brain_gateway.domain.resilience.retry import may_retry
from brain_gateway.domain.routing.http_method import HttpMethod

if TYPE_CHECKING:
    from brain_gateway.application.gateway.exchange import ClientAddress, Reply
    from brain_gateway.application.gateway.lanes import LimitRegistry
    from brain_gateway.application.gateway.targets import TargetState
    from brain_gateway.application.ports.access_log import AccessLog
    from brain_gateway.application.ports.span_sink import SpanSink
    from brain_gateway.domain.http.requests import Request
    from brain_gateway.domain.routing.service_route import ServiceRoute

# From a gateway's point of view a service has failed when its own gateway, or itself, could not serve.
FAILURES = frozenset((502, 503, 504))


class Settlement:
    """`sample`: every how many ordinary requests one is logged, 0 for none; what is refused, fails or is slower than
    `slow` seconds always is."""

    def __init__(
        self,
        metrics: MetricsCollector,
        limits: LimitRegistry,
        log: AccessLog,
        clock: Callable[[], float],
        unix: Callable[[], float],
        random: Callable[[], float],
        note: Callable[[str, str, bool], None],
        publish: Callable[[DomainEvent], None],
        sample: float,
        slow: float,
        spans: SpanSink | None = None,
    ) -> None:
        self._metrics = metrics
        self._limits = limits
        self._log = log
        self._clock = clock
        self._unix = unix
        self._random = random
        self._note = note
        self._publish = publish
        self._stride = max(1, round(1 / sample)) if sample > 0 else 0
        self._until_logged = self._stride or -1
        self._slow = slow
        self._spans = spans

    def settle(self, exchange: Exchange) -> float:
        """The exchange is over: `status` is what the client got, 0 when it left before an answer. Gives the time."""
        now = self._clock()
        lane = exchange.lane
        status = exchange.status
        target = exchange.target
        target.in_flight -= 1
        duration = now - exchange.started
        remarkable = status < 200 or status >= 500 or exchange.error
        if remarkable or not target.breaker.calm:
            self._feed(exchange, target, now)
        lane.entry.metrics.observe(exchange.head.line.method, status or 499, duration)
        self._until_logged -= 1
        if self._until_logged == 0 or remarkable or duration > self._slow:
            if self._until_logged == 0:
                self._until_logged = self._stride
            self._log.write(record_of(exchange, self._unix() - duration, duration))
        if self._spans is not None and recorded(exchange.trace_line):
            self._spans.record(span_of(exchange, self._unix() - duration, duration))
        return now

    def settle_background(self, exchange: Exchange) -> None:
        """A request that the gateway made for itself is over: it counts for the target, not among the clients'."""
        now = self._clock()
        exchange.target.in_flight -= 1
        self._feed(exchange, exchange.target, now)

    def _feed(self, exchange: Exchange, target: TargetState, now: float) -> None:
        """Tell the breaker: failed, succeeded, or neither (the client went away, or the caller was at fault)."""
        service = exchange.lane.entry.service
        since = exchange.retried or exchange.started
        if exchange.status == 101:
            self._limits.tunnel(exchange.lane.session.caller, service.key, -1)
        if exchange.carriage is not None:
            exchange.carriage.over()
        broken = exchange.status == 500 and service.breaker.count_500
        if exchange.failed_upstream or broken or (exchange.status in FAILURES and not exchange.cached):
            self._failed(exchange, target, now)
        elif exchange.status == 0 or exchange.error or exchange.cached:
            target.breaker.abandoned(now, since)
        else:
            if target.breaker.succeeded(now, since):
                self._tell(CircuitClosed, service, target)
            self._note(service.key, target.name, True)

    def _failed(self, exchange: Exchange, target: TargetState, now: float) -> None:
        service = exchange.lane.entry.service
        if target.breaker.failed(now, exchange.retried or exchange.started):
            self._tell(CircuitOpened, service, target)
        self._note(service.key, target.name, False)

    def _tell(
        self, kind: type[CircuitOpened] | type[CircuitClosed], service: ServiceRoute, target: TargetState
    ) -> None:
        self._publish(
            kind(
                occurred_at=self._unix(),
                tenant_id=service.tenant_id,
                service=service.name,
                target=target.name,
            )
        )

    def tunnel_opened(self, exchange: Exchange) -> None:
        """Protocols were switched: count the tunnel until it is settled."""
        entry = exchange.lane.entry
        entry.metrics.tunnels += 1
        self._limits.tunnel(exchange.lane.session.caller, entry.key, +1)

    def recover(self, exchange: Exchange, error: GatewayError) -> Refusal | None:
        """An attempt failed before an answer: None when another is to be made (`exchange.target` is set anew)."""
        now = self._clock()
        lane = exchange.lane
        verdict = may_retry(
            idempotent=HttpMethod(exchange.head.method.decode("ascii")).idempotent,
            sent=exchange.wire_sent,
            answered=exchange.answered,
            body_replayable=exchange.replayable,
            attempt=exchange.attempts,
            policy=lane.entry.service.retry,
            deadline_left=exchange.deadline - now,
        )
        if isinstance(error, CallerError) or not verdict.retry or not lane.entry.budget.withdraw(now):
            return unavailable(error, lane, now)
        failed = exchange.target
        chosen = choose(lane.entry, exchange.head, lane.session.caller, now, self._random, failed)
        if isinstance(chosen, GatewayError):
            return unavailable(error, lane, now)
        self._failed(exchange, failed, now)
        failed.in_flight -= 1
        chosen.in_flight += 1
        exchange.try_again(chosen, now, now + lane.entry.response_timeout)
        lane.entry.metrics.retries += 1
        return None

    def refused(
        self, refusal: Refusal | Reply, head: Request, id_line: bytes, client: ClientAddress, status: int
    ) -> None:
        """Count and log a request that went no further than the gateway."""
        entry = refusal.entry
        metrics = entry.metrics if entry is not None else self._metrics.of(UNKNOWN)
        metrics.observe(head.method, status, 0.0)
        self._log.write(refusal_record(refusal, head, id_line, client, status, self._unix()))
