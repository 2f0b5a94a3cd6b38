"""Nothing works at import time, the domain stays pure, and what proxies does not pay for what it does not use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.house.sources import ROOT, SRC, imported, module_name, python_files

PROBE = Path(__file__).with_name("import_probe.py")
AGENT_LIBRARIES = frozenset(
    (
        "crewai",
        "django",
        "langchain",
        "langchain_core",
        "langgraph",
        "litellm",
        "openai",
        "strawberry",
        "temporalio",
    )
)
# What a gateway with the default stores has no use for before somebody asks for the Admin API or its documentation.
NOT_AT_START = frozenset(
    ("alembic", "asyncpg", "cryptography", "fastapi", "httpx", "hvac", "jsonschema", "jwt", "opentelemetry", "redis",
     "requests", "rich", "sqlalchemy.dialects.postgresql",
     "brain_gateway.api.application", "brain_gateway.api.rest.admin.endpoint", "brain_gateway.api.rest.admin.models",
     "brain_gateway.api.rest.admin.router", "brain_gateway.cli.remote",
     "brain_gateway.infrastructure.catalogue.entries",
     "brain_gateway.infrastructure.identity.jwks_download", "brain_gateway.infrastructure.vault.secrets",
     "brain_gateway.schemas.integration")
)  # fmt: skip
# A gateway as `brain-gateway serve` opens it; two starts, because the first makes the database. It prints what it has
# imported before the Admin API is asked for, and after.
SERVING = """
import asyncio, sys
from pathlib import Path
import brain_gateway.cli, brain_gateway.cli.serve
from brain_gateway import main
from brain_gateway.bootstrap import open_gateway
from brain_gateway.settings import load_settings

async def ask(app, path):
    sent = []
    async def receive():
        return {"type": "http.request", "body": b""}
    async def send(message):
        sent.append(message)
    scope = {"type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "path": path,
             "raw_path": path.encode(), "query_string": b"", "headers": [(b"host", b"gw")],
             "client": ("127.0.0.1", 1), "server": ("gw", 80)}
    await app(scope, receive, send)
    return sent[0]["status"]

async def serve(paths):
    settings = load_settings()
    async with open_gateway(settings, main._load(settings, None)) as gateway:
        print(*[await ask(gateway.app, path) for path in paths])
        print(*sys.modules)

"""


# What decides must not look at the world: its time and its entropy are arguments.
IMPURE = frozenset(
    ("asyncio", "concurrent", "ctypes", "io", "logging", "mmap", "multiprocessing", "os", "pathlib", "platform",
     "queue", "random", "sched", "secrets", "select", "selectors", "shutil", "signal", "socket", "sqlite3", "ssl",
     "subprocess", "sys", "tempfile", "threading", "time", "urllib.request", "http", "uuid.uuid1", "uuid.uuid4")
)  # fmt: skip


def _probed(sources: Path) -> list[str]:
    done = subprocess.run([sys.executable, PROBE, sources], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_every_module_imports_alone_and_does_nothing_then():
    assert _probed(SRC.parent) == []


@pytest.mark.parametrize(
    ("line", "event"),
    [
        ("import socket; socket.create_connection(('127.0.0.1', 1))", "socket.getaddrinfo"),
        ("import threading; threading.Thread(target=print).start()", "started a thread"),
        ("import subprocess, sys; subprocess.Popen([sys.executable, '-V'])", "subprocess.Popen"),
        ("open(__file__ + '.note', 'w')", "open"),
        ("from pathlib import Path; Path(__file__).with_name('data.yaml').read_text()", "open"),
        ("import signal; signal.signal(signal.SIGUSR1, signal.SIG_IGN)", "set a signal handler"),
        ("import brain_gateway.other", "ImportError"),
    ],
)
def test_the_probe_sees(tmp_path, line, event):
    package = tmp_path / "brain_gateway"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "busy.py").write_text(line)
    (package / "data.yaml").touch()
    (package / "other.py").write_text("from brain_gateway.busy import nothing")
    found = _probed(tmp_path)
    assert any("brain_gateway.busy: " in line and event in line for line in found), found


def test_starting_the_server_imports_no_agent_library():
    code = "import sys, brain_gateway.cli, brain_gateway.main; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert {name.partition(".")[0] for name in done.stdout.split()} & AGENT_LIBRARIES == set()


def _served(folder: Path, paths: Sequence[str]) -> tuple[list[str], set[str]]:
    """The answers' statuses, and what is imported after them."""
    code = f"{SERVING}\nasyncio.run(serve({list(paths)!r}))"
    own = {"BRAIN_GATEWAY_DATA_DIR": str(folder), "JWT_SECRET": "x" * 20 + "9aZ-" * 8, "ACCESS_LOG": "false"}
    environ = {**os.environ, **own}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, env=environ
    )
    statuses, modules = done.stdout.splitlines()[-2:]
    return statuses.split(), set(modules.split())


WATCHED = (
    "/health",
    "/health/live",
    "/health/ready",
    "/metrics",
    "/wagtail-cms/pages/",
    "/nobody/knows",
    "/",
)


def test_a_gateway_that_proxies_and_is_watched_imports_nothing_for_its_administration(tmp_path):
    _served(tmp_path, ())  # the first start brings Alembic to the database
    statuses, modules = _served(tmp_path, WATCHED)
    assert statuses == ["200", "200", "200", "200", "401", "404", "404"]
    assert modules & NOT_AT_START == set()


def test_what_is_not_there_at_the_start_comes_when_it_is_asked_for(tmp_path):
    statuses, modules = _served(tmp_path, ("/api/v1/services", "/openapi.json", "/docs", "/health/"))
    assert statuses == ["401", "200", "200", "404"]
    assert {"fastapi", "brain_gateway.api.rest.admin.router"} <= modules


@pytest.mark.parametrize("ring", ["domain", "application"])
def test_the_inner_rings_use_the_standard_library_alone(ring):
    allowed = sys.stdlib_module_names | {"brain_gateway"}
    foreign = {
        module_name(path): others
        for path in python_files("src")
        if path.is_relative_to(SRC / ring)
        and (others := {name for name in imported(path) if name.partition(".")[0] not in allowed})
    }
    assert foreign == {}


def test_the_domain_has_no_clock_no_randomness_and_no_side_effects():
    impure = {
        module_name(path): others
        for path in python_files("src")
        if path.is_relative_to(SRC / "domain")
        and (
            others := {name for name in imported(path) if name in IMPURE or name.partition(".")[0] in IMPURE}
        )
    }
    assert impure == {}


def test_the_domain_reads_no_clock_through_datetime():
    asking = [
        path
        for path in python_files("src")
        if path.is_relative_to(SRC / "domain")
        and any(call in path.read_text() for call in (".now(", ".utcnow(", ".today("))
    ]
    assert asking == []
