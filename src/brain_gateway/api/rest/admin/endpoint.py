"""How an endpoint is declared, and the route that serves it: request id, caller, body, then the handler."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from fastapi import APIRouter
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from brain_gateway.api.dependencies import Caller, Door
from brain_gateway.api.own_route import OwnRoute
from brain_gateway.api.problem_response import problem_response
from brain_gateway.api.request_ids import request_id_of
from brain_gateway.api.rest.admin import bodies, described
from brain_gateway.api.rest.admin.control_plane import ControlPlane
from brain_gateway.api.rest.admin.faults import invalid
from brain_gateway.application.authorization import Action, authorize
from brain_gateway.domain.errors import GatewayError, MalformedRequest

TAG = {"ETag": "Of this version: for If-Match and If-None-Match."}
MADE = {"Location": "Where it is.", **TAG}
NEXT = {"Link": 'The next page: rel="next".'}
_SOON_READ = 64 * 1024  # bytes of JSON that take a millisecond


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One row of a resource's table. The handler's docstring is its description; `answer` models what it answers with
    `status` (None: no content), `media_type` is another that it may be in, `headers` are those worth knowing,
    `most_body` is in bytes; a large one is read only for callers who may do `only` to what is the platform's (the bus
    asks again). An `endless` answer is a stream."""

    method: str
    path: str
    handler: Callable[..., Coroutine[Any, Any, Response]]
    summary: str
    answer: type[BaseModel] | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    most_body: int = bodies.MIB
    media_type: str | None = None
    only: Action | None = None
    endless: bool = False


class AdminRoute(OwnRoute):
    """Serves one endpoint. `bound` to a door and a control plane by a subclass of its own."""

    door: ClassVar[Door]
    control: ClassVar[ControlPlane]
    most_body: ClassVar[int] = bodies.MIB
    only: ClassVar[Action | None] = None

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, behind everything that comes before it."""
        handler = super().get_route_handler()

        async def serve(request: Request) -> Response:
            request_id = request_id_of(request, self.control.new_id)
            response = await self._answer(request, request_id, handler)
            response.headers["X-Request-ID"] = request_id
            return response

        return serve

    async def _answer(
        self,
        request: Request,
        request_id: str,
        handler: Callable[[Request], Coroutine[Any, Any, Response]],
    ) -> Response:
        request.state.request_id = request_id
        entered = await self.door.enter(request, request_id)
        if not isinstance(entered, Caller):
            response = problem_response(entered.error, request_id)
            response.headers.update(dict(entered.headers))
            return response
        request.state.caller, request.state.control = entered, self.control
        try:
            self._check_query(request)
            if self.only is not None:
                authorize(entered.actor, self.only, None)
            read = await self._read(request)
            return await handler(read)
        except GatewayError as error:
            return problem_response(error, request_id)
        except RequestValidationError as error:
            model = getattr(self.body_field, "field_info", None)
            return problem_response(invalid(error, getattr(model, "annotation", None)), request_id)

    def _check_query(self, request: Request) -> None:
        """A parameter that is not known may be a misspelt `tenant`: it is refused, and one that is there twice. A NUL
        is in nothing that is stored, and one of the databases would not take it."""
        known = _parameters(self.dependant)
        items = request.query_params.multi_items()
        given = [name for name, _ in items]
        for name, value in items:
            if name not in known:
                raise MalformedRequest(f"query: {name[:60]!r} is not a parameter; known are {sorted(known)}")
            if given.count(name) > 1:
                raise MalformedRequest(f"query: {name} is there twice")
            if "\0" in value:
                raise MalformedRequest(f"query: {name} has a NUL in it")

    async def _read(self, request: Request) -> Request:
        if self.body_field is None:
            request.state.fingerprint = _fingerprint(request, b"")
            return request
        taken = [bodies.JSON] if request.method != "PATCH" else [bodies.MERGE_PATCH, bodies.JSON]
        bodies.check_media_type(request.headers.get("content-type"), taken)
        body = await bodies.read_bounded(request, self.most_body)
        request.state.fingerprint = _fingerprint(request, body)
        read = _ReadRequest(request.scope, request.receive)
        read.raw, read.value = body, await _value(body)
        return read


async def _value(body: bytes) -> object:
    """Of a long body in a thread: requests to services go on meanwhile."""
    if len(body) <= _SOON_READ:
        return bodies.read_json(body)
    return await asyncio.to_thread(bodies.read_json, body)


class _ReadRequest(Request):
    """A request whose body has been read."""

    raw: bytes
    value: object

    async def body(self) -> bytes:
        return self.raw

    async def json(self) -> Any:  # noqa: ANN401 - as Starlette has it
        return self.value


def _parameters(dependant: Dependant) -> frozenset[str]:
    """The names of the query's parameters, also those that dependencies ask for."""
    own = frozenset(parameter.alias for parameter in dependant.query_params)
    return own.union(*(_parameters(one) for one in dependant.dependencies))


def _fingerprint(request: Request, body: bytes) -> str:
    """What is asked for: by this, a request that comes again is told from another under the same Idempotency-Key."""
    line = f"{request.method} {request.url.path}?{request.url.query}\n"
    return hashlib.sha256(line.encode() + body).hexdigest()


def mount(
    router: APIRouter, endpoints: Sequence[Endpoint], tag: str, door: Door, control: ControlPlane
) -> None:
    """Put endpoints on a router, each with a route that is bound to `door` and `control`."""
    for endpoint in endpoints:
        members = {
            "door": door,
            "control": control,
            "most_body": endpoint.most_body,
            "only": endpoint.only,
            "endless": endpoint.endless,
        }
        router.add_api_route(
            endpoint.path,
            endpoint.handler,
            methods=[endpoint.method],
            status_code=endpoint.status,
            summary=endpoint.summary,
            tags=[tag],
            response_model=None,
            response_class=Response if endpoint.answer is None else router.default_response_class,
            operation_id=endpoint.handler.__name__,
            responses=described.responses(endpoint),
            openapi_extra={"parameters": described.parameters(endpoint)},
            route_class_override=type("BoundRoute", (AdminRoute,), members),
        )
