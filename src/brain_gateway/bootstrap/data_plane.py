"""The data plane of one process, put together."""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import random
import sys
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from brain_gateway.api.edge.runtime import EdgeRuntime, WireLimits
from brain_gateway.api.edge.sweeper import sweep
from brain_gateway.application.gateway.breaker_sharing import BreakerSharing
from brain_gateway.application.gateway.caching.purge_sharing import PurgeSharing
from brain_gateway.application.gateway.caching.response_cache import ResponseCache
from brain_gateway.application.gateway.clock_watch import ClockWatch
from brain_gateway.application.gateway.counted_limit_store import CountedLimitStore
from brain_gateway.application.gateway.data_plane import DataPlane
from brain_gateway.application.gateway.discovery import TargetDiscovery
from brain_gateway.application.gateway.forwarding import TrustedProxies
from brain_gateway.application.gateway.health_monitor import HealthMonitor
from brain_gateway.application.gateway.identification import Identification
from brain_gateway.application.gateway.lanes import LimitRegistry
from brain_gateway.application.gateway.limit_leases import LimitDesk
from brain_gateway.application.gateway.metrics_collector import MetricsCollector
from brain_gateway.application.gateway.request_router import RequestRouter
from brain_gateway.application.gateway.routing_table import RoutingTable, TableRules
from brain_gateway.application.gateway.sessions import SessionCache
from brain_gateway.application.gateway.settlement import Settlement
from brain_gateway.application.gateway.targets import TargetRegistry
from brain_gateway.application.gateway.trace_ids import TraceIds, TracePolicy
from brain_gateway.application.ports.limit_store import LimitStore
from brain_gateway.application.ports.span_sink import SpanSink
from brain_gateway.bootstrap.beside import beside
from brain_gateway.bootstrap.shared_memory import SharedMemory
from brain_gateway.domain.errors import ConfigurationError, SecretsUnavailable, StoreUnavailable
from brain_gateway.domain.events import DomainEvent
from brain_gateway.domain.http.requests import RequestParser
from brain_gateway.domain.routing.target_rule import TargetRule
from brain_gateway.infrastructure.cache.memory import MemoryResponses
from brain_gateway.infrastructure.discovery.dns import DnsDiscovery
from brain_gateway.infrastructure.discovery.guard import SystemAddressGuard
from brain_gateway.infrastructure.identity.api_keys import ApiKeyRing
from brain_gateway.infrastructure.identity.config import VerifierConfig
from brain_gateway.infrastructure.identity.denylist import Denylist
from brain_gateway.infrastructure.identity.verifier import TokenVerifier
from brain_gateway.infrastructure.probes.registry import make_probes
from brain_gateway.infrastructure.telemetry.access_log import NoAccessLog, QueuedAccessLog
from brain_gateway.infrastructure.telemetry.control_metrics import LimitMetrics
from brain_gateway.infrastructure.telemetry.events import log_event
from brain_gateway.infrastructure.telemetry.prometheus import GatewayMetrics
from brain_gateway.infrastructure.upstream.pool import TargetPools
from brain_gateway.settings import OwnSecrets, Profile, Settings
from brain_gateway.settings.stores import WithoutStore

logger = logging.getLogger("brain_gateway.identity")


@dataclass(slots=True)
class OpenDataPlane:
    """What is open of the data plane, for the faces and for whoever changes it. `publish` takes events of this process:
    they are logged, and those who go by them are told."""

    plane: DataPlane
    runtime: EdgeRuntime
    identification: Identification
    limits: LimitRegistry
    monitor: HealthMonitor
    discovery: TargetDiscovery
    targets: TargetRegistry
    cache: ResponseCache
    shown: GatewayMetrics
    publish: list[Callable[[DomainEvent], object]]


async def open_data_plane(
    settings: Settings, own: OwnSecrets, shared: SharedMemory | None, stack: AsyncExitStack
) -> OpenDataPlane:
    """The data plane of this process, which refuses everything until it is loaded."""
    clock, unix = time.monotonic, time.time
    metrics = MetricsCollector()
    log = (
        stack.enter_context(QueuedAccessLog(sys.stdout, settings.log_format)) if settings.access_log else None
    )
    guard = SystemAddressGuard(target_rule(settings))
    stack.callback(guard.close)
    pools = TargetPools(settings.pool_size, clock, metrics, guard)
    stack.callback(pools.close)
    targets = TargetRegistry(pools)
    sessions = SessionCache()
    denylist = Denylist(on_revoked=lambda gone: sessions.end_all(lambda known: known.token_id == gone))
    keys = ApiKeyRing((), denylist, logger.warning)
    verifier = TokenVerifier(
        _verifier_config(settings, own),
        denylist=denylist,
        on_withdrawn=lambda: sessions.end_all(lambda known: known.scheme == "jwt"),
    )
    await stack.enter_async_context(verifier)
    own.heed(functools.partial(_use_secret, verifier))
    discovery = TargetDiscovery(
        {"dns": DnsDiscovery(settings.dns_resolver)}, permits=target_rule(settings).permits
    )
    told: list[Callable[[DomainEvent], object]] = [log_event, discovery.heed]

    def publish(event: DomainEvent) -> None:
        for tell in told:
            tell(event)

    discovery.publish = publish
    await stack.enter_async_context(discovery)
    monitor = HealthMonitor(make_probes(guard), on_change=targets.mark, publish=publish)
    await stack.enter_async_context(monitor)
    if shared is not None:
        breakers = BreakerSharing(shared.breakers, targets, clock)
        told.append(breakers.heed)
        await stack.enter_async_context(beside(breakers.run(), "breakers"))
    identification = Identification(verifier, keys, sessions, clock, unix)
    spans = _spans(settings, stack)
    ids = TraceIds(os.urandom)
    traces = TracePolicy(ids, settings.trace_sample) if spans is not None else None
    trusted = TrustedProxies(settings.trusted_proxies)
    counted = None if shared is None else CountedLimitStore(shared.limits)
    desk = None
    if shared is not None and counted is not None:
        desk = await _desk(settings, counted, shared.member, clock, stack)
    limits = LimitRegistry(most_tunnels=settings.max_tunnels, shares=settings.workers, desk=desk)
    empty = RoutingTable({}, {}, TableRules(), StoreUnavailable if own.known else SecretsUnavailable)
    router = RequestRouter(empty, identification, limits, ids, traces, clock, random.random, trusted.trusts)
    settlement = Settlement(
        metrics, limits, log or NoAccessLog(), clock, unix, random.random, monitor.note,
        publish,
        settings.access_log_sample, settings.access_log_slow_ms / 1000, spans,
    )  # fmt: skip
    memory = MemoryResponses(settings.response_cache_bytes)
    responses = shared.responses if shared is not None else None
    cache = ResponseCache(memory, responses, clock, unix, settlement.settle_background)
    router.cache = cache
    stack.callback(cache.close)
    if shared is not None:
        purges = PurgeSharing(shared.purges, cache.forget)
        cache.announce = purges.tell
        await stack.enter_async_context(beside(purges.run(), "purges"))
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
    if desk is not None and counted is not None:
        shown.add(LimitMetrics(counted, desk.terms))
    soon = asyncio.get_running_loop().call_soon
    plane = DataPlane(router, targets, monitor, discovery, keys, sessions, metrics, soon)
    watch = ClockWatch(clock, unix, sessions.retime)
    await stack.enter_async_context(beside(watch.follow(), "clocks"))
    await stack.enter_async_context(beside(sweep(runtime.connections, pools.sweep, clock), "sweeper"))
    return OpenDataPlane(
        plane, runtime, identification, limits, monitor, discovery, targets, cache, shown, told
    )


def target_rule(settings: Settings) -> TargetRule:
    """Where services that tenants register may live."""
    return TargetRule(settings.tenant_target_networks, settings.profile is Profile.DEVELOPMENT)


async def _desk(
    settings: Settings, store: LimitStore, member: str, clock: Callable[[], float], stack: AsyncExitStack
) -> LimitDesk:
    """What supplies this process with its part of the limits."""
    refuses = settings.limits_without_store is WithoutStore.REFUSE
    desk = LimitDesk(store, clock, member, members=settings.workers, refuses=refuses)
    await desk.open()
    stack.push_async_callback(desk.close)
    await stack.enter_async_context(beside(desk.run(), "limits"))
    return desk


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


async def _use_secret(verifier: TokenVerifier, present: Settings) -> None:
    """Another secret: what was signed with the one before holds no more."""
    if present.jwt_secret is not None:
        verifier.use_secret(present.jwt_secret.get_secret_value())


def _verifier_config(settings: Settings, own: OwnSecrets) -> VerifierConfig:
    secret, awaited = None, False
    try:
        secret = own.text(lambda settings: settings.jwt_secret)
    except SecretsUnavailable:
        awaited = True
    return VerifierConfig(
        secret=secret,
        secret_awaited=awaited,
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
