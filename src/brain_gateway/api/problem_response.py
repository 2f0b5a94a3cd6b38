"""Errors as Starlette's responses, for every application of the gateway's own paths."""

from __future__ import annotations

import orjson
from starlette.requests import Request
from starlette.responses import Response

from brain_gateway.api import problems
from brain_gateway.domain.errors import GatewayError, InternalError


def problem_response(error: GatewayError, request_id: str = "", status: int | None = None) -> Response:
    """An error as a response; `status` where the framework says it more exactly than the table."""
    members = problems.members(error, request_id)
    if status is not None:
        members["status"] = status
    headers = dict(problems.headers_of(error)) | {"Cache-Control": "no-store"}
    code = status if status is not None else problems.problem_of(error).status
    return Response(orjson.dumps(members), code, headers, problems.MEDIA_TYPE)


async def on_gateway_error(request: Request, error: Exception) -> Response:
    """The answer to an error of the tree."""
    assert isinstance(error, GatewayError)
    return problem_response(error)


async def on_unexpected(request: Request, error: Exception) -> Response:
    """The answer to a mistake of the gateway's; the server logs it."""
    return problem_response(InternalError(), getattr(request.state, "request_id", ""))
