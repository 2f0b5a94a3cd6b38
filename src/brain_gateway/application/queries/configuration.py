"""The configuration as it is, and what would have to be done so that it is another."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from brain_gateway.application.authorization import Action, Actor
from brain_gateway.application.bus import Query
from brain_gateway.application.commands.configuration import present
from brain_gateway.application.configuration import GatewayConfiguration
from brain_gateway.application.configuration_plan import Fingerprint, Plan, PlanOptions, Present, make_plan
from brain_gateway.application.ports.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanConfigurationQuery(Query[Plan]):
    """What applying `wanted` would do."""

    action = Action.READ_CONFIGURATION
    wanted: GatewayConfiguration
    options: PlanOptions
    fingerprint: Fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportConfigurationQuery(Query[Present]):
    """Everything that a file could declare."""

    action = Action.READ_CONFIGURATION


async def plan_configuration(query: PlanConfigurationQuery, unit: UnitOfWork, actor: Actor) -> Plan:
    """Nothing is changed. The plan is made in a thread: requests to services go on meanwhile."""
    known = await present(unit)
    return await asyncio.to_thread(make_plan, query.wanted, known, query.options, query.fingerprint)


async def export_configuration(query: ExportConfigurationQuery, unit: UnitOfWork, actor: Actor) -> Present:
    """Read in one transaction."""
    return await present(unit)
