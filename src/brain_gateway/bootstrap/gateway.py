"""A gateway, put together: stores, data plane, control plane, and the faces before them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from starlette.types import ASGIApp

from brain_gateway.api.edge.asgi import AsgiProxy
from brain_gateway.api.edge.runtime import EdgeRuntime
from brain_gateway.api.front import Answer, Front
from brain_gateway.api.late import LateApplication
from brain_gateway.api.rest.health import health_answers, health_router
from brain_gateway.api.rest.metrics import metrics_answers, metrics_router
from brain_gateway.application.configuration import ApiKeyRecord, GatewayConfiguration
from brain_gateway.application.gateway.live_configuration import LiveConfiguration
from brain_gateway.application.start import DeclaredFile, Starting
from brain_gateway.bootstrap.beside import beside
from brain_gateway.bootstrap.control_plane import OpenControlPlane, declared, open_control_plane
from brain_gateway.bootstrap.data_plane import open_data_plane
from brain_gateway.bootstrap.loop_faults import heed
from brain_gateway.bootstrap.stores import open_stores
from brain_gateway.infrastructure.telemetry.prometheus import CONTENT_TYPE
from brain_gateway.secret_store import open_secrets
from brain_gateway.settings import Look, OwnSecrets, Settings, has_references

logger = logging.getLogger("brain_gateway.secrets")
FIRST_ANSWERS = 1.0  # seconds that a start waits for discovery; what is found later is used later


@dataclass(slots=True)
class Gateway:
    """A gateway that is open: its application, what its connections share, and how it is told of another file."""

    app: ASGIApp
    runtime: EdgeRuntime
    control: OpenControlPlane

    async def apply(self, configuration: GatewayConfiguration) -> None:
        """Put a file in force that was read anew. Raises StoreUnavailable."""
        await self.control.apply(configuration)


@asynccontextmanager
async def open_gateway(
    settings: Settings,
    configuration: GatewayConfiguration,
    own_keys: Sequence[ApiKeyRecord] = (),
    found: Look | None = None,
) -> AsyncIterator[Gateway]:
    """Everything of one process, in the running event loop. `own_keys` hold in this process, whatever is stored;
    `found`: the settings with the secrets that they refer to, as they were found (None: nobody has looked).

    When its own secrets or the database are away it opens all the same: nothing is ready or served before they are
    back. Raises ConfigurationError.
    """
    asyncio.get_running_loop().set_exception_handler(heed)
    async with AsyncExitStack() as stack:
        secrets = await stack.enter_async_context(open_secrets(settings))
        found = found or Look(None if has_references(settings) else settings)
        own = OwnSecrets(settings, secrets, found, logger.warning)
        stores = await open_stores(settings, own, stack)
        data = await open_data_plane(settings, own, stores.shared, stack)
        control = await open_control_plane(settings, own, secrets, stores, data, own_keys, stack)
        runtime, starting = data.runtime, control.starting

        def metrics_token() -> str | None:
            return own.text(lambda settings: settings.metrics_token)

        def unready() -> str | None:
            return "draining" if runtime.draining else starting.waiting

        health = health_answers(
            data.monitor.report, data.targets.breaker_state, unready, lambda: control.live.remark
        )
        metrics = metrics_answers(data.shown.render, CONTENT_TYPE, metrics_token)
        app = _application(health, metrics, control, AsgiProxy(runtime))
        file = declared(configuration, settings.health_check_interval)
        begun = own.known and await starting.begin(file)
        if not own.known:
            starting.lacks_secrets(found.missing)
        if begun:
            await data.discovery.settled(FIRST_ANSWERS)
        follow = _follow(begun, starting, file, control.live, settings.config_poll_interval)
        await stack.enter_async_context(beside(follow, "configuration"))
        await stack.enter_async_context(beside(own.follow(), "own secrets"))
        yield Gateway(app, runtime, control)


def _application(
    health: Mapping[str, Answer], metrics: Mapping[str, Answer], control: OpenControlPlane, proxy: ASGIApp
) -> ASGIApp:
    def whole() -> ASGIApp:
        from brain_gateway.api.application import create_application

        return create_application([health_router(health), metrics_router(metrics), control.router()], proxy)

    return Front({**health, **metrics}, LateApplication(whole), proxy)


async def _follow(
    begun: bool, starting: Starting, file: DeclaredFile, live: LiveConfiguration, interval: float
) -> None:
    """Have a configuration, then keep it as the store has it."""
    if not begun:
        await starting.go_on(file)
    await live.follow(interval)
