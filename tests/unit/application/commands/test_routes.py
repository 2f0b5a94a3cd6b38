"""Routes of a service: added, changed, removed."""

from __future__ import annotations

import pytest

from brain_gateway.application.commands.routes import AddRouteCommand, RemoveRouteCommand, UpdateRouteCommand
from brain_gateway.application.commands.services import RegisterServiceCommand
from brain_gateway.domain.errors import Conflict, PreconditionFailed, ResourceNotFound
from tests.builders.control import Control
from tests.builders.gateway import route, service

pytestmark = pytest.mark.anyio


@pytest.fixture
async def shop():
    control = Control()
    item = await control.do(RegisterServiceCommand(service=service(routes=(route("/a", "GET"),))))
    return control, item.id


def ids(control):
    (item,) = control.store.state.services.values()
    return [one.id for one in item.service.routes]


async def test_a_route_is_added_changed_and_removed(shop):
    control, id_ = shop
    made = await control.do(AddRouteCommand(service_id=id_, route=route("/b"), expected=1))
    assert (made.version, made.route.id, ids(control)) == (2, "* /b", ["GET /a", "* /b"])
    changed = route("/b", public=True)
    made = await control.do(UpdateRouteCommand(service_id=id_, route_id="* /b", route=changed, expected=2))
    assert (made.version, made.route.public) == (3, True)
    await control.do(RemoveRouteCommand(service_id=id_, route_id="* /b", expected=3))
    assert ids(control) == ["GET /a"]
    assert [kind for kind, _ in await control.events()][-3:] == [
        "RouteRegistered",
        "RouteUpdated",
        "RouteRemoved",
    ]


async def test_what_is_not_so_any_more_is_refused(shop):
    control, id_ = shop
    with pytest.raises(Conflict):
        await control.do(AddRouteCommand(service_id=id_, route=route("/a", "GET", "POST")))
    with pytest.raises(PreconditionFailed):
        await control.do(AddRouteCommand(service_id=id_, route=route("/b"), expected=2))
    for command in (
        UpdateRouteCommand(service_id=id_, route_id="GET /none", route=route("/b")),
        RemoveRouteCommand(service_id=id_, route_id="GET /none"),
        RemoveRouteCommand(service_id="none", route_id="GET /a"),
    ):
        with pytest.raises(ResourceNotFound):
            await control.do(command)
    assert ids(control) == ["GET /a"]
