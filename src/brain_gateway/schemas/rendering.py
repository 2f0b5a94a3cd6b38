"""From domain objects to documents in the language of gateway.yaml: sparse (defaults are left out) and stable (one
spelling, one order), so that what is shown can be declared again and compared."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import singledispatch
from typing import Any

from brain_gateway.application.dto import ApiKeyDTO, LimitDTO, ServiceRegistrationDTO, TenantDTO
from brain_gateway.application.ports.api_key_record import ApiKeyRecord
from brain_gateway.domain.integrations.integration_config import CredentialsRecord, IntegrationConfig
from brain_gateway.domain.resilience.rate_limit import RateLimit
from brain_gateway.domain.routing.discovery import DiscoveryPolicy, Lookup, RecordType
from brain_gateway.domain.routing.policies import BalancerPolicy, ProbePolicy, ProbeType
from brain_gateway.domain.routing.route import Route
from brain_gateway.domain.routing.service_route import ServiceKind, ServiceRoute
from brain_gateway.domain.routing.target import Target

Document = dict[str, Any]
_USUAL: dict[type, Any] = {}


@singledispatch
def document_of(thing: object) -> Document:
    """The document of a service, route, target, limit, tenant, key or integration, alone or with its bookkeeping.

    Raises TypeError for anything else. Never holds a secret.
    """
    raise TypeError(f"there is no document of a {type(thing).__name__}")


@document_of.register
def _limit(limit: RateLimit) -> Document:
    burst = {} if limit.burst is None else {"burst": limit.burst}
    return {"requests": limit.requests, "window": plain(limit.window), **burst}


@document_of.register
def _target(target: Target) -> Document:
    weight = {} if target.weight == 1 else {"weight": target.weight}
    return {"url": target.origin, **weight}


@document_of.register
def _route(route: Route) -> Document:
    return {
        "path": route.pattern.text,
        **_given(
            methods=sorted(route.methods),
            public=route.public,
            roles=sorted(route.roles),
            limit=None if route.limit is None else document_of(route.limit),
        ),
        **({} if route.cache is None else {"cache": _policy(route.cache, "cache") or True}),
    }


@document_of.register
def _service(service: ServiceRoute) -> Document:
    """The values of one entry of `services`; what is as in a bare service is left out."""
    exposed = (
        {} if service.exposed == (service.kind is not ServiceKind.INTERNAL) else {"exposed": service.exposed}
    )
    return {
        **({} if service.kind is ServiceKind.BACKEND else {"kind": service.kind.value}),
        **_places(service),
        **_given(prefix=service.prefix),
        **exposed,
        **_given(
            roles=sorted(service.roles),
            limit=None if service.limit is None else document_of(service.limit),
            **{name: _policy(getattr(service, name), name) for name in _POLICIES},
            cors=None if service.cors is None else _all(service.cors),
            host_header="" if service.host_header == "upstream" else service.host_header,
            max_body=service.max_body,
        ),
        **({} if service.websocket else {"websocket": False}),
        **_given(strict=service.strict, routes=[document_of(route) for route in service.routes]),
    }


def _places(service: ServiceRoute) -> Document:
    """Targets are left out where they are nothing but the name that is looked up."""
    targets = {"targets": [document_of(target) for target in service.targets]}
    discovery = service.discovery
    if discovery is None:
        return targets
    return {
        **({} if service.targets == discovery.unanswered else targets),
        "discovery": document_of(discovery),
        **_strategy(service.balancer, discovery),
    }


def _strategy(balancer: BalancerPolicy, discovery: DiscoveryPolicy) -> Document:
    """SRV records have weights, which count unless the file says otherwise."""
    usual = discovery.lookup.record != RecordType.SRV or balancer != BalancerPolicy()
    return {} if usual else {"balancer": {"strategy": balancer.strategy}}


@document_of.register
def _discovery(policy: DiscoveryPolicy) -> Document:
    """With the name that instances are called by, unless it is the one that is looked up."""
    lookup = policy.lookup
    named = replace(policy, server_name="").server_name
    return {
        "name": lookup.name,
        **_changed(lookup, Lookup(lookup.name), "name"),
        **_given(port=policy.port, scheme="" if policy.scheme == "http" else policy.scheme),
        **({} if policy.server_name == named else {"server_name": policy.server_name}),
    }


@document_of.register
def _record(record: ApiKeyRecord) -> Document:
    return {
        "hash": record.hash,
        "prefix": record.prefix,
        "user": record.user_id,
        **_given(roles=sorted(record.roles), expires_at=date_time(record.expires_at)),
    }


@document_of.register
def _registered_service(item: ServiceRegistrationDTO) -> Document:
    own = {"name": item.service.name, **_given(tenant=item.tenant_id), **document_of(item.service)}
    leases = {origin: date_time(lease.expires_at) for origin, lease in sorted(item.leases.items())}
    return {**own, **_given(leases=leases)}


@document_of.register
def _registered_tenant(item: TenantDTO) -> Document:
    return {"id": item.id, "name": item.tenant.name, "status": item.tenant.status.value}


@document_of.register
def _registered_key(item: ApiKeyDTO) -> Document:
    return {
        "tenant": item.tenant_id,
        "prefix": item.prefix,
        "user": item.user_id,
        **_given(
            name=item.name,
            roles=sorted(item.roles),
            expires_at=date_time(item.expires_at),
            revoked_at=date_time(item.revoked_at),
        ),
    }


@document_of.register
def _set_limit(item: LimitDTO) -> Document:
    return {"name": item.name, **_given(tenant=item.tenant_id), **document_of(item.limit)}


@document_of.register
def _integration(config: IntegrationConfig) -> Document:
    credentials = None if config.credentials is None else document_of(config.credentials)
    return {
        "name": config.integration_name,
        "tenant": config.tenant_id,
        "category": config.category.value,
        "active": config.is_active,
        "rate_limit": document_of(config.rate_limit),
        "retries": config.retry_count,
        "health": config.health.value,
        **_given(credentials=credentials),
    }


@document_of.register
def _credentials(record: CredentialsRecord) -> Document:
    """The names of the fields that are set, and not where they are."""
    return {
        "variant": record.variant,
        "fields": sorted(record.fields),
        "changed_at": date_time(record.changed_at),
    }


def date_time(unix: float | None) -> str | None:
    """RFC 3339 in UTC, to the millisecond; None for never."""
    if unix is None or math.isinf(unix):
        return None
    return datetime.fromtimestamp(unix, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def plain(value: Any) -> Any:  # noqa: ANN401 - any value of a policy
    """A value as JSON has it: whole seconds without a fraction, sets and tuples as lists."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, (tuple, frozenset)):
        return [plain(one) for one in value]
    return value


def _given(**values: Any) -> Document:
    """Those that say something."""
    return {name: value for name, value in values.items() if value}


def _all(policy: Any) -> Document:  # noqa: ANN401 - any frozen policy
    return {name: plain(getattr(policy, name)) for name in _names(policy)}


def _policy(policy: Any, name: str) -> Document:  # noqa: ANN401 - any frozen policy
    """What differs from the policy's defaults."""
    return _ADJUST.get(name, _as_it_is)(policy, _changed(policy, _usual(policy)))


def _changed(policy: Any, default: Any, *apart: str) -> Document:  # noqa: ANN401 - any frozen policy
    """The fields in which `policy` differs from `default`, without those that are told `apart`."""
    if policy == default:
        return {}
    return {
        name: plain(getattr(policy, name))
        for name in _names(policy)
        if name not in apart and getattr(policy, name) != getattr(default, name)
    }


def _usual(policy: Any) -> Any:  # noqa: ANN401 - any frozen policy
    """The defaults of its kind, made once."""
    kind = type(policy)
    if kind not in _USUAL:
        _USUAL[kind] = kind()
    return _USUAL[kind]


def _names(policy: Any) -> tuple[str, ...]:  # noqa: ANN401 - any frozen policy
    return tuple(type(policy).__dataclass_fields__)


def _as_it_is(policy: Any, written: Document) -> Document:  # noqa: ANN401 - any frozen policy
    return written


def _probe(policy: ProbePolicy, written: Document) -> Document:
    """A path is always told with its type, because the default path goes by the type."""
    if policy.type == ProbeType.HTTP:
        return written
    return {
        "type": str(policy.type),
        "path": policy.path,
        **{k: v for k, v in written.items() if k not in ("type", "path")},
    }


def _balancer(policy: Any, written: Document) -> Document:  # noqa: ANN401 - a BalancerPolicy
    """hash_on belongs to consistent_hash, where it must be told."""
    if policy.strategy == "consistent_hash":
        return {"strategy": policy.strategy, "hash_on": policy.hash_on}
    return written


_POLICIES = ("balancer", "breaker", "retry", "timeouts", "probe")
_ADJUST: Mapping[str, Callable[[Any, Document], Document]] = {"probe": _probe, "balancer": _balancer}
