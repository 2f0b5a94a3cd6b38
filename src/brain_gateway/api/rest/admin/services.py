"""/services: register, read, change and deregister them."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from fastapi import Body, Query
from starlette.responses import Response

from brain_gateway.api.rest.admin import answers
from brain_gateway.api.rest.admin.asking import Ask, Asking, Paged, uuid_of
from brain_gateway.api.rest.admin.bodies import MERGE_PATCH
from brain_gateway.api.rest.admin.cursors import BY_NAME
from brain_gateway.api.rest.admin.endpoint import MADE, NEXT, TAG, Endpoint
from brain_gateway.api.rest.admin.faults import service_of, validated
from brain_gateway.api.rest.admin.merge_patch import merge
from brain_gateway.api.rest.admin.models import NewService, Page, ServiceAnswer, ServiceReplacement
from brain_gateway.application import dto
from brain_gateway.application.commands.changing import Change
from brain_gateway.application.commands.services import (
    DeregisterServiceCommand,
    RegisterServiceCommand,
    UpdateServiceCommand,
)
from brain_gateway.application.dto import ServiceRegistrationDTO
from brain_gateway.application.ports.route_repository import ServiceFilter
from brain_gateway.application.queries.services import GetServiceQuery, ListServicesQuery
from brain_gateway.domain.errors import InvalidDocument
from brain_gateway.domain.resilience.circuit_breaker import BreakerPolicy
from brain_gateway.domain.routing.service_route import ServiceKind, ServiceRoute
from brain_gateway.schemas.building import rate_limit
from brain_gateway.schemas.explicit import service_entry
from brain_gateway.schemas.policies import BreakerModel, LimitModel
from brain_gateway.schemas.rendering import Document, date_time
from brain_gateway.schemas.service import ServiceModel, TargetModel

_SOMEWHERE = (TargetModel(url="http://targets.invalid"),)
_BY_NAME = "name:"


async def list_services(
    ask: Asking,
    paging: Paged,
    name: Annotated[str | None, Query(max_length=63, description="With this name.")] = None,
    prefix: Annotated[str, Query(max_length=63, description="Names that begin so.")] = "",
    kind: ServiceKind | None = None,
    owner: Annotated[str | None, Query(max_length=63, description="Declared by.")] = None,
    owned: Annotated[bool, Query(description="Without the global services, for a tenant.")] = False,
) -> Response:
    """A tenant's own and the global services that it can call, by name; for the platform, everybody's."""
    begins = prefix if name is None else name
    wanted = ServiceFilter(owned=owned, tenant_id=ask.tenant_id, prefix=begins, kind=kind, owner=owner)
    query = ListServicesQuery(tenant_id=ask.tenant_id, wanted=wanted, page=paging.request(BY_NAME))
    page = await ask.find(query)
    if name is not None:
        page = _named(page, name)
    return answers.page_of(ask.request, page, lambda item: service_document(ask, item))


async def register_service(ask: Asking, body: NewService) -> Response:
    """Of two registrations of one name, one wins; the other gets 409."""
    ask = ask.named(body.tenant)
    service = service_of(ask.control.builder(), body.name, body, ask.tenant_id)
    command = RegisterServiceCommand(tenant_id=ask.tenant_id, service=service)
    return await ask.once(command, lambda item, _: _created(ask, item))


async def get_service(ask: Asking, service_id: str) -> Response:
    """By its id, or as `name:NAME`: a tenant's own service of that name, or else the global one."""
    item = await found(ask, service_id)
    return service_answer(ask, item)


async def replace_service(ask: Asking, service_id: str, body: ServiceReplacement) -> Response:
    """The whole service as it is to be. Targets that registered themselves stay."""
    builder = ask.control.builder()

    def change(service: ServiceRoute) -> ServiceRoute:
        if body.name not in (None, service.name):
            raise InvalidDocument("name: cannot be changed; register another service")
        return service_of(builder, service.name, body, service.tenant_id)

    return await _changed(ask, service_id, change)


async def patch_service(
    ask: Asking, service_id: str, body: Annotated[dict[str, Any], Body(media_type=MERGE_PATCH)]
) -> Response:
    """A merge patch (RFC 7396) of the service's document: null takes a member back to its default; lists are replaced
    whole."""
    return await _changed(ask, service_id, lambda service: _patched(ask, service, body))


async def deregister_service(ask: Asking, service_id: str) -> Response:
    """Requests under way are finished."""
    id_, expected = await addressed(ask, service_id)
    await ask.do(DeregisterServiceCommand(tenant_id=ask.tenant_id, service_id=id_, expected=expected))
    return answers.answer(None, 204)


async def set_service_limit(ask: Asking, service_id: str, body: LimitModel) -> Response:
    """How many requests of each tenant it takes."""
    limit = rate_limit(body)
    return await _changed(ask, service_id, lambda service: replace(service, limit=limit))


async def unset_service_limit(ask: Asking, service_id: str) -> Response:
    """Back to the limit of the caller's class."""
    return await _changed(ask, service_id, lambda service: replace(service, limit=None))


async def set_service_breaker(ask: Asking, service_id: str, body: BreakerModel) -> Response:
    """When a target is left alone, and how it is tried again."""
    policy = BreakerPolicy(**dict(body))
    return await _changed(ask, service_id, lambda service: replace(service, breaker=policy))


def service_document(ask: Ask, item: ServiceRegistrationDTO) -> Document:
    """A service as the caller may see it: where a global one lives is for the platform's people."""
    entry = service_entry(item.service, ask.control.health_check_interval)
    if item.tenant_id is None and not ask.actor.everywhere:
        entry = answers.without(entry, "targets", "discovery")
    tenant = {} if item.tenant_id is None else {"tenant": item.tenant_id}
    ends = {origin: date_time(lease.expires_at) for origin, lease in sorted(item.leases.items())}
    leases = {"leases": ends} if ends and "targets" in entry else {}
    own = {"id": item.id, "name": item.service.name, **tenant}
    return {**own, **answers.bookkeeping(item), **entry, **leases}


def service_answer(ask: Ask, item: ServiceRegistrationDTO) -> Response:
    """A service with its entity tag. Leases are renewed without a new version: then it is never "not modified"."""
    tag = answers.tag_of(item)
    if item.leases:
        return answers.answer(service_document(ask, item), 200, {"ETag": tag})
    return answers.resource(ask.request, service_document(ask, item), tag)


async def found(ask: Ask, service_id: str) -> ServiceRegistrationDTO:
    """The service that a path names. Raises ResourceNotFound."""
    name = service_id.removeprefix(_BY_NAME)
    if name != service_id:
        return await ask.find(GetServiceQuery(tenant_id=ask.tenant_id, name=name))
    return await ask.find(GetServiceQuery(tenant_id=ask.tenant_id, service_id=uuid_of(service_id)))


async def addressed(ask: Ask, service_id: str) -> tuple[str, int | None]:
    """The id of the service that a path names, and the version that If-Match asks for.

    What is a part of a service has the service's entity tag.
    """
    if not service_id.startswith(_BY_NAME) and not ask.names_several:
        return uuid_of(service_id), ask.expected(service_id)
    item = await found(ask, service_id)
    return item.id, ask.expected_of(item.id, item.version)


async def _changed(ask: Ask, service_id: str, change: Change) -> Response:
    id_, expected = await addressed(ask, service_id)
    command = UpdateServiceCommand(tenant_id=ask.tenant_id, service_id=id_, change=change, expected=expected)
    return service_answer(ask, await ask.do(command))


def _named(page: dto.Page[ServiceRegistrationDTO], name: str) -> dto.Page[ServiceRegistrationDTO]:
    """Those of this very name: they come before all others that begin so."""
    items = tuple(item for item in page.items if item.service.name == name)
    more = page.next is not None and page.next[0] == name
    return dto.Page(items, page.next if more else None)


def _created(ask: Ask, item: ServiceRegistrationDTO) -> answers.Rendered:
    location = f"/api/v1/services/{item.id}"
    return answers.created(service_document(ask, item), answers.tag_of(item), location)


def _patched(ask: Ask, service: ServiceRoute, patch: Document) -> ServiceRoute:
    """Targets stay as they are unless the patch is about them: by name, or by what they are found with."""
    document = service_entry(service, ask.control.health_check_interval)
    stays = not {"targets", "port"} & patch.keys() and patch.get("discovery") is None
    if "targets" not in patch:
        document.pop("targets", None)
    model = validated(ServiceModel, merge(document, patch))
    if not stays:
        return service_of(ask.control.builder(), service.name, model, service.tenant_id)
    elsewhere = model.model_copy(update={"targets": _SOMEWHERE})
    return service_of(ask.control.builder(), service.name, elsewhere, service.tenant_id).at(service.targets)


_ONE = "/services/{service_id}"
ENDPOINTS = (
    Endpoint("GET", "/services", list_services, "List services", Page[ServiceAnswer], headers=NEXT),
    Endpoint("POST", "/services", register_service, "Register a service", ServiceAnswer, 201, MADE),
    Endpoint("GET", _ONE, get_service, "One service", ServiceAnswer, headers=TAG),
    Endpoint("PUT", _ONE, replace_service, "Replace a service", ServiceAnswer, headers=TAG),
    Endpoint("PATCH", _ONE, patch_service, "Change a service", ServiceAnswer, headers=TAG),
    Endpoint("DELETE", _ONE, deregister_service, "Deregister a service", status=204),
    Endpoint("PUT", _ONE + "/limit", set_service_limit, "Set a service's limit", ServiceAnswer, headers=TAG),
    Endpoint(
        "DELETE", _ONE + "/limit", unset_service_limit, "Unset a service's limit", ServiceAnswer, headers=TAG
    ),
    Endpoint(
        "PUT", _ONE + "/breaker", set_service_breaker, "Set a service's breaker", ServiceAnswer, headers=TAG
    ),
)
