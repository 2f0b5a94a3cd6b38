"""The composition root: the one file that names concrete adapters. Opens in order, closes in reverse."""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

from fastapi import FastAPI
from redis.asyncio import Redis

from brain_gateway.api.application import create_application
from brain_gateway.api.edge.asgi import AsgiProxy
from brain_gateway.api.edge.runtime import EdgeRuntime, WireLimits
from brain_gateway.api.edge.sweeper import sweep
from brain_gateway.api.rest.health import health_router
from brain_gateway.api.rest.metrics import metrics_router
from brain_gateway.application.configuration import GatewayConfiguration
from brain_gateway.application.gateway.breaker_sharing import BreakerSharing
from brain_gateway.application.gateway.caching.response_cache import ResponseCache
from brain_gateway.application.gateway.discovery import TargetDiscovery
from brain_gateway.application.gateway.forwarding import TrustedProxies
from brain_gateway.application.gateway.health_monitor import HealthMonitor
from brain_gateway.application.gateway.identification import Identification
from brain_gateway.application.gateway.lanes import LimitRegistry
from brain_gateway.application.gateway.limit_leases import LimitDesk
from brain_gateway.application.gateway.metrics_collector import MetricsCollector
from brain_gateway.application.gateway.request_router import RequestRouter
from brain_gateway.application.gateway.routing_table import compile_table
from brain_gateway.application.gateway.sessions import SessionCache
from brain_gateway.application.gateway.settlement import Settlement
from brain_gateway.application.gateway.targets import TargetRegistry
from brain_gateway.application.gateway.trace_ids import TraceIds, TracePolicy
from brain_gateway.application.ports.span_sink import SpanSink
from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.domain.events import DomainEvent
from brain_gateway.domain.http.requests import RequestParser
from brain_gateway.domain.routing.target import Target
from brain_gateway.infrastructure.cache.memory import MemoryResponses
from brain_gateway.infrastructure.discovery.dns import DnsDiscovery
from brain_gateway.infrastructure.identity.api_keys import ApiKeyRing
from brain_gateway.infrastructure.identity.config import VerifierConfig
from brain_gateway.infrastructure.identity.denylist import Denylist
from brain_gateway.infrastructure.identity.verifier import TokenVerifier
from brain_gateway.infrastructure.probes.registry import make_probes
from brain_gateway.infrastructure.telemetry.access_log import NoAccessLog, QueuedAccessLog
from brain_gateway.infrastructure.telemetry.events import log_event
from brain_gateway.infrastructure.telemetry.prometheus import CONTENT_TYPE, GatewayMetrics
from brain_gateway.infrastructure.upstream.pool import TargetPools
from brain_gateway.infrastructure.valkey.breakers import ValkeyBreakers
from brain_gateway.infrastructure.valkey.connection import make_client
from brain_gateway.infrastructure.valkey.limits import ValkeyLimits
from brain_gateway.infrastructure.valkey.response_store import ValkeyResponses
from brain_gateway.settings import Profile, Settings
from brain_gateway.settings.stores import WithoutStore

FIRST_ANSWERS = 1.0  # seconds that a start waits for discovery; what is found later is used later


@dataclass(slots=True)
class Gateway:
    """A gateway that is open: its application, what its connections share, and how it is told of changes."""

    app: FastAPI
    runtime: EdgeRuntime
    keys: ApiKeyRing
    monitor: HealthMonitor
    targets: TargetRegistry
    metrics: MetricsCollector
    identification: Identification
    discovery: TargetDiscovery
    configuration: GatewayConfiguration
    cache: ResponseCache
    _moved: bool = False

    def apply(self, configuration: GatewayConfiguration) -> None:
        """Replace services, limits and keys; requests under way keep what they began with."""
        self.discovery.watch(configuration.services)
        self.configuration = configuration
        self._route()
        self.keys.replace(configuration.api_keys)
        self.identification.sessions.end_all(lambda principal: principal.scheme == "api_key")

    def moved(self, service_key: str, targets: tuple[Target, ...]) -> None:
        """Discovery found other targets of a service; several at a time make one new table."""
        if not self._moved:
            self._moved = True
            asyncio.get_running_loop().call_soon(self._route)

    def _route(self) -> None:
        self._moved = False
        services = [self.discovery.located(service) for service in self.configuration.services]
        self.monitor.watch(services)
        limits = self.configuration.limit_classes
        self.runtime.router.table = compile_table(services, limits, self.targets, self.metrics)


@asynccontextmanager
async def open_gateway(settings: Settings, configuration: GatewayConfiguration) -> AsyncIterator[Gateway]:
    """Everything of one process, in the running event loop."""
    clock, unix = time.monotonic, time.time
    async with AsyncExitStack() as stack:
        metrics = MetricsCollector()
        log = (
            stack.enter_context(QueuedAccessLog(sys.stdout, settings.log_format))
            if settings.access_log
            else None
        )
        store, member = _store(settings, stack), os.urandom(8).hex()
        pools = TargetPools(settings.pool_size, clock, metrics)
        stack.callback(pools.close)
        targets = TargetRegistry(pools)
        sessions = SessionCache()
        denylist = Denylist(on_revoked=lambda gone: sessions.end_all(lambda known: known.token_id == gone))
        keys = ApiKeyRing(configuration.api_keys, denylist)
        verifier = TokenVerifier(
            _verifier_config(settings),
            denylist=denylist,
            on_withdrawn=lambda: sessions.end_all(lambda known: known.scheme == "jwt"),
        )
        await stack.enter_async_context(verifier)
        breakers = None if store is None else BreakerSharing(ValkeyBreakers(store, member), targets, clock)
        discovery = TargetDiscovery({"dns": DnsDiscovery(settings.dns_resolver)})
        discovery.watch(configuration.services)
        await stack.enter_async_context(discovery)
        await discovery.settled(FIRST_ANSWERS)

        def publish(event: DomainEvent) -> None:
            log_event(event)
            discovery.heed(event)
            if breakers is not None:
                breakers.heed(event)

        monitor = HealthMonitor(make_probes(), on_change=targets.mark, publish=publish)
        await stack.enter_async_context(monitor)
        services = [discovery.located(service) for service in configuration.services]
        monitor.watch(services)
        identification = Identification(verifier, keys, sessions, clock, unix)
        table = compile_table(services, configuration.limit_classes, targets, metrics)
        spans = _spans(settings, stack)
        ids = TraceIds(os.urandom)
        traces = TracePolicy(ids, settings.trace_sample) if spans is not None else None
        trusted = TrustedProxies(settings.trusted_proxies)
        desk = None if store is None else await _desk(settings, store, member, clock, stack)
        if breakers is not None:
            await stack.enter_async_context(_beside(breakers.run(), "breakers"))
        limits = LimitRegistry(most_tunnels=settings.max_tunnels, shares=settings.workers, desk=desk)
        router = RequestRouter(
            table, identification, limits, ids, traces, clock, random.random, trusted.trusts
        )
        settlement = Settlement(
            metrics, limits, log or NoAccessLog(), clock, unix, random.random, monitor.note,
            publish,
            settings.access_log_sample, settings.access_log_slow_ms / 1000, spans,
        )  # fmt: skip
        responses = MemoryResponses(settings.response_cache_bytes)
        shared = None if store is None else ValkeyResponses(
            store, settings.redis_timeout, settings.response_cache_tenant_bytes
        )  # fmt: skip
        cache = ResponseCache(responses, shared, clock, unix, settlement.settle_background)
        router.cache = cache
        stack.callback(cache.close)
        runtime = EdgeRuntime(
            router=router,
            settlement=settlement,
            clock=clock,
            parser=RequestParser(settings.max_header_count, settings.max_target_bytes),
            limits=_wire_limits(settings),
            trusts=trusted.trusts,
            most_connections=settings.max_connections,
        )
        shown = GatewayMetrics(
            metrics, lambda: router.table, lambda: len(runtime.connections), lambda: log.dropped if log else 0
        )
        token = settings.metrics_token.get_secret_value() if settings.metrics_token else None
        app = create_application(
            [
                health_router(monitor.report, targets.breaker_state, lambda: runtime.draining),
                metrics_router(shown.render, CONTENT_TYPE, token),
            ],
            AsgiProxy(runtime),
        )
        sweeper = asyncio.create_task(sweep(runtime.connections, pools.sweep, clock), name="sweeper")
        stack.callback(sweeper.cancel)
        gateway = Gateway(
            app, runtime, keys, monitor, targets, metrics, identification, discovery, configuration, cache
        )
        discovery.on_change, discovery.publish = gateway.moved, publish
        yield gateway


def _store(settings: Settings, stack: AsyncExitStack) -> Redis | None:
    """The client of the store that processes share; nothing is connected yet."""
    if settings.redis_url is None:
        return None
    client = make_client(settings.redis_url.get_secret_value(), settings.redis_timeout)
    stack.push_async_callback(client.aclose)
    return client


async def _desk(
    settings: Settings, store: Redis, member: str, clock: Callable[[], float], stack: AsyncExitStack
) -> LimitDesk:
    """What supplies this process with its part of the limits."""
    limits = ValkeyLimits(store, settings.redis_timeout, os.urandom)
    refuses = settings.limits_without_store is WithoutStore.REFUSE
    desk = LimitDesk(limits, clock, member, refuses=refuses)
    await desk.open()
    stack.push_async_callback(desk.close)
    await stack.enter_async_context(_beside(desk.run(), "limits"))
    return desk


@asynccontextmanager
async def _beside(work: Coroutine[None, None, None], name: str) -> AsyncIterator[None]:
    """Work without end, for as long as the gateway is open."""
    task = asyncio.create_task(work, name=name)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _spans(settings: Settings, stack: AsyncExitStack) -> SpanSink | None:
    """Spans go out only where a collector is named; its libraries are an extra."""
    endpoint = settings.otel_exporter_otlp_endpoint
    if endpoint is None:
        return None
    try:
        from brain_gateway.infrastructure.telemetry.spans import OtlpSpans
    except ImportError as error:
        raise ConfigurationError(
            "OTEL_EXPORTER_OTLP_ENDPOINT: needs the extra `otel`; run pip install 'brain-gateway[otel]'"
        ) from error
    spans = OtlpSpans(endpoint)
    stack.callback(spans.close)
    return spans


def _wire_limits(settings: Settings) -> WireLimits:
    return WireLimits(
        header_bytes=settings.max_header_bytes,
        header_count=settings.max_header_count,
        target_bytes=settings.max_target_bytes,
        header_timeout=settings.header_timeout,
        body_timeout=settings.body_timeout,
        keep_alive_timeout=settings.keep_alive_timeout,
        send_timeout=settings.send_timeout,
    )


def _verifier_config(settings: Settings) -> VerifierConfig:
    return VerifierConfig(
        secret=settings.jwt_secret.get_secret_value() if settings.jwt_secret else None,
        jwks_url=settings.jwt_jwks_url,
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
        leeway=settings.jwt_leeway,
        user_claims=settings.jwt_claim_user,
        tenant_claims=settings.jwt_claim_tenant,
        roles_claims=settings.jwt_claim_roles,
        algorithms=settings.jwt_algorithms,
        jwks_min_refetch=settings.jwks_min_refetch,
        jwks_refresh_interval=settings.jwks_refresh_interval,
        require_https=settings.profile is Profile.PRODUCTION,
    )
