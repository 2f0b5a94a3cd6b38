"""Integrations of tenants, put together: the catalogue, the store of secrets, and what keeps it clean."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

from brain_gateway.application.commands.integrations import IntegrationCommands
from brain_gateway.application.integration_credentials import IntegrationCredentials
from brain_gateway.application.ports.secrets import Secrets, SecretsHealth, SecretsStatus
from brain_gateway.application.ports.unit_of_work import UnitsOfWork
from brain_gateway.application.queries.integrations import CatalogueQueries
from brain_gateway.application.secrets_watch import SecretsWatch
from brain_gateway.bootstrap.beside import beside
from brain_gateway.infrastructure.catalogue.integration_catalogue import IntegrationCatalogue

logger = logging.getLogger("brain_gateway.secrets")


@dataclass(frozen=True, slots=True)
class OpenIntegrations:
    """Handlers for the buses, and how the store of secrets is."""

    commands: IntegrationCommands
    queries: CatalogueQueries
    watch: SecretsWatch

    def health(self) -> Mapping[str, object]:
        """The part of the health document that is for the gateway's operator."""
        return {"secrets": self.watch.part()}


async def open_integrations(secrets: Secrets, units: UnitsOfWork, stack: AsyncExitStack) -> OpenIntegrations:
    """The store is asked for nothing before it is needed, but how it is."""
    credentials = IntegrationCredentials(units, secrets, time.time, os.urandom, logger.warning)
    await stack.enter_async_context(beside(credentials.follow(), "credentials"))
    watch = await stack.enter_async_context(SecretsWatch(secrets, _told))
    catalogue = IntegrationCatalogue()
    commands = IntegrationCommands(units, catalogue, credentials)
    return OpenIntegrations(commands, CatalogueQueries(catalogue), watch)


def _told(health: SecretsHealth) -> None:
    """One line for each change; that all is well is worth none at the start of most."""
    level = logging.DEBUG if health.status is SecretsStatus.OK else logging.WARNING
    logger.log(level, "the store of secrets is %s: %s", health.status.value, health.detail or "it answers")
