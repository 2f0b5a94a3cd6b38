"""Add, weigh, drain and remove targets of a service."""

from __future__ import annotations

from dataclasses import dataclass

from brain_gateway.application.authorization import Action
from brain_gateway.application.bus import Command
from brain_gateway.application.commands.changing import change_service
from brain_gateway.application.dto import ServiceRegistrationDTO
from brain_gateway.application.work import Work
from brain_gateway.domain.routing.service_changes import with_target, with_weight, without_target
from brain_gateway.domain.routing.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class AddTargetCommand(Command[ServiceRegistrationDTO]):
    """One more instance; `expected`: the version that the service must have."""

    action = Action.WRITE_SERVICES
    service_id: str
    target: Target
    expected: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WeighTargetCommand(Command[ServiceRegistrationDTO]):
    """Another share of the traffic for an instance; 0 drains it."""

    action = Action.OPERATE_TARGETS
    service_id: str
    origin: str
    weight: int
    expected: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveTargetCommand(Command[ServiceRegistrationDTO]):
    """One instance less."""

    action = Action.WRITE_SERVICES
    service_id: str
    origin: str
    expected: int | None = None


async def add_target(command: AddTargetCommand, work: Work) -> ServiceRegistrationDTO:
    """Raises Conflict when it is there already."""
    return await change_service(
        work,
        command.tenant_id,
        command.service_id,
        lambda service: with_target(service, command.target),
        command.expected,
    )


async def weigh_target(command: WeighTargetCommand, work: Work) -> ServiceRegistrationDTO:
    """Raises ResourceNotFound and InvalidDocument."""
    return await change_service(
        work,
        command.tenant_id,
        command.service_id,
        lambda service: with_weight(service, command.origin, command.weight),
        command.expected,
        command.action,
    )


async def remove_target(command: RemoveTargetCommand, work: Work) -> ServiceRegistrationDTO:
    """Raises ResourceNotFound."""
    return await change_service(
        work,
        command.tenant_id,
        command.service_id,
        lambda service: without_target(service, command.origin),
        command.expected,
    )
