"""The FastAPI application: the gateway's own endpoints, and the ASGI entry of the proxy behind them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, Literal

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp

from brain_gateway import __version__
from brain_gateway.api import problems
from brain_gateway.api.openapi import OpenApiDocument
from brain_gateway.api.own_route import allowed
from brain_gateway.api.problem_response import on_gateway_error, on_unexpected, problem_response
from brain_gateway.api.request_ids import request_id_of
from brain_gateway.domain.errors import (
    CredentialsMissing,
    GatewayError,
    InternalError,
    MalformedRequest,
    MethodNotAllowed,
    ServiceNotFound,
)

DESCRIPTION = """One front door for a multi-tenant business platform.

Every service is reached at `/{service}/{path}` (or `/brain-gateway/{service}/{path}`) with a bearer token or an
API key; the endpoints below are the gateway's own. Errors are problem documents (RFC 9457)."""


class ProblemDocument(BaseModel):
    """An error (RFC 9457); docs/errors.md lists the types."""

    type: str = Field(description="urn:brain-gateway:problem: and the name of the error.")
    title: str
    status: int
    detail: str = Field(description="What to do about it.")
    fault: Literal["caller", "gateway", "upstream"] = Field(description="Whose fault it is.")
    errors: list[str] | None = Field(None, description="Every fault of an invalid document.")
    request_id: str | None = Field(None, description="As in X-Request-ID, to be found in the logs.")


class _Application(FastAPI):
    """FastAPI, with a way of its own to its document."""

    def setup(self) -> None:
        """Called as it is made. What is first here counts: FastAPI's own describes everything in the event loop."""
        self.add_route("/openapi.json", OpenApiDocument(self.openapi).answer, include_in_schema=False)
        super().setup()


def create_application(routers: Sequence[APIRouter], proxy: ASGIApp | None = None) -> FastAPI:
    """`proxy` answers every path that is not the gateway's own."""
    app = _Application(
        title="Brain API Gateway",
        version=__version__,
        description=DESCRIPTION,
        separate_input_output_schemas=False,
        redirect_slashes=False,  # Starlette takes the caller's Host for the way back
        responses={
            "4XX": _problem_response("The request is at fault.", CredentialsMissing()),
            "5XX": _problem_response("The gateway or a service is at fault.", InternalError()),
        },
    )
    for router in routers:
        _take(router, app)
    app.add_exception_handler(GatewayError, on_gateway_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(Exception, on_unexpected)
    if proxy is not None:
        app.router.default = proxy
    return app


def _take(router: APIRouter, app: FastAPI) -> None:
    """In the place of include_router, whose routes are analysed once more, in the event loop, at the first request."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            route.responses = {**app.router.responses, **route.responses}
        app.router.routes.append(route)


def _problem_response(description: str, error: GatewayError) -> dict[str, Any]:
    example = problems.members(error)
    content = {problems.MEDIA_TYPE: {"schema": ProblemDocument.model_json_schema(), "example": example}}
    return {"description": description, "content": content}


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    known: dict[int, GatewayError] = {404: ServiceNotFound(), 405: MethodNotAllowed()}
    request_id = request_id_of(request, lambda: str(uuid.uuid4()))
    problem = known.get(error.status_code, MalformedRequest())
    response = problem_response(problem, request_id, error.status_code)
    response.headers.update({**(error.headers or {}), "X-Request-ID": request_id})
    if error.status_code == 405:
        response.headers["Allow"] = allowed(request.app.router.routes, request.scope)
    return response


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = [_fault(detail) for detail in error.errors()]
    return problem_response(MalformedRequest("; ".join(faults)))


def _fault(detail: dict[str, Any]) -> str:
    place = ".".join(str(part) for part in detail.get("loc", ()))
    return f"{place}: {detail.get('msg', 'is wrong')}"
