"""/keys: issue, list and revoke API keys."""

from __future__ import annotations

import math
from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from brain_gateway.api.rest.admin import answers
from brain_gateway.api.rest.admin.asking import Ask, Asking, Paged, described, uuid_of
from brain_gateway.api.rest.admin.cursors import BY_ID
from brain_gateway.api.rest.admin.endpoint import MADE, NEXT, TAG, Endpoint
from brain_gateway.api.rest.admin.models import IssuedKeyAnswer, KeyAnswer, NewKey, Page
from brain_gateway.application.commands.api_keys import (
    IssueApiKeyCommand,
    IssuedKey,
    RevokeApiKeyCommand,
)
from brain_gateway.application.dto import ApiKeyDTO
from brain_gateway.application.queries.administration import GetApiKeyQuery, ListApiKeysQuery
from brain_gateway.schemas.rendering import Document

SHOWN_ONCE = "the key was shown when it was issued and is not kept: revoke this one if it was lost"


async def list_keys(
    ask: Asking,
    paging: Paged,
    user: Annotated[str | None, Query(max_length=255, description="Of this holder.")] = None,
    revoked: Annotated[bool, Query(description="Those that were revoked, too.")] = False,
) -> Response:
    """A tenant's; for the platform, everybody's."""
    query = ListApiKeysQuery(
        tenant_id=ask.tenant_id, user_id=user, revoked=revoked, page=paging.request(BY_ID)
    )
    page = await ask.find(query)
    return answers.page_of(ask.request, page, lambda item: key_document(ask, item))


async def issue_key(ask: Asking, body: NewKey) -> Response:
    """The answer holds the key, this once. Nobody gives roles that are more than their own."""
    ask = ask.named(body.tenant)
    command = IssueApiKeyCommand(
        tenant_id=ask.tenant_id,
        user_id=body.user,
        roles=frozenset(body.roles),
        name=body.name or "",
        expires_at=math.inf if body.expires_at is None else body.expires_at,
    )
    return await ask.once(command, lambda issued, _: _issued(ask, issued))


async def get_key(ask: Asking, key_id: str) -> Response:
    """Also one that was revoked."""
    item = await ask.find(GetApiKeyQuery(tenant_id=ask.tenant_id, key_id=uuid_of(key_id)))
    return answers.resource(ask.request, key_document(ask, item), answers.tag_of(item))


async def revoke_key(ask: Asking, key_id: str) -> Response:
    """It is refused from now on, everywhere, and what it has open ends. Revoking it again changes nothing."""
    id_ = uuid_of(key_id)
    if ask.names_several:
        item = await ask.find(GetApiKeyQuery(tenant_id=ask.tenant_id, key_id=id_))
        expected = ask.expected_of(id_, item.version)
    else:
        expected = ask.expected(id_)
    await ask.do(RevokeApiKeyCommand(tenant_id=ask.tenant_id, key_id=id_, expected=expected))
    return answers.answer(None, 204)


def key_document(ask: Ask, item: ApiKeyDTO) -> Document:
    """A key without the key."""
    return {"id": item.id, **described(ask, item), **answers.bookkeeping(item)}


def _issued(ask: Ask, issued: IssuedKey) -> answers.Rendered:
    document = key_document(ask, issued.item)
    headers = {
        "Location": f"/api/v1/keys/{issued.item.id}",
        "ETag": answers.tag_of(issued.item),
        "Cache-Control": "no-store",
    }
    shown = {**document, "key": issued.key.reveal()}
    return answers.Rendered(shown, 201, headers, {**document, "note": SHOWN_ONCE})


ENDPOINTS = (
    Endpoint("GET", "/keys", list_keys, "List API keys", Page[KeyAnswer], headers=NEXT),
    Endpoint("POST", "/keys", issue_key, "Issue an API key", IssuedKeyAnswer, 201, MADE),
    Endpoint("GET", "/keys/{key_id}", get_key, "One API key", KeyAnswer, headers=TAG),
    Endpoint("DELETE", "/keys/{key_id}", revoke_key, "Revoke an API key", status=204),
)
