"""/tenants: register, rename, suspend, resume and delete them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, Query
from starlette.responses import Response

from brain_gateway.api.rest.admin import answers
from brain_gateway.api.rest.admin.asking import Ask, AskingOwn, Paged, described, uuid_of
from brain_gateway.api.rest.admin.bodies import MERGE_PATCH
from brain_gateway.api.rest.admin.cursors import BY_ID
from brain_gateway.api.rest.admin.endpoint import MADE, NEXT, TAG, Endpoint
from brain_gateway.api.rest.admin.faults import validated
from brain_gateway.api.rest.admin.merge_patch import merge
from brain_gateway.api.rest.admin.models import NewTenant, Page, TenantAnswer, TenantState
from brain_gateway.application.commands.tenants import (
    DeleteTenantCommand,
    RegisterTenantCommand,
    UpdateTenantCommand,
)
from brain_gateway.application.dto import TenantDTO
from brain_gateway.application.queries.administration import GetTenantQuery, ListTenantsQuery
from brain_gateway.domain.tenants import TenantStatus
from brain_gateway.schemas.rendering import Document


async def list_tenants(
    ask: AskingOwn,
    paging: Paged,
    prefix: Annotated[str, Query(max_length=200, description="Names that begin so.")] = "",
    deleted: Annotated[bool, Query(description="Those that were deleted, too.")] = False,
) -> Response:
    """Every tenant, for a super_admin; for others, their own."""
    query = ListTenantsQuery(
        tenant_id=ask.tenant_id, prefix=prefix, deleted=deleted, page=paging.request(BY_ID)
    )
    page = await ask.find(query)
    return answers.page_of(ask.request, page, lambda item: tenant_document(ask, item))


async def register_tenant(ask: AskingOwn, body: NewTenant) -> Response:
    """A deleted tenant's id stays taken."""
    command = RegisterTenantCommand(tenant_id=ask.tenant_id, name=body.name, id=body.id)
    return await ask.once(command, lambda item, _: _created(ask, item))


async def get_tenant(ask: AskingOwn, tenant_id: str) -> Response:
    """Also one that was deleted."""
    item = await _found(ask, tenant_id)
    return answers.resource(ask.request, tenant_document(ask, item), answers.tag_of(item))


async def patch_tenant(
    ask: AskingOwn, tenant_id: str, body: Annotated[dict[str, Any], Body(media_type=MERGE_PATCH)]
) -> Response:
    """A merge patch of `name` and `status`. A suspended tenant is refused everywhere."""
    item = await _found(ask, tenant_id)
    expected = ask.expected_of(item.id, item.version)
    known = {"name": item.tenant.name, "status": item.tenant.status}
    state = validated(TenantState, merge(known, body))
    command = UpdateTenantCommand(
        tenant_id=ask.tenant_id,
        id=item.id,
        name=state.name,
        status=state.status,
        expected=item.version if expected is None else expected,
    )
    changed = await ask.do(command)
    return answers.resource(ask.request, tenant_document(ask, changed), answers.tag_of(changed))


async def delete_tenant(ask: AskingOwn, tenant_id: str) -> Response:
    """With its services, keys, limits and integrations; its requests under way are finished. The audit log stays."""
    id_, expected = await _addressed(ask, tenant_id)
    await ask.do(DeleteTenantCommand(tenant_id=ask.tenant_id, id=id_, expected=expected))
    return answers.answer(None, 204)


async def suspend_tenant(ask: AskingOwn, tenant_id: str) -> Response:
    """Refuse its requests from now on; nothing is lost."""
    return await _set(ask, tenant_id, TenantStatus.SUSPENDED)


async def resume_tenant(ask: AskingOwn, tenant_id: str) -> Response:
    """Serve it again."""
    return await _set(ask, tenant_id, TenantStatus.ACTIVE)


def tenant_document(ask: Ask, item: TenantDTO) -> Document:
    """A tenant with its bookkeeping."""
    return {**described(ask, item), **answers.bookkeeping(item)}


async def _found(ask: Ask, tenant_id: str) -> TenantDTO:
    return await ask.find(GetTenantQuery(tenant_id=ask.tenant_id, id=uuid_of(tenant_id)))


async def _addressed(ask: Ask, tenant_id: str) -> tuple[str, int | None]:
    if ask.names_several:
        item = await _found(ask, tenant_id)
        return item.id, ask.expected_of(item.id, item.version)
    return uuid_of(tenant_id), ask.expected(tenant_id)


async def _set(ask: Ask, tenant_id: str, status: TenantStatus) -> Response:
    id_, expected = await _addressed(ask, tenant_id)
    command = UpdateTenantCommand(tenant_id=ask.tenant_id, id=id_, status=status, expected=expected)

    def render(item: TenantDTO, _: int) -> answers.Rendered:
        return answers.Rendered(tenant_document(ask, item), headers={"ETag": answers.tag_of(item)})

    return await ask.once(command, render)


def _created(ask: Ask, item: TenantDTO) -> answers.Rendered:
    return answers.created(tenant_document(ask, item), answers.tag_of(item), f"/api/v1/tenants/{item.id}")


_ONE = "/tenants/{tenant_id}"
ENDPOINTS = (
    Endpoint("GET", "/tenants", list_tenants, "List tenants", Page[TenantAnswer], headers=NEXT),
    Endpoint("POST", "/tenants", register_tenant, "Register a tenant", TenantAnswer, 201, MADE),
    Endpoint("GET", _ONE, get_tenant, "One tenant", TenantAnswer, headers=TAG),
    Endpoint("PATCH", _ONE, patch_tenant, "Change a tenant", TenantAnswer, headers=TAG),
    Endpoint("DELETE", _ONE, delete_tenant, "Delete a tenant", status=204),
    Endpoint("POST", _ONE + "/suspend", suspend_tenant, "Suspend a tenant", TenantAnswer, headers=TAG),
    Endpoint("POST", _ONE + "/resume", resume_tenant, "Resume a tenant", TenantAnswer, headers=TAG),
)
