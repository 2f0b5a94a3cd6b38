"""The lines of the README's tour, run as they stand against the example platform (`make test-platform`)."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from tests.house.sources import ROOT, text

PATIENCE = 300.0  # seconds for the platform to install, build and start; a bound, not a claim
GATEWAY = "http://127.0.0.1:{port}"


def _commands() -> list[tuple[str, str]]:
    """(command, what must be in its answer), in order; a command may go over several lines."""
    block = re.search(r"<!-- tour -->\n```sh\n(.*?)```", text(ROOT / "README.md"), re.DOTALL)
    assert block
    commands, pending = [], ""
    for line in block[1].splitlines():
        command, _, expected = line.partition("# => ")
        if not pending and (not command.strip() or command.startswith("#")):
            continue
        pending += command + "\n"
        whole = not command.rstrip().endswith(("\\", "|"))
        if (
            whole
            and subprocess.run(["bash", "-n"], input=pending, text=True, capture_output=True).returncode == 0
        ):
            commands.append((pending, expected.strip()))
            pending = ""
    assert not pending
    return commands


def test_the_tour_says_what_to_expect():
    expected = [expected for _, expected in _commands() if expected]
    assert len(expected) >= 10


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The platform as `make run` starts it, on a free port and in a data directory of its own."""
    import os
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "BRAIN_GATEWAY_DATA_DIR": str(tmp_path_factory.mktemp("tour"))}
    command = [sys.executable, ROOT / "examples" / "platform" / "run.py", "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL) as platform:
        try:
            _wait_for(GATEWAY.format(port=port) + "/health", platform)
            yield GATEWAY.format(port=port)
        finally:
            platform.send_signal(signal.SIGTERM)
            platform.wait(60)


def _wait_for(url: str, platform: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert platform.poll() is None, "the platform ended"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                if answer.read().count(b'"status":"healthy"') >= 8:  # four services, one target each
                    return
        except (urllib.error.URLError, TimeoutError):
            pass
        time.sleep(0.5)
    pytest.fail(f"{url} never showed four healthy services")


@pytest.mark.platform
def test_every_line_of_the_tour_answers_as_it_says(gateway):
    commands = _commands()
    script = "".join(f"{command}\necho\necho '@@@'\n" for command, _ in commands)
    script = script.replace("GW=http://127.0.0.1:8001", f"GW={gateway}")
    done = subprocess.run(["bash"], input=script, text=True, capture_output=True, check=True)
    answers = done.stdout.split("\n@@@\n")
    wrong = {
        command: answer
        for (command, expected), answer in zip(commands, answers, strict=False)
        if expected not in answer
    }
    assert len(answers) == len(commands) + 1
    assert wrong == {}
