"""/config: everything as one document in the language of gateway.yaml; planned, and put in force as a whole."""

from __future__ import annotations

import asyncio
from dataclasses import fields
from typing import Annotated, Literal

import orjson
import yaml
from fastapi import Header, Query
from starlette.responses import Response

from brain_gateway.api.rest.admin import answers
from brain_gateway.api.rest.admin.asking import Ask, AskingOwn
from brain_gateway.api.rest.admin.bodies import MIB
from brain_gateway.api.rest.admin.endpoint import TAG, Endpoint
from brain_gateway.api.rest.admin.models import (
    AppliedAnswer,
    ConfigurationAnswer,
    ConfigurationToApply,
    DeclaredConfiguration,
    PlanAnswer,
)
from brain_gateway.api.rest.admin.plans import plan_document
from brain_gateway.api.rest.admin.preconditions import entity_tag
from brain_gateway.application.authorization import Action
from brain_gateway.application.commands.configuration import ApplyConfigurationCommand, printer
from brain_gateway.application.configuration import GatewayConfiguration
from brain_gateway.application.configuration_plan import (
    Plan,
    PlanOptions,
    Present,
    record_of,
    without_leased,
)
from brain_gateway.application.dto import Stored
from brain_gateway.application.queries.configuration import ExportConfigurationQuery, PlanConfigurationQuery
from brain_gateway.domain.errors import ConfigurationError, InvalidDocument
from brain_gateway.domain.resilience.rate_limit import LimitClasses
from brain_gateway.domain.tenants import TenantStatus
from brain_gateway.schemas.explicit import configuration_document
from brain_gateway.schemas.rendering import Document

MOST_BODY = 32 * MIB
YAML = "application/yaml"
_CLASSES = frozenset(field.name for field in fields(LimitClasses))


async def export_configuration(
    ask: AskingOwn,
    owner: Annotated[str | None, Query(max_length=63, description="What it declares alone.")] = None,
    form: Annotated[
        Literal["yaml", "json"] | None, Query(alias="format", description="Default: what Accept says.")
    ] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> Response:
    """What is registered, without what registered itself, as a file that declares it (RFC 9512 for YAML)."""
    found = await ask.find(ExportConfigurationQuery(tenant_id=ask.tenant_id))
    written = form or ("yaml" if "yaml" in accept else "json")
    tag = entity_tag(f"config-{written}-{owner or ''}", found.version)
    response = answers.resource(ask.request, {}, tag)
    if response.status_code == 304:
        return response
    interval = ask.control.health_check_interval
    body = await asyncio.to_thread(_written, declared_by(found, owner), interval, written)
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Accept, Authorization, X-API-Key"}
    return Response(body, headers=headers, media_type=YAML if written == "yaml" else answers.JSON_TYPE)


async def plan_configuration(ask: AskingOwn, body: DeclaredConfiguration) -> Response:
    """What applying the document would do, and the version that the plan is made for. Nothing is changed."""
    query = PlanConfigurationQuery(
        tenant_id=ask.tenant_id,
        wanted=await _parsed(ask, body),
        options=_options(body),
        fingerprint=printer(ask.control.describe),
    )
    plan = await ask.find(query)
    return answers.answer(await asyncio.to_thread(plan_document, plan, body.owner, ask.control.describe))


async def apply_configuration(ask: AskingOwn, body: ConfigurationToApply) -> Response:
    """All of it, or nothing. With `base`, only what the plan for that version said: 412 when something changed since.
    409: something belongs to another file."""
    command = ApplyConfigurationCommand(
        tenant_id=ask.tenant_id, wanted=await _parsed(ask, body), options=_options(body), base=body.base
    )

    made: list[Document] = []  # once for the answer and for what is kept of it: it may be megabytes

    def render(plan: Plan, version: int) -> answers.Rendered:
        if not made:
            made.append(plan_document(plan, body.owner, ask.control.describe))
        return answers.Rendered({"version": version or plan.version, **made[0]})

    return await ask.once(command, render)


def declared_by(found: Present, owner: str | None = None) -> GatewayConfiguration:
    """What a file would have to declare so that all this is there (or what `owner` declares of it)."""

    def own(item: Stored) -> bool:
        return owner is None or item.owner == owner

    services = [without_leased(item) for item in found.services if own(item)]
    limits = [item for item in found.limits if own(item)]
    classes = {item.name: item.limit for item in limits if item.tenant_id is None and item.name in _CLASSES}
    return GatewayConfiguration(
        services=tuple(one for one in services if one.targets or one.discovery is not None),
        limit_classes=LimitClasses(**classes),
        tenant_limits={(item.tenant_id, item.name): item.limit for item in limits if item.tenant_id},
        tenants={
            item.id: item.tenant.name
            for item in found.tenants
            if own(item) and item.tenant.status is not TenantStatus.DELETED
        },
        api_keys=tuple(record_of(item) for item in found.api_keys if own(item) and item.revoked_at is None),
    )


def _written(configuration: GatewayConfiguration, interval: float, written: str) -> bytes:
    document = configuration_document(configuration, interval)
    return _yaml(document) if written == "yaml" else orjson.dumps(document)


def _yaml(document: Document) -> bytes:
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: str = yaml.dump(document, Dumper=dumper, sort_keys=False, allow_unicode=True, width=110)
    return text.encode()


async def _parsed(ask: Ask, body: DeclaredConfiguration) -> GatewayConfiguration:
    """In a thread: requests to services go on meanwhile. Raises InvalidDocument with every fault."""
    given = body.document
    try:
        text = given if isinstance(given, str) else orjson.dumps(given).decode()
        return await asyncio.to_thread(ask.control.parse, text)
    except ConfigurationError as error:
        raise InvalidDocument(faults=error.faults) from None


def _options(body: DeclaredConfiguration) -> PlanOptions:
    return PlanOptions(owner=body.owner, prune=body.prune, take_over=body.take_over)


ENDPOINTS = (
    Endpoint(
        "GET",
        "/config",
        export_configuration,
        "Export everything",
        ConfigurationAnswer,
        headers=TAG,
        media_type=YAML,
    ),
    Endpoint(
        "POST",
        "/config/plan",
        plan_configuration,
        "Plan",
        PlanAnswer,
        most_body=MOST_BODY,
        only=Action.READ_CONFIGURATION,
    ),
    Endpoint(
        "POST",
        "/config/apply",
        apply_configuration,
        "Apply",
        AppliedAnswer,
        most_body=MOST_BODY,
        only=Action.APPLY_CONFIGURATION,
    ),
)
