"""/instances: services that register themselves. An instance takes a lease, renews it, and is gone when it ends."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import Depends
from starlette.responses import Response

from brain_gateway.api.rest.admin import answers
from brain_gateway.api.rest.admin.asking import Ask, Asking, uuid_of
from brain_gateway.api.rest.admin.endpoint import Endpoint
from brain_gateway.api.rest.admin.faults import service_of, validated
from brain_gateway.api.rest.admin.models import InstanceAnswer, NewInstance, Renewal
from brain_gateway.application.authorization import REGISTRAR
from brain_gateway.application.commands.instances import (
    InstanceDTO,
    RegisterInstanceCommand,
    RemoveInstanceCommand,
    RenewInstanceCommand,
)
from brain_gateway.domain.errors import InvalidDocument, ResourceNotFound
from brain_gateway.domain.routing.service_route import ServiceRoute
from brain_gateway.schemas.rendering import Document, date_time, document_of
from brain_gateway.schemas.service import ServiceModel


async def _registering(ask: Asking) -> Ask:
    """Instances are taken where the registry is enabled; a registrar's are the platform's, unless it names a tenant."""
    if not ask.control.registry_enabled:
        raise ResourceNotFound("instances do not register themselves here (SERVICE_REGISTRY_ENABLED)")
    named = "tenant" in ask.request.query_params
    return ask.of(None) if REGISTRAR in ask.actor.roles and not named else ask


Registering = Annotated[Ask, Depends(_registering)]


async def register_instance(ask: Registering, body: NewInstance) -> Response:
    """The service is registered too, if it is new; one that is there keeps its settings. Register again when the
    lease has ended, or after a restart."""
    ask = ask.named(body.tenant)
    command = RegisterInstanceCommand(tenant_id=ask.tenant_id, service=_service(ask, body), ttl=body.ttl)
    return await ask.once(command, lambda made, _: _made(made))


async def renew_instance(ask: Registering, lease_id: str, body: Renewal) -> Response:
    """A heartbeat, best sent three times within the time to live. 404: the lease has ended, register again."""
    command = RenewInstanceCommand(tenant_id=ask.tenant_id, lease_id=uuid_of(lease_id), ttl=body.ttl)
    return answers.answer(_document(await ask.do(command)))


async def remove_instance(ask: Registering, lease_id: str) -> Response:
    """A good-bye: it takes no more requests."""
    await ask.do(RemoveInstanceCommand(tenant_id=ask.tenant_id, lease_id=uuid_of(lease_id)))
    return answers.answer(None, 204)


def _service(ask: Ask, body: NewInstance) -> ServiceRoute:
    """The service with this one target."""
    settings = body.settings or {}
    if not {"targets", "discovery", "port"}.isdisjoint(settings):
        raise InvalidDocument(
            "settings: the targets are the instances: name neither targets nor how to find them"
        )
    model = validated(ServiceModel, {**settings, "targets": [body.target.model_dump()]})
    service = service_of(ask.control.builder(), body.service, model, ask.tenant_id)
    return replace(service, targets=(body.target.to_domain(),))


def _made(made: InstanceDTO) -> answers.Rendered:
    return answers.Rendered(_document(made), 201, {"Location": f"/api/v1/instances/{made.lease_id}"})


def _document(made: InstanceDTO) -> Document:
    return {
        "id": made.lease_id,
        "service": made.service,
        "service_id": made.service_id,
        **({} if made.tenant_id is None else {"tenant": made.tenant_id}),
        "target": document_of(made.target),
        "expires_at": date_time(made.expires_at),
    }


_ONE = "/instances/{lease_id}"
ENDPOINTS = (
    Endpoint(
        "POST",
        "/instances",
        register_instance,
        "Register an instance",
        InstanceAnswer,
        201,
        {"Location": "Where its lease is."},
    ),
    Endpoint("PUT", _ONE, renew_instance, "Renew a lease", InstanceAnswer),
    Endpoint("DELETE", _ONE, remove_instance, "Give a lease back", status=204),
)
