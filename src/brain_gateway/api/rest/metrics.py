"""GET /metrics, for Prometheus."""

from __future__ import annotations

import hmac
from collections.abc import Callable

from fastapi import APIRouter, Header, Response

from brain_gateway.domain.errors import CredentialsInvalid, CredentialsMissing


def metrics_router(render: Callable[[], bytes], content_type: str, token: str | None) -> APIRouter:
    """With `token`, it must be sent as a bearer token."""
    router = APIRouter(tags=["operations"])

    @router.get("/metrics", summary="Metrics in Prometheus text format", response_class=Response)
    async def metrics(authorization: str = Header("", include_in_schema=False)) -> Response:
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
