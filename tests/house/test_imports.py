"""Nothing works at import time, the domain stays pure, and what proxies does not pay for what it does not use."""

from __future__ import annotations

import json
import subprocess
import sys
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
