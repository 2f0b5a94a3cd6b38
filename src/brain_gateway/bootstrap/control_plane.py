"""The control plane of one process, put together over an open data plane."""

from __future__ import annotations

import functools
import gc
import hashlib
import json
import logging
import os
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from brain_gateway.api.dependencies import Door
from brain_gateway.api.rest.admin.control_plane import ControlPlane
from brain_gateway.application import commands, queries
from brain_gateway.application.bus import CommandBus, MemoryHandler, Query, QueryBus
from brain_gateway.application.configuration import ApiKeyRecord, GatewayConfiguration
from brain_gateway.application.gateway.live_configuration import LiveConfiguration
from brain_gateway.application.housekeeping import Housekeeping
from brain_gateway.application.observations import ObservedEvents
from brain_gateway.application.outbox_relay import OutboxRelay
from brain_gateway.application.ports.secrets import Secrets
from brain_gateway.application.queries.health import GetHealthStatusQuery, health_handler
from brain_gateway.application.start import DeclaredFile, Starting
from brain_gateway.bootstrap.beside import beside
from brain_gateway.bootstrap.data_plane import OpenDataPlane
from brain_gateway.bootstrap.integrations import open_integrations
from brain_gateway.bootstrap.stores import Stores
from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.domain.routing.target_rule import TargetRule
from brain_gateway.infrastructure.configuration import packaged_services, parse_configuration
from brain_gateway.infrastructure.telemetry.control_metrics import ControlMetrics
from brain_gateway.schemas.explicit import configuration_document
from brain_gateway.schemas.rendering import document_of
from brain_gateway.settings import OwnSecrets, Profile, Settings

if TYPE_CHECKING:
    from fastapi import APIRouter

logger = logging.getLogger("brain_gateway.control")
RELAY_EVERY = 1.0  # seconds after which what another process left behind is sent


@dataclass(slots=True)
class OpenControlPlane:
    """What is open of the control plane: its endpoints, its start, and the configuration that it keeps in force."""

    control: ControlPlane
    door: Door
    starting: Starting
    live: LiveConfiguration
    interval: float

    def router(self) -> APIRouter:
        """The endpoints of the administrative API; they take a while to load (a third of a second)."""
        from brain_gateway.api.rest.admin.router import admin_router

        return admin_router(self.control, self.door)

    async def apply(self, configuration: GatewayConfiguration) -> None:
        """Put a file in force that was read anew. Raises StoreUnavailable, ConfigurationError."""
        await self.starting.put_in_force(declared(configuration, self.interval))


def declared(configuration: GatewayConfiguration, interval: float) -> DeclaredFile:
    """A configuration with its fingerprint: a hash of the explicit document that says the same."""
    text = json.dumps(configuration_document(configuration, interval), sort_keys=True)
    return DeclaredFile(configuration, hashlib.sha256(text.encode()).hexdigest())


async def open_control_plane(
    settings: Settings,
    own: OwnSecrets,
    secrets: Secrets,
    stores: Stores,
    data: OpenDataPlane,
    own_keys: Sequence[ApiKeyRecord],
    stack: AsyncExitStack,
) -> OpenControlPlane:
    """Nothing is loaded yet: that is for `starting`."""
    live = LiveConfiguration(stores.database, data.plane, own_keys, logger.warning, gc.freeze)
    relay = OutboxRelay(stores.database, stores.events)

    async def committed(version: int) -> None:
        relay.kick()
        if version:
            await live.committed(version)

    integrations = await open_integrations(secrets, stores.database, stack)
    bus = CommandBus(
        stores.database, {**commands.HANDLERS, **integrations.commands.handlers}, document_of, committed,
        time.time, lambda: str(uuid.uuid4()), os.urandom, _target_rule(settings),
        integrations.commands.preparations,
    )  # fmt: skip
    starting = Starting(
        stores.database,
        bus,
        live,
        own.obtain,
        functools.partial(_check_role, settings, stores),
        logger.warning,
    )
    stack.callback(stores.events.subscribe(lambda event: live.announce(event.version)))
    await stack.enter_async_context(beside(relay.follow(RELAY_EVERY), "outbox relay"))
    events = ObservedEvents(stores.events)
    data.publish.append(events.heed)
    housekeeping = Housekeeping(
        stores.database, bus, time.monotonic, time.time, settings.service_registry_enabled
    )
    await stack.enter_async_context(beside(housekeeping.follow(), "housekeeping"))
    control = ControlPlane(
        commands=bus,
        queries=QueryBus(
            stores.database, {**queries.HANDLERS, **integrations.queries.handlers}, _remembered(data)
        ),
        events=events,
        describe=document_of,
        parse=functools.partial(_parse, settings),
        purge=data.cache.purge,
        draining=lambda: data.runtime.draining,
        clock=time.monotonic,
        new_id=lambda: str(uuid.uuid4()),
        gateway_health=lambda: {"configuration": live.part(), **integrations.health()},
        registry_enabled=settings.service_registry_enabled,
        host_template=packaged_services().host_template(settings.profile),
        health_check_interval=settings.health_check_interval,
        auto_discovery=settings.auto_discovery,
    )
    door = Door(
        identification=data.identification,
        limits=data.limits,
        classes=lambda: data.plane.rules.limits,
        is_served=lambda tenant_id: tenant_id not in data.plane.rules.refused,
        clock=time.monotonic,
    )
    data.shown.add(ControlMetrics(live, relay, time.time, lambda: sum(control.streams.open.values())))
    return OpenControlPlane(control, door, starting, live, settings.health_check_interval)


def _remembered(data: OpenDataPlane) -> Mapping[type[Query[Any]], MemoryHandler]:
    """What is answered while the database is away."""
    return {GetHealthStatusQuery: health_handler(data.monitor.report, data.targets.breaker_state)}


def _parse(settings: Settings, text: str) -> GatewayConfiguration:
    """A document that came over the API: nothing is taken from this process's environment."""
    return parse_configuration(
        text,
        file="document",
        profile=settings.profile,
        health_check_interval=settings.health_check_interval,
        auto_discovery=settings.auto_discovery,
    )


async def _check_role(settings: Settings, stores: Stores) -> None:
    """A role of PostgreSQL that isolation does not hold for: refused in production, told in development."""
    faults = await stores.database.role_faults()
    if faults and settings.profile is Profile.PRODUCTION:
        raise ConfigurationError(faults=tuple(f"DATABASE_URL: {fault}" for fault in faults))
    for fault in faults:
        logger.warning("DATABASE_URL: %s", fault)


def _target_rule(settings: Settings) -> TargetRule:
    return TargetRule(settings.tenant_target_networks, settings.profile is Profile.DEVELOPMENT)
