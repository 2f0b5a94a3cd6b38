"""`brain-gateway serve` as a process of a test: started, watched, stopped."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import functools
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from brain_gateway.infrastructure.sql.addresses import DATABASE_FILE
from tests.builders.stores import sqlite_template
from tests.live.harness.credentials import SECRET, bearer
from tests.live.harness.postgres import in_thread
from tests.live.harness.wire import PATIENCE, Connection, Message, open_connection

COMMAND = Path(sys.executable).with_name("brain-gateway")
_LISTENING = re.compile(r"listening on https?://127\.0\.0\.1:(\d+)")
_BROKEN = re.compile(r"Traceback|\"level\": ?\"(?:error|critical)\"|Exception in|never retrieved")


class Gateway:
    """A running gateway."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, entry: str) -> None:
        self.process = process
        self.entry = entry
        self.port = 0
        self.config = folder / "gateway.yaml"
        self._clients: list[Connection] = []
        self._log = folder / "stderr.log"
        self._access_log = folder / "stdout.log"

    @property
    def log(self) -> str:
        """What it wrote on stderr."""
        return self._log.read_text()

    @property
    def access_log(self) -> str:
        """What it wrote on stdout."""
        return self._access_log.read_text()

    def faults(self) -> list[str]:
        """Lines of the log that only a fault of the gateway writes."""
        return [line for line in self.log.splitlines() if _BROKEN.search(line)]

    def rss(self) -> int:
        """Resident memory in bytes."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def workers(self) -> list[int]:
        """Process ids of the children, the embedded Valkey not among them."""
        return [pid for pid, name in self._children() if name != "valkey-server"]

    def valkeys(self) -> list[int]:
        """Process ids of the embedded Valkey: one, while it runs."""
        return [pid for pid, name in self._children() if name == "valkey-server"]

    def _children(self) -> Iterator[tuple[int, str]]:
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        for pid in path.read_text().split():
            with contextlib.suppress(OSError):  # it may be gone by now
                yield int(pid), Path(f"/proc/{pid}/comm").read_text().strip()

    async def connect(self, **options: Any) -> Connection:
        """A client connection; options as of `open_connection`."""
        client = await open_connection(self.port, **options)
        self._clients.append(client)
        return client

    async def disconnect(self) -> None:
        """Close what a test has left open."""
        for client in self._clients:
            client.writer.transport.abort()
        await asyncio.sleep(0)

    async def ask(self, text: str, body: bytes = b"", **options: Any) -> Message:
        """One request over a connection of its own: `text` is its head, lines apart by newlines."""
        client = await self.connect(**options)
        try:
            await client.send(head(text) + body)
            return await client.response(text.split(" ")[0])
        finally:
            client.close()

    async def get(self, path: str, line: str | None = None, **options: Any) -> Message:
        """GET with a token; `line`: another credential line, or an empty text for none."""
        return await self.ask(request("GET", path, line), **options)

    async def metrics(self) -> dict[str, float]:
        """GET /metrics, by name with labels."""
        text = (await self.get("/metrics", "")).body.decode()
        samples = (line.rpartition(" ") for line in text.splitlines() if line and line[0] != "#")
        return {name: float(value) for name, _, value in samples}

    async def open_clients(self) -> int:
        """Client connections besides the one that asks."""
        return int((await self.metrics())["brain_gateway_client_connections"]) - 1

    def configure(self, config: Mapping[str, Any], file: Path | None = None) -> None:
        """Replace the configuration file, or write another; SIGHUP makes it count."""
        (file or self.config).write_text(yaml.safe_dump(dict(config)))

    def signal(self, number: int) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    async def exited(self, within: float = PATIENCE) -> int:
        """Wait for its end; the exit code."""
        deadline = time.monotonic() + within
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"the gateway still runs after {within} s\n{self.log[-2000:]}"
            await asyncio.sleep(0.02)
        return self.process.returncode

    async def listening(self, port: int = 0) -> None:
        """Wait until it serves; learn the port."""
        deadline = time.monotonic() + 2 * PATIENCE
        while True:
            found = _LISTENING.search(self.log)
            if found:
                self.port = port or int(found[1])
                return
            assert self.process.poll() is None, f"the gateway did not start:\n{self.log}"
            assert time.monotonic() < deadline, f"the gateway does not listen:\n{self.log}"
            await asyncio.sleep(0.02)


async def settled(number: Callable[[], int], still: float = 0.4) -> int:
    """Wait until a number has stood still for so many seconds; what it is then."""
    deadline = time.monotonic() + PATIENCE
    last, since = number(), time.monotonic()
    while time.monotonic() - since < still:
        assert time.monotonic() < deadline, f"not within {PATIENCE} s: it stands still at {last}"
        await asyncio.sleep(0.02)
        if (now := number()) != last:
            last, since = now, time.monotonic()
    return last


def head(text: str) -> bytes:
    """Lines apart by newlines as a head, its empty line included."""
    return text.strip("\n").replace("\n", "\r\n").encode("latin-1") + b"\r\n\r\n"


def request(method: str, path: str, line: str | None = None, *more: str) -> str:
    """A head's text: HTTP/1.1, Host, a credential line (a client's token unless given) and more lines."""
    lines = (f"{method} {path} HTTP/1.1", "Host: gateway.test", bearer() if line is None else line, *more)
    return "\n".join(text for text in lines if text)


async def eventually(condition: Any, what: str, within: float = PATIENCE) -> None:
    """Wait until `condition()` (or what it awaits) is true."""
    deadline = time.monotonic() + within
    while True:
        found = condition()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return
        assert time.monotonic() < deadline, f"not within {within} s: {what}"
        await asyncio.sleep(0.02)


@functools.cache
def _database() -> Path:
    """A database with the schema, to copy: most tests are not about making one, and that takes a while."""
    folder = Path(tempfile.mkdtemp(prefix="gateway-template-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return in_thread(sqlite_template, folder)


def _launch(
    folder: Path,
    config: Mapping[str, Any] | Path,
    arguments: Sequence[str],
    environment: Mapping[str, str],
) -> Gateway:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "gateway.yaml"
    file.write_text(config.read_text() if isinstance(config, Path) else yaml.safe_dump(dict(config)))
    variables = {"PATH": os.environ["PATH"], "JWT_SECRET": SECRET, "BRAIN_GATEWAY_DATA_DIR": str(folder)}
    database = folder / DATABASE_FILE
    if environment.keys().isdisjoint({"DATABASE_URL", "BRAIN_GATEWAY_DATA_DIR"}) and not database.exists():
        shutil.copy(_database(), database)
    with (folder / "stdout.log").open("wb") as out, (folder / "stderr.log").open("wb") as err:
        process = subprocess.Popen(
            [COMMAND, "serve", "--config", file, "--host", "127.0.0.1", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env={**variables, **environment},
        )
    entry = arguments[arguments.index("--entry") + 1]
    return Gateway(process, folder, entry)


@contextlib.asynccontextmanager
async def running_gateway(
    folder: Path,
    config: Mapping[str, Any] | Path,
    *,
    entry: str = "protocol",
    workers: int = 1,
    port: int = 0,
    faults: bool = False,
    **environment: str,
) -> AsyncIterator[Gateway]:
    """Start a gateway with this configuration and these variables; at the end it must stop, without a fault.

    `faults`: errors in the log are expected.
    """
    arguments = ["--port", str(port), "--entry", entry, "--workers", str(workers)]
    gateway = _launch(folder, config, arguments, environment)
    process = gateway.process
    try:
        await gateway.listening(port)
        yield gateway
        if process.poll() is None:
            gateway.signal(signal.SIGTERM)
        code = await gateway.exited(2 * PATIENCE)
        assert code == 0, f"exit code {code}:\n{gateway.log[-4000:]}"
        assert faults or not gateway.faults(), "\n".join(gateway.faults()[:10])
    finally:
        await gateway.disconnect()
        if process.poll() is None:
            process.kill()
        process.wait()
