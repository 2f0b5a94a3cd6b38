"""Activate, deactivate, configure and remove what a tenant has set up of an integration."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from brain_gateway.application.authorization import Action
from brain_gateway.application.bus import Command, Handler, Preparation
from brain_gateway.application.commands.changing import check_version
from brain_gateway.application.commands.tenants import DeleteTenantCommand, delete_tenant, refuse_unserved
from brain_gateway.application.integration_credentials import IntegrationCredentials, StoredSet
from brain_gateway.application.ports.integration_catalogue import IntegrationCatalogue
from brain_gateway.application.ports.unit_of_work import UnitsOfWork
from brain_gateway.application.scope import Scope
from brain_gateway.application.work import Work
from brain_gateway.domain.errors import Conflict, InvalidDocument, ResourceNotFound
from brain_gateway.domain.events import IntegrationRemoved
from brain_gateway.domain.integrations.integration import Integration
from brain_gateway.domain.integrations.integration_config import IntegrationConfig
from brain_gateway.domain.resilience.rate_limit import RateLimit
from brain_gateway.domain.secret_path import SecretPath
from brain_gateway.domain.tenancy import Secret

NEW_ID: Final = "00000000-0000-0000-0000-000000000000"
"""Of one that is tried out, and never kept."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What an activation was prepared with: the catalogue's `entry`, the `credentials` (`on_file`: those on record),
    the version of what was there (0: nothing), and what was stored."""

    entry: Integration
    credentials: Mapping[str, Secret]
    on_file: bool
    version: int
    stored: StoredSet


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivateIntegrationCommand(Command[IntegrationConfig]):
    """Take an integration in use with `credentials` (None: those on file), of a `variant` (None: the one that they come
    nearest to). `offer` is for its preparation."""

    action = Action.WRITE_INTEGRATIONS
    name: str
    credentials: Mapping[str, Secret] | None = None
    variant: str | None = None
    expected: int | None = None
    offer: Offer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeactivateIntegrationCommand(Command[IntegrationConfig]):
    """Take it out of use; `forget`: its credentials, too."""

    action = Action.WRITE_INTEGRATIONS
    name: str
    forget: bool = False
    expected: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigureIntegrationCommand(Command[IntegrationConfig]):
    """Set how often the vendor is called, and again after a failure (None: as the catalogue has it). What is not there
    is made, without credentials."""

    action = Action.WRITE_INTEGRATIONS
    name: str
    rate_limit: RateLimit | None = None
    retries: int | None = None
    expected: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveIntegrationCommand(Command[None]):
    """Keep nothing of it: neither settings nor credentials."""

    action = Action.WRITE_INTEGRATIONS
    name: str
    expected: int | None = None


class IntegrationCommands:
    """Handlers that need more than the database. `handlers` and `preparations` are for the bus."""

    def __init__(
        self, units: UnitsOfWork, catalogue: IntegrationCatalogue, credentials: IntegrationCredentials
    ) -> None:
        self._units = units
        self._catalogue = catalogue
        self._credentials = credentials

    @property
    def handlers(self) -> Mapping[type[Command[Any]], Handler]:
        """Of this module's commands; and of the one that deletes a tenant, whose secrets go with it."""
        return MappingProxyType(
            {
                ActivateIntegrationCommand: self.activate_integration,
                DeactivateIntegrationCommand: self.deactivate_integration,
                ConfigureIntegrationCommand: self.configure_integration,
                RemoveIntegrationCommand: self.remove_integration,
                DeleteTenantCommand: self.delete_tenant,
            }
        )

    @property
    def preparations(self) -> Mapping[type[Command[Any]], Preparation]:
        """Of activations: credentials are judged and stored before there is a transaction."""
        return MappingProxyType({ActivateIntegrationCommand: self.offered})

    @asynccontextmanager
    async def offered(self, command: ActivateIntegrationCommand) -> AsyncIterator[ActivateIntegrationCommand]:
        """The command with an offer. Raises ResourceNotFound, PreconditionFailed, InvalidDocument that lists every
        fault, SecretsUnavailable."""
        tenant_id = owner(command.tenant_id)
        entry = await self._entry(command.name)
        async with self._units(Scope(tenant_id), read_only=True) as unit:
            found = await unit.integrations.find(tenant_id, command.name)
        version = 0 if found is None else found.version
        check_version(version, command.expected)
        on_file = command.credentials is None
        config = found or IntegrationConfig.of(entry, id=NEW_ID, tenant_id=tenant_id)
        values = command.credentials
        if values is None:
            values = await self._credentials.read(config.secret_path)
        config.activate(values, entry, 0.0, variant=command.variant, stored=on_file)  # a trial
        new = {} if on_file else values
        async with self._credentials.stored(tenant_id, command.name, new) as stored:
            yield replace(command, offer=Offer(entry, values, on_file, version, stored))

    async def activate_integration(
        self, command: ActivateIntegrationCommand, work: Work
    ) -> IntegrationConfig:
        """Raises Conflict when it was changed since it was prepared, PreconditionFailed."""
        offer, tenant_id = command.offer, owner(command.tenant_id)
        if offer is None:
            raise RuntimeError("an activation is prepared by `offered`")
        await refuse_unserved(work, tenant_id)
        found = await work.unit.integrations.find(tenant_id, command.name)
        version = 0 if found is None else found.version
        check_version(version, command.expected)
        if version != offer.version:
            raise Conflict(f"{command.name} was changed by somebody else at the same time: read it again")
        config = found or IntegrationConfig.of(offer.entry, id=work.new_id(), tenant_id=tenant_id)
        before, path = None if found is None else replace(found), config.secret_path
        config.activate(
            offer.credentials, offer.entry, work.now, variant=command.variant, stored=offer.on_file
        )
        if offer.stored.path is not None:
            config.credentials_stored(offer.stored.path.name)
        await keep(work, before, config)
        offer.stored.taken = True
        if path != config.secret_path:
            self._drop_afterwards(work, path)
        return config

    async def deactivate_integration(
        self, command: DeactivateIntegrationCommand, work: Work
    ) -> IntegrationConfig:
        """Raises ResourceNotFound, PreconditionFailed."""
        config = await existing(work, command.tenant_id, command.name, command.expected)
        before, path = replace(config), config.secret_path
        config.deactivate(work.now)
        if command.forget:
            config.forget_credentials(work.now)
            self._drop_afterwards(work, path)
        await keep(work, before, config)
        return config

    async def configure_integration(
        self, command: ConfigureIntegrationCommand, work: Work
    ) -> IntegrationConfig:
        """Raises ResourceNotFound when the catalogue has none of that name, PreconditionFailed, InvalidDocument."""
        entry = await self._entry(command.name)
        tenant_id = owner(command.tenant_id)
        await refuse_unserved(work, tenant_id)
        found = await work.unit.integrations.find(tenant_id, command.name)
        check_version(0 if found is None else found.version, command.expected)
        config = found or IntegrationConfig.of(entry, id=work.new_id(), tenant_id=tenant_id)
        before = None if found is None else replace(found)
        config.set_rate_limit(command.rate_limit or entry.rate_limit, work.now)
        config.set_retries(entry.retries if command.retries is None else command.retries, work.now)
        await keep(work, before, config)
        return config

    async def remove_integration(self, command: RemoveIntegrationCommand, work: Work) -> None:
        """Raises ResourceNotFound, PreconditionFailed."""
        config = await existing(work, command.tenant_id, command.name, command.expected)
        before, path = replace(config), config.secret_path
        config.deactivate(work.now)
        config.forget_credentials(work.now)
        await work.unit.integrations.remove(config.tenant_id, config.id, config.version)
        gone = IntegrationRemoved(
            occurred_at=work.now,
            tenant_id=config.tenant_id,
            integration_id=config.id,
            integration_name=config.integration_name,
        )
        work.noted(command.action, subject(config), config.tenant_id, before, None)
        work.happened((*config.pull_events(), gone))
        self._drop_afterwards(work, path)

    async def delete_tenant(self, command: DeleteTenantCommand, work: Work) -> None:
        """As `delete_tenant`; its secrets go when that is committed."""
        await delete_tenant(command, work)
        work.afterwards.append(functools.partial(self._credentials.sweep_soon, command.id))

    async def _entry(self, name: str) -> Integration:
        """In a thread: an entry is read from its file when it is asked for the first time."""
        return await asyncio.to_thread(self._catalogue.get, name)

    def _drop_afterwards(self, work: Work, path: SecretPath | None) -> None:
        if path is not None:
            work.afterwards.append(functools.partial(self._credentials.drop, path))


def owner(tenant_id: str | None) -> str:
    """Whose integration is meant. Raises InvalidDocument."""
    if tenant_id is None:
        raise InvalidDocument("tenant: must be named, an integration belongs to one tenant")
    return tenant_id


async def existing(work: Work, tenant_id: str | None, name: str, expected: int | None) -> IntegrationConfig:
    """What a tenant has set up. Raises ResourceNotFound, PreconditionFailed."""
    found = await work.unit.integrations.find(owner(tenant_id), name)
    if found is None:
        raise ResourceNotFound("this tenant has set up no such integration")
    check_version(found.version, expected)
    return found


async def keep(work: Work, before: IntegrationConfig | None, config: IntegrationConfig) -> None:
    """Write it down and tell of it; what is as it was keeps its version."""
    events = config.pull_events()
    if before is None:
        await work.unit.integrations.add(config)
    elif events:
        await work.unit.integrations.save(config, before.version)
    else:
        return
    work.noted(Action.WRITE_INTEGRATIONS, subject(config), config.tenant_id, before, config)
    work.happened(events)


def subject(config: IntegrationConfig) -> str:
    """What the audit log calls it."""
    return f"integration/{config.integration_name}"
