"""/integrations: what can be activated, and what a tenant has set up. Credentials come in, and never go out."""

from __future__ import annotations

import asyncio
import functools
import hashlib
from typing import Annotated, Any

from fastapi import Body, Query
from starlette.responses import Response

from brain_gateway.api.rest.admin import answers
from brain_gateway.api.rest.admin.asking import Ask, Asking, AskingOwn, Paged, described
from brain_gateway.api.rest.admin.bodies import MERGE_PATCH
from brain_gateway.api.rest.admin.cursors import BY_INTEGRATION
from brain_gateway.api.rest.admin.endpoint import NEXT, TAG, Endpoint
from brain_gateway.api.rest.admin.faults import validated
from brain_gateway.api.rest.admin.integration_models import (
    Activation,
    CatalogueEntryAnswer,
    IntegrationAnswer,
    IntegrationReplacement,
    IntegrationState,
)
from brain_gateway.api.rest.admin.merge_patch import merge
from brain_gateway.api.rest.admin.models import Page
from brain_gateway.api.rest.admin.preconditions import entity_tag
from brain_gateway.application import bus
from brain_gateway.application.commands.integrations import (
    ActivateIntegrationCommand,
    ConfigureIntegrationCommand,
    DeactivateIntegrationCommand,
    RemoveIntegrationCommand,
)
from brain_gateway.application.queries.integrations import (
    GetCatalogueEntryQuery,
    GetIntegrationQuery,
    ListCatalogueQuery,
    ListIntegrationsQuery,
)
from brain_gateway.domain.errors import (
    InvalidDocument,
    PreconditionFailed,
    ResourceNotFound,
    SecretsUnavailable,
)
from brain_gateway.domain.integrations.credential_field import CredentialField
from brain_gateway.domain.integrations.integration import Integration, IntegrationCategory
from brain_gateway.domain.integrations.integration_config import IntegrationConfig
from brain_gateway.schemas.building import rate_limit
from brain_gateway.schemas.rendering import Document, document_of


async def list_catalogue(
    ask: AskingOwn,
    category: Annotated[IntegrationCategory | None, Query(description="Of this category.")] = None,
) -> Response:
    """Every integration, with the credentials that it takes and what a tenant begins with. The same for all tenants."""
    found = await ask.find(ListCatalogueQuery(tenant_id=ask.tenant_id, category=category))
    return answers.whole_list(found, _entry_document)


async def get_catalogue_entry(ask: AskingOwn, entry: str) -> Response:
    """By its name."""
    found = await ask.find(GetCatalogueEntryQuery(tenant_id=ask.tenant_id, name=entry))
    return answers.answer(_entry_document(found))


async def list_integrations(ask: Asking, paging: Paged) -> Response:
    """What a tenant has set up, by name; a super_admin names the tenant."""
    page = await ask.find(ListIntegrationsQuery(tenant_id=ask.tenant_id, page=paging.request(BY_INTEGRATION)))
    return answers.page_of(ask.request, page, lambda item: integration_document(ask, item))


async def get_integration(ask: Asking, integration: str) -> Response:
    """With the names of the credentials that are set."""
    item = await _found(ask, integration)
    return answers.resource(ask.request, integration_document(ask, item), tag_of(item))


async def put_integration(ask: Asking, integration: str, body: IntegrationReplacement) -> Response:
    """Set its limit and its retries, also before it is activated; what is left out becomes the catalogue's. With
    `If-None-Match: *` only if nothing is set up."""
    return await _configured(ask, integration, body, await _expected(ask, integration))


async def patch_integration(
    ask: Asking, integration: str, body: Annotated[dict[str, Any], Body(media_type=MERGE_PATCH)]
) -> Response:
    """A merge patch of `rate_limit` and `retries`; null: the catalogue's."""
    item = await _found(ask, integration)
    expected = ask.expected_of(item.id, item.version)
    document = integration_document(ask, item)
    known = {name: document[name] for name in IntegrationState.model_fields}
    state = validated(IntegrationState, merge(known, body))
    return await _configured(ask, integration, state, item.version if expected is None else expected)


async def remove_integration(ask: Asking, integration: str) -> Response:
    """With its credentials, which are deleted from the secrets store."""
    expected = await _expected(ask, integration)
    await ask.do(RemoveIntegrationCommand(tenant_id=ask.tenant_id, name=integration, expected=expected))
    return answers.answer(None, 204)


async def activate_integration(ask: Asking, integration: str, body: Activation) -> Response:
    """With credentials, in the place of any on file, or with those on file. They are judged by the catalogue, then
    stored in the secrets store, then taken in use; what fails leaves in force what was. Who comes second of two at
    once gets 409, or with If-Match 412."""
    ask = ask.named(body.tenant)
    if body.credentials is not None and body.credentials.values is None:
        raise InvalidDocument(faults=("credentials: must be an object with a text for each field",))
    command = ActivateIntegrationCommand(
        tenant_id=ask.tenant_id,
        name=integration,
        credentials=None if body.credentials is None else body.credentials.values,
        variant=body.variant,
        expected=await _expected(ask, integration),
    )
    await _harden_fingerprint(ask)
    return await _once(ask, command)


async def deactivate_integration(
    ask: Asking,
    integration: str,
    forget: Annotated[bool, Query(description="Delete the credentials, too.")] = False,
) -> Response:
    """Take it out of use. Its settings stay; its credentials, too, unless they are to be forgotten."""
    command = DeactivateIntegrationCommand(
        tenant_id=ask.tenant_id, name=integration, forget=forget, expected=await _expected(ask, integration)
    )
    return await _once(ask, command)


def integration_document(ask: Ask, item: IntegrationConfig) -> Document:
    """What is set up, with its version."""
    return {"id": item.id, **described(ask, item), "version": item.version}


def tag_of(item: IntegrationConfig) -> str:
    """Its entity tag."""
    return entity_tag(item.id, item.version)


async def _found(ask: Ask, name: str) -> IntegrationConfig:
    return await ask.find(GetIntegrationQuery(tenant_id=ask.tenant_id, name=name))


async def _expected(ask: Ask, name: str) -> int | None:
    """The version that it must have; 0: it must not be there."""
    if ask.request.headers.get("if-none-match", "").strip() == "*":
        return 0
    if not ask.is_conditional:
        return None
    try:
        item = await _found(ask, name)
    except ResourceNotFound:
        raise PreconditionFailed("nothing is set up of this integration") from None
    expected = ask.expected_of(item.id, item.version)
    return item.version if expected is None else expected


async def _configured(ask: Ask, name: str, state: IntegrationState, expected: int | None) -> Response:
    command = ConfigureIntegrationCommand(
        tenant_id=ask.tenant_id,
        name=name,
        rate_limit=None if state.rate_limit is None else rate_limit(state.rate_limit),
        retries=state.retries,
        expected=expected,
    )
    return _rendered(ask, await ask.do(command)).response()


async def _once(ask: Ask, command: bus.Command[IntegrationConfig]) -> Response:
    try:
        return await ask.once(command, lambda item, _: _rendered(ask, item))
    except SecretsUnavailable as error:
        if ask.actor.everywhere:
            raise
        raise SecretsUnavailable from error  # why is for the platform's people


def _rendered(ask: Ask, item: IntegrationConfig) -> answers.Rendered:
    return answers.Rendered(integration_document(ask, item), headers={"ETag": tag_of(item)})


async def _harden_fingerprint(ask: Ask) -> None:
    """The fingerprint of the request is kept with its Idempotency-Key; of a plain hash a password could be guessed."""
    key = ask.request.headers.get("idempotency-key")
    if key is not None:
        scrypt = functools.partial(hashlib.scrypt, n=2**14, r=8, p=1, dklen=32)
        known = ask.request.state.fingerprint.encode()
        ask.request.state.fingerprint = (
            await asyncio.to_thread(scrypt, known, salt=key.encode("latin-1"))
        ).hex()


def _entry_document(entry: Integration) -> Document:
    return {
        "name": entry.name,
        "title": entry.title,
        "category": entry.category.value,
        "agents": entry.agents,
        "rate_limit": document_of(entry.rate_limit),
        "retries": entry.retries,
        **({} if entry.documentation is None else {"documentation": entry.documentation}),
        "variants": [
            {
                "name": variant.name,
                "scheme": variant.authentication.scheme.value,
                "fields": [_field_document(field) for field in variant.fields],
            }
            for variant in entry.variants
        ],
    }


def _field_document(field: CredentialField) -> Document:
    return {
        "name": field.name,
        "required": field.required,
        "secret": field.secret,
        **({} if field.pattern is None else {"pattern": field.pattern}),
        **({"description": field.description} if field.description else {}),
        **({"values": list(field.values)} if field.values else {}),
    }


_CATALOGUE = "/integrations/catalogue"
_ONE = "/integrations/{integration}"
ENDPOINTS = (
    Endpoint("GET", _CATALOGUE, list_catalogue, "What can be activated", Page[CatalogueEntryAnswer]),
    Endpoint(
        "GET",
        _CATALOGUE + "/{entry}",
        get_catalogue_entry,
        "One entry of the catalogue",
        CatalogueEntryAnswer,
    ),
    Endpoint(
        "GET", "/integrations", list_integrations, "List integrations", Page[IntegrationAnswer], headers=NEXT
    ),
    Endpoint("GET", _ONE, get_integration, "One integration", IntegrationAnswer, headers=TAG),
    Endpoint("PUT", _ONE, put_integration, "Set up an integration", IntegrationAnswer, headers=TAG),
    Endpoint("PATCH", _ONE, patch_integration, "Change an integration", IntegrationAnswer, headers=TAG),
    Endpoint("DELETE", _ONE, remove_integration, "Remove an integration", status=204),
    Endpoint(
        "POST",
        _ONE + "/activate",
        activate_integration,
        "Activate an integration",
        IntegrationAnswer,
        headers=TAG,
    ),
    Endpoint(
        "POST",
        _ONE + "/deactivate",
        deactivate_integration,
        "Deactivate an integration",
        IntegrationAnswer,
        headers=TAG,
    ),
)
