"""GET /metrics, for Prometheus."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from brain_gateway.domain.errors import CredentialsInvalid, CredentialsMissing

if TYPE_CHECKING:
    from fastapi import APIRouter

    from brain_gateway.api.front import Answer


def metrics_answers(
    render: Callable[[], bytes], content_type: str, expected: Callable[[], str | None]
) -> dict[str, Answer]:
    """The endpoint by its path. What `expected` gives must be sent as a bearer token; None: nothing. It may raise
    SecretsUnavailable."""

    def metrics(request: Request) -> Response:
        token = expected()
        if token is not None:
            _check(request.headers.get("authorization", ""), token)
        return Response(render(), media_type=content_type)

    return {"/metrics": metrics}


def metrics_router(answers: Mapping[str, Answer]) -> APIRouter:
    """`metrics_answers`, documented."""
    # The answers do without the framework, and so does a gateway that is only watched.
    from fastapi import APIRouter, Security
    from fastapi.responses import PlainTextResponse
    from fastapi.security import HTTPBearer

    from brain_gateway.api.own_route import OwnRoute

    described = "METRICS_TOKEN, where it is set."
    scheme = Security(HTTPBearer(scheme_name="metrics_token", description=described, auto_error=False))
    router = APIRouter(tags=["operations"], route_class=OwnRoute)

    @router.get(
        "/metrics",
        summary="Metrics in Prometheus text format",
        operation_id="metrics",
        response_class=PlainTextResponse,
        dependencies=[scheme],
        openapi_extra={"security": [{}]},  # or nothing
    )
    async def metrics(request: Request) -> Response:
        return answers["/metrics"](request)

    return router


def _check(authorization: str, token: str) -> None:
    scheme, _, sent = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise CredentialsMissing("send METRICS_TOKEN as a bearer token")
    if not hmac.compare_digest(sent.strip().encode(), token.encode()):
        raise CredentialsInvalid("this is not METRICS_TOKEN")
