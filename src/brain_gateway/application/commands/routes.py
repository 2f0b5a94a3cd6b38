"""Add, change and remove routes of a service."""

from __future__ import annotations

from dataclasses import dataclass

from brain_gateway.application.authorization import Action
from brain_gateway.application.bus import Command
from brain_gateway.application.commands.changing import change_service
from brain_gateway.application.dto import RouteConfigDTO
from brain_gateway.application.work import Work
from brain_gateway.domain.routing.route import Route
from brain_gateway.domain.routing.service_changes import with_route, with_route_in_place, without_route


@dataclass(frozen=True, slots=True, kw_only=True)
class AddRouteCommand(Command[RouteConfigDTO]):
    """One more route; `expected`: the version that the service must have."""

    action = Action.WRITE_SERVICES
    service_id: str
    route: Route
    expected: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateRouteCommand(Command[RouteConfigDTO]):
    """Another route in the place of the one with `route_id`."""

    action = Action.WRITE_SERVICES
    service_id: str
    route_id: str
    route: Route
    expected: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveRouteCommand(Command[None]):
    """One route less."""

    action = Action.WRITE_SERVICES
    service_id: str
    route_id: str
    expected: int | None = None


async def add_route(command: AddRouteCommand, work: Work) -> RouteConfigDTO:
    """Raises Conflict when it ties with one that is there."""
    route = command.route
    saved = await change_service(
        work,
        command.tenant_id,
        command.service_id,
        lambda service: with_route(service, route),
        command.expected,
    )
    return RouteConfigDTO(service_id=saved.id, version=saved.version, route=route)


async def update_route(command: UpdateRouteCommand, work: Work) -> RouteConfigDTO:
    """Raises ResourceNotFound and Conflict."""
    route = command.route
    saved = await change_service(
        work,
        command.tenant_id,
        command.service_id,
        lambda service: with_route_in_place(service, command.route_id, route),
        command.expected,
    )
    return RouteConfigDTO(service_id=saved.id, version=saved.version, route=route)


async def remove_route(command: RemoveRouteCommand, work: Work) -> None:
    """Raises ResourceNotFound."""
    await change_service(
        work,
        command.tenant_id,
        command.service_id,
        lambda service: without_route(service, command.route_id),
        command.expected,
    )
