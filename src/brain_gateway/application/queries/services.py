"""Which services are registered."""

from __future__ import annotations

from dataclasses import dataclass, field

from brain_gateway.application.authorization import Action, Actor
from brain_gateway.application.bus import Query
from brain_gateway.application.dto import Page, PageRequest, ServiceRegistrationDTO
from brain_gateway.application.ports.route_repository import ServiceFilter
from brain_gateway.application.ports.unit_of_work import UnitOfWork
from brain_gateway.application.visibility import shown_to
from brain_gateway.domain.errors import ResourceNotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class ListServicesQuery(Query[Page[ServiceRegistrationDTO]]):
    """A page of services: of a tenant, the global ones too; of the platform (None), everybody's."""

    action = Action.READ_SERVICES
    wanted: ServiceFilter = field(default_factory=ServiceFilter)
    page: PageRequest = field(default_factory=PageRequest)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetServiceQuery(Query[ServiceRegistrationDTO]):
    """One service by its id, or the one that its name means to `tenant_id`: its own, or else the global one."""

    action = Action.READ_SERVICES
    service_id: str = ""
    name: str = ""


async def list_services(
    query: ListServicesQuery, unit: UnitOfWork, actor: Actor
) -> Page[ServiceRegistrationDTO]:
    """Sorted by (name, id). Of services that a tenant may not know of a page says nothing: neither its length nor where
    the next one begins, nor that there is one."""
    if query.tenant_id is None:
        return await unit.services.page(query.wanted, query.page)
    size, after = query.page.size, query.page.after
    found: list[ServiceRegistrationDTO] = []
    while True:
        part = await unit.services.page(query.wanted, PageRequest(size + 1, after))
        found += [item for item in part.items if shown_to(item, query.tenant_id)]
        if len(found) > size:
            last = found[size - 1]
            return Page(tuple(found[:size]), (last.service.name, last.id))
        if part.next is None:
            return Page(tuple(found))
        after = part.next


async def get_service(query: GetServiceQuery, unit: UnitOfWork, actor: Actor) -> ServiceRegistrationDTO:
    """Raises ResourceNotFound."""
    if query.service_id:
        found = await unit.services.get(query.service_id)
    else:
        found = await unit.services.find(query.tenant_id, query.name)
        if found is None and query.tenant_id is not None:
            found = await unit.services.find(None, query.name)
    if found is None or not shown_to(found, query.tenant_id):
        raise ResourceNotFound("there is no such service")
    return found
