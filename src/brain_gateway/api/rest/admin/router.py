"""The administrative API as one router."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from fastapi import APIRouter, Security
from fastapi.security import APIKeyHeader, HTTPBearer

from brain_gateway.api.dependencies import Door
from brain_gateway.api.rest.admin import (
    audit,
    cache,
    configuration,
    events,
    health,
    instances,
    integrations,
    keys,
    limits,
    routes,
    services,
    targets,
    tenants,
)
from brain_gateway.api.rest.admin.control_plane import ControlPlane
from brain_gateway.api.rest.admin.endpoint import Endpoint, mount

PREFIX = "/api/v1"
RESOURCES: Mapping[str, Sequence[Endpoint]] = MappingProxyType(
    {
        "services": services.ENDPOINTS,
        "routes": routes.ENDPOINTS,
        "targets": targets.ENDPOINTS,
        "instances": instances.ENDPOINTS,
        "tenants": tenants.ENDPOINTS,
        "keys": keys.ENDPOINTS,
        "limits": limits.ENDPOINTS,
        "integrations": integrations.ENDPOINTS,
        "health": health.ENDPOINTS,
        "events": events.ENDPOINTS,
        "audit": audit.ENDPOINTS,
        "config": configuration.ENDPOINTS,
        "cache": cache.ENDPOINTS,
    }
)


def admin_router(
    control: ControlPlane, door: Door, more: Mapping[str, Sequence[Endpoint]] = MappingProxyType({})
) -> APIRouter:
    """Everything below /api/v1; `more`: endpoints of other resources, by their tag."""
    schemes = [
        Security(HTTPBearer(scheme_name="token", bearerFormat="JWT", auto_error=False)),
        Security(APIKeyHeader(name="X-API-Key", scheme_name="api_key", auto_error=False)),
    ]
    router = APIRouter(prefix=PREFIX, dependencies=schemes)
    for tag, endpoints in {**RESOURCES, **more}.items():
        mount(router, endpoints, tag, door, control)
    return router
