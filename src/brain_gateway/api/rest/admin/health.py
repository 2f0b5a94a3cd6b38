"""/health: how the services are that the caller can call, in more detail than GET /health tells everybody."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from brain_gateway.api.rest.admin.answers import answer
from brain_gateway.api.rest.admin.asking import Asking
from brain_gateway.api.rest.admin.endpoint import Endpoint
from brain_gateway.api.rest.admin.models import HealthAnswer
from brain_gateway.application.queries.health import GetHealthStatusQuery, ServiceState, TargetState
from brain_gateway.schemas.rendering import Document

_ORDER = ("closed", "half_open", "open")


async def get_health(
    ask: Asking, name: Annotated[str, Query(max_length=63, description="This service alone.")] = ""
) -> Response:
    """From the last checks, also while the database is away: a tenant's services and the global ones. A super_admin
    gets a `gateway`, too: what the gateway itself needs."""
    found = await ask.find(GetHealthStatusQuery(tenant_id=ask.tenant_id, name=name))
    report = found.report
    services = [_service(state) for state in found.services]
    gateway = {"gateway": dict(ask.control.gateway_health())} if ask.actor.everywhere else {}
    status = {"status": report.status.value, "timestamp": report.timestamp}
    return answer({**status, **gateway, "services": services})


def _service(state: ServiceState) -> Document:
    service = state.service
    breakers = [target.breaker for target in state.targets]
    return {
        "name": service.name,
        **({} if service.tenant_id is None else {"tenant": service.tenant_id}),
        "status": service.status.value,
        "since": service.since,
        "response_time_ms": service.response_time_ms,
        "breaker": max(breakers, key=_ORDER.index, default="closed"),
        "targets": [_target(target) for target in state.targets],
    }


def _target(state: TargetState) -> Document:
    target = state.target
    status = "unknown" if target.healthy is None else "healthy" if target.healthy else "down"
    return {
        **({"url": target.target} if target.target else {}),
        "status": status,
        "breaker": state.breaker,
        "response_time_ms": target.response_time_ms,
        **({} if target.checked_at is None else {"checked_at": target.checked_at}),
        "detail": target.detail,
    }


ENDPOINTS = (Endpoint("GET", "/health", get_health, "Health of services", HealthAnswer),)
