"""/services/{service_id}/routes: the rules for some paths of a service.

A route is named by its methods and path, percent-encoded or as base64url: for GET /items/{id:int} it is
GET%20%2Fitems%2F%7Bid%3Aint%7D or R0VUIC9pdGVtcy97aWQ6aW50fQ.
"""

from __future__ import annotations

from starlette.responses import Response

from brain_gateway.api.rest.admin import answers
from brain_gateway.api.rest.admin.asking import Ask, Asking
from brain_gateway.api.rest.admin.cursors import part, slug
from brain_gateway.api.rest.admin.endpoint import MADE, TAG, Endpoint
from brain_gateway.api.rest.admin.models import Page, RouteAnswer, RouteReplacement
from brain_gateway.api.rest.admin.preconditions import entity_tag
from brain_gateway.api.rest.admin.services import addressed, found
from brain_gateway.application.commands.routes import AddRouteCommand, RemoveRouteCommand, UpdateRouteCommand
from brain_gateway.application.dto import RouteConfigDTO
from brain_gateway.domain.errors import ConfigurationError, InvalidDocument
from brain_gateway.domain.routing.route import Route
from brain_gateway.domain.routing.service_changes import route_of
from brain_gateway.schemas.rendering import Document, document_of


async def list_routes(ask: Asking, service_id: str) -> Response:
    """All of them, in the order in which they were declared."""
    item = await found(ask, service_id)
    return answers.whole_list(item.service.routes, route_document)


async def add_route(ask: Asking, service_id: str, body: RouteReplacement) -> Response:
    """One that matches the same requests as another is refused (409)."""
    id_, expected = await addressed(ask, service_id)
    command = AddRouteCommand(
        tenant_id=ask.tenant_id, service_id=id_, route=_route(ask, body), expected=expected
    )

    def render(made: RouteConfigDTO, _: int) -> answers.Rendered:
        location = f"/api/v1/services/{made.service_id}/routes/{slug(made.route.id)}"
        tag = entity_tag(made.service_id, made.version)
        return answers.created(route_document(made.route), tag, location)

    return await ask.once(command, render)


async def get_route(ask: Asking, service_id: str, route_id: str) -> Response:
    """With the entity tag of its service."""
    item = await found(ask, service_id)
    route = route_of(item.service, part(route_id))
    return answers.resource(ask.request, route_document(route), answers.tag_of(item))


async def replace_route(ask: Asking, service_id: str, route_id: str, body: RouteReplacement) -> Response:
    """The whole route as it is to be; with another path or other methods it has another id afterwards."""
    id_, expected = await addressed(ask, service_id)
    command = UpdateRouteCommand(
        tenant_id=ask.tenant_id,
        service_id=id_,
        route_id=part(route_id),
        route=_route(ask, body),
        expected=expected,
    )
    made = await ask.do(command)
    return answers.resource(
        ask.request, route_document(made.route), entity_tag(made.service_id, made.version)
    )


async def remove_route(ask: Asking, service_id: str, route_id: str) -> Response:
    """Its paths are as any other of the service from then on."""
    id_, expected = await addressed(ask, service_id)
    command = RemoveRouteCommand(
        tenant_id=ask.tenant_id, service_id=id_, route_id=part(route_id), expected=expected
    )
    await ask.do(command)
    return answers.answer(None, 204)


def route_document(route: Route) -> Document:
    """A route with its id."""
    return {"id": route.id, **document_of(route)}


def _route(ask: Ask, body: RouteReplacement) -> Route:
    try:
        return ask.control.builder().route(body)
    except ConfigurationError as error:
        raise InvalidDocument(faults=error.faults) from None


_ALL = "/services/{service_id}/routes"
_ONE = _ALL + "/{route_id:path}"
ENDPOINTS = (
    Endpoint("GET", _ALL, list_routes, "List a service's routes", Page[RouteAnswer]),
    Endpoint("POST", _ALL, add_route, "Add a route", RouteAnswer, 201, MADE),
    Endpoint("GET", _ONE, get_route, "One route", RouteAnswer, headers=TAG),
    Endpoint("PUT", _ONE, replace_route, "Replace a route", RouteAnswer, headers=TAG),
    Endpoint("DELETE", _ONE, remove_route, "Remove a route", status=204),
)
