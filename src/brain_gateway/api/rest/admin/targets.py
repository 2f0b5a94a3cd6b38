"""/services/{service_id}/targets: the instances of a service.

A target is named by its address, percent-encoded or as base64url. Whoever changes one gets the service as it is then.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body
from starlette.responses import Response

from brain_gateway.api.rest.admin import answers
from brain_gateway.api.rest.admin.asking import Ask, Asking
from brain_gateway.api.rest.admin.bodies import MERGE_PATCH
from brain_gateway.api.rest.admin.cursors import part, slug
from brain_gateway.api.rest.admin.endpoint import MADE, TAG, Endpoint
from brain_gateway.api.rest.admin.faults import validated
from brain_gateway.api.rest.admin.merge_patch import merge
from brain_gateway.api.rest.admin.models import Page, ServiceAnswer, TargetAnswer, TargetState
from brain_gateway.api.rest.admin.services import addressed, found, service_answer, service_document
from brain_gateway.application.commands.targets import (
    AddTargetCommand,
    RemoveTargetCommand,
    WeighTargetCommand,
)
from brain_gateway.application.dto import ServiceRegistrationDTO
from brain_gateway.domain.errors import InvalidDocument, ResourceNotFound
from brain_gateway.domain.routing.service_changes import target_of
from brain_gateway.domain.routing.target import Target
from brain_gateway.schemas.rendering import Document, date_time, document_of
from brain_gateway.schemas.service import TargetModel


async def list_targets(ask: Asking, service_id: str) -> Response:
    """Of a global service, for a super_admin alone."""
    item = await _located(ask, service_id)
    return answers.whole_list(item.service.targets, lambda target: _document(item, target))


async def add_target(ask: Asking, service_id: str, body: TargetModel) -> Response:
    """One more instance; the answer is the service."""
    id_, expected = await addressed(ask, service_id)
    target = body.to_domain()
    command = AddTargetCommand(tenant_id=ask.tenant_id, service_id=id_, target=target, expected=expected)

    def render(item: ServiceRegistrationDTO, _: int) -> answers.Rendered:
        location = f"/api/v1/services/{item.id}/targets/{slug(target.origin)}"
        return answers.created(service_document(ask, item), answers.tag_of(item), location)

    return await ask.once(command, render)


async def get_target(ask: Asking, service_id: str, target_id: str) -> Response:
    """With the entity tag of its service."""
    item = await _located(ask, service_id)
    target = target_of(item.service, part(target_id))
    document = _document(item, target)
    if target.origin in item.leases:
        return answers.answer(document, 200, {"ETag": answers.tag_of(item)})
    return answers.resource(ask.request, document, answers.tag_of(item))


async def patch_target(
    ask: Asking,
    service_id: str,
    target_id: str,
    body: Annotated[dict[str, Any], Body(media_type=MERGE_PATCH)],
) -> Response:
    """A merge patch of `weight`: its share of the traffic, 0 drains it. The answer is the service."""
    origin = part(target_id)
    state = validated(TargetState, merge({"url": origin}, body))
    if state.url != origin:
        raise InvalidDocument("url: cannot be changed; add another target")
    if "weight" not in body:
        raise InvalidDocument("weight: is missing: nothing else of a target can be changed")
    id_, expected = await addressed(ask, service_id)
    command = WeighTargetCommand(
        tenant_id=ask.tenant_id, service_id=id_, origin=origin, weight=state.weight, expected=expected
    )
    return service_answer(ask, await ask.do(command))


async def drain_target(ask: Asking, service_id: str, target_id: str) -> Response:
    """No new requests go there; those under way are finished. The answer is the service."""
    id_, expected = await addressed(ask, service_id)
    command = WeighTargetCommand(
        tenant_id=ask.tenant_id, service_id=id_, origin=part(target_id), weight=0, expected=expected
    )

    def render(item: ServiceRegistrationDTO, _: int) -> answers.Rendered:
        return answers.Rendered(service_document(ask, item), headers={"ETag": answers.tag_of(item)})

    return await ask.once(command, render)


async def remove_target(ask: Asking, service_id: str, target_id: str) -> Response:
    """Requests under way are finished."""
    id_, expected = await addressed(ask, service_id)
    command = RemoveTargetCommand(
        tenant_id=ask.tenant_id, service_id=id_, origin=part(target_id), expected=expected
    )
    await ask.do(command)
    return answers.answer(None, 204)


async def _located(ask: Ask, service_id: str) -> ServiceRegistrationDTO:
    """A service whose addresses the caller may see."""
    item = await found(ask, service_id)
    if item.tenant_id is None and not ask.actor.everywhere:
        raise ResourceNotFound("where a global service lives is for a super_admin")
    return item


def _document(item: ServiceRegistrationDTO, target: Target) -> Document:
    lease = item.leases.get(target.origin)
    ends = {} if lease is None else {"expires_at": date_time(lease.expires_at)}
    return {"id": target.origin, **document_of(target), **ends}


_ALL = "/services/{service_id}/targets"
_ONE = _ALL + "/{target_id:path}"
ENDPOINTS = (
    Endpoint("GET", _ALL, list_targets, "List a service's targets", Page[TargetAnswer]),
    Endpoint("POST", _ALL, add_target, "Add a target", ServiceAnswer, 201, MADE),
    Endpoint("POST", _ONE + "/drain", drain_target, "Drain a target", ServiceAnswer, headers=TAG),
    Endpoint("GET", _ONE, get_target, "One target", TargetAnswer, headers=TAG),
    Endpoint("PATCH", _ONE, patch_target, "Weigh a target", ServiceAnswer, headers=TAG),
    Endpoint("DELETE", _ONE, remove_target, "Remove a target", status=204),
)
