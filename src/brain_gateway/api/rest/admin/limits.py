"""/limits: limits in the place of the defaults, for everyone or for one tenant."""

from __future__ import annotations

from starlette.responses import Response

from brain_gateway.api.rest.admin import answers
from brain_gateway.api.rest.admin.asking import Ask, Asking, described
from brain_gateway.api.rest.admin.endpoint import TAG, Endpoint
from brain_gateway.api.rest.admin.models import LimitAnswer, LimitReplacement, Page
from brain_gateway.application.commands.limits import RemoveLimitCommand, SetLimitCommand, check_name
from brain_gateway.application.dto import LimitDTO
from brain_gateway.application.queries.administration import GetLimitQuery, ListLimitsQuery
from brain_gateway.domain.errors import InvalidDocument, PreconditionFailed, ResourceNotFound
from brain_gateway.schemas.building import rate_limit
from brain_gateway.schemas.rendering import Document


async def list_limits(ask: Asking) -> Response:
    """Those that were set: everyone's, and a tenant's; for the platform, every tenant's."""
    found = await ask.find(ListLimitsQuery(tenant_id=ask.tenant_id))
    return answers.whole_list(found, lambda item: limit_document(ask, item))


async def get_limit(ask: Asking, name: str) -> Response:
    """By its name: default, agents, admin, public, or service:NAME for one tenant."""
    item = await _found(ask, name)
    return answers.resource(ask.request, limit_document(ask, item), answers.tag_of(item))


async def set_limit(ask: Asking, name: str, body: LimitReplacement) -> Response:
    """Set it, whether it was set before or not; with `If-None-Match: *` only if it was not."""
    expected = await expected_of(ask, name)
    command = SetLimitCommand(tenant_id=ask.tenant_id, name=name, limit=rate_limit(body), expected=expected)
    item = await ask.do(command)
    return answers.answer(limit_document(ask, item), 200, {"ETag": answers.tag_of(item)})


async def unset_limit(ask: Asking, name: str) -> Response:
    """Back to what holds without it."""
    expected = await expected_of(ask, name)
    await ask.do(RemoveLimitCommand(tenant_id=ask.tenant_id, name=name, expected=expected))
    return answers.answer(None, 204)


async def expected_of(ask: Ask, name: str) -> int | None:
    """The version that the limit must have; 0: it must not be there."""
    if ask.request.headers.get("if-none-match", "").strip() == "*":
        return 0
    if not ask.is_conditional:
        return None
    try:
        item = await _found(ask, name)
    except ResourceNotFound:
        raise PreconditionFailed("no such limit is set") from None
    expected = ask.expected_of(item.id, item.version)
    return item.version if expected is None else expected


def limit_document(ask: Ask, item: LimitDTO) -> Document:
    """A limit with its bookkeeping."""
    return {"id": item.id, **described(ask, item), **answers.bookkeeping(item)}


async def _found(ask: Ask, name: str) -> LimitDTO:
    try:
        check_name(name, ask.tenant_id)
    except InvalidDocument:
        raise ResourceNotFound("no such limit is set") from None
    return await ask.find(GetLimitQuery(tenant_id=ask.tenant_id, name=name))


_ONE = "/limits/{name}"
ENDPOINTS = (
    Endpoint("GET", "/limits", list_limits, "List limits", Page[LimitAnswer]),
    Endpoint("GET", _ONE, get_limit, "One limit", LimitAnswer, headers=TAG),
    Endpoint("PUT", _ONE, set_limit, "Set a limit", LimitAnswer, headers=TAG),
    Endpoint("DELETE", _ONE, unset_limit, "Unset a limit", status=204),
)
