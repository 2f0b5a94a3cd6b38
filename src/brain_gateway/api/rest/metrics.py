"""GET /metrics, for Prometheus."""

from __future__ import annotations

import hmac
from collections.abc import Callable

from fastapi import APIRouter, Header, Response, Security
from fastapi.responses import PlainTextResponse
from fastapi.security import HTTPBearer

from brain_gateway.api.own_route import OwnRoute
from brain_gateway.domain.errors import CredentialsInvalid, CredentialsMissing

_SCHEME = Security(
    HTTPBearer(scheme_name="metrics_token", description="METRICS_TOKEN, where it is set.", auto_error=False)
)


def metrics_router(
    render: Callable[[], bytes], content_type: str, expected: Callable[[], str | None]
) -> APIRouter:
    """What `expected` gives must be sent as a bearer token; None: nothing. It may raise SecretsUnavailable."""
    router = APIRouter(tags=["operations"], route_class=OwnRoute)

    @router.get(
        "/metrics",
        summary="Metrics in Prometheus text format",
        operation_id="metrics",
        response_class=PlainTextResponse,
        dependencies=[_SCHEME],
    )
    async def metrics(authorization: str = Header("", include_in_schema=False)) -> Response:
        token = expected()
        if token is not None:
            _check(authorization, token)
        return Response(render(), media_type=content_type)

    return router


def _check(authorization: str, token: str) -> None:
    scheme, _, sent = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise CredentialsMissing("send METRICS_TOKEN as a bearer token")
    if not hmac.compare_digest(sent.strip().encode(), token.encode()):
        raise CredentialsInvalid("this is not METRICS_TOKEN")
