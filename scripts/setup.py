"""Make .venv: the gateway, its command, and the tools of its tests, as constraints.txt pins them.

Run by `make setup`, with the standard library alone. A second call finds the stamp, compiles what has changed in
src/ and is done. pip is used as this machine has configured it.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections import deque
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
COMMAND = VENV / "bin" / "brain-gateway"
STAMP = VENV / ".brain-gateway-setup"
PROJECT = ROOT / "pyproject.toml"
CONSTRAINTS = ROOT / "constraints.txt"
SHOWN = 25  # lines of an installer's output that are shown when it fails
DEBIAN_VENV = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"


class SetupError(Exception):
    """What is wrong and what to do."""


def main() -> None:
    """Bring .venv up to date; ends with code 1 and a sentence when that cannot be."""
    began = time.monotonic()
    try:
        with PROJECT.open("rb") as project:
            fcntl.flock(project, fcntl.LOCK_EX)  # two at once would write over each other
            if not _is_ready():
                _make(tomllib.load(project))
                _say(f"ready in {time.monotonic() - began:.0f} s: {COMMAND.relative_to(ROOT)}")
            _compile_sources()
    except SetupError as error:
        sys.exit(f"make setup: {error}")
    except KeyboardInterrupt:
        sys.exit("make setup: interrupted; the next call goes on from here")


def _fingerprint() -> str:
    parts = (PROJECT.read_bytes(), CONSTRAINTS.read_bytes(), Path(__file__).read_bytes(), str(ROOT).encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _is_ready() -> bool:
    if not (COMMAND.exists() and STAMP.exists() and STAMP.read_text(encoding="ascii") == _fingerprint()):
        return False
    return subprocess.run([PYTHON, "-c", ""], check=False).returncode == 0  # its own Python may be gone


def _make(project: dict[str, Any]) -> None:
    STAMP.unlink(missing_ok=True)
    if not _has_pip():
        _make_environment()
    needed = (
        *project["build-system"]["requires"],
        "editables",  # what hatchling asks for to install a package in place
        *project["project"]["dependencies"],
        *(one for extra in project["project"]["optional-dependencies"].values() for one in extra),
        *project["dependency-groups"]["dev"],
    )
    _install("-c", str(CONSTRAINTS), *needed)
    _install("--no-deps", "--no-build-isolation", "-e", str(ROOT))
    STAMP.write_text(_fingerprint(), encoding="ascii")


def _has_pip() -> bool:
    return PYTHON.exists() and not subprocess.run([PYTHON, "-c", "import pip"], check=False).returncode


def _make_environment() -> None:
    """A fresh .venv. Debian keeps what that needs in a package of its own."""
    if VENV.exists() and any(VENV.iterdir()) and not (VENV / "pyvenv.cfg").exists():
        raise SetupError(f"{VENV} is there and is no virtual environment: move it away")
    if importlib.util.find_spec("ensurepip") is None:
        _install_ensurepip()
    version = ".".join(map(str, sys.version_info[:3]))
    _say(f"making .venv with Python {version} ({sys.executable})")
    _run([sys.executable, "-m", "venv", "--clear", str(VENV)], "python3 -m venv")


def _install_ensurepip() -> None:
    advice = f"this Python cannot make virtual environments; run `sudo apt-get install {DEBIAN_VENV}` first"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise SetupError(advice)
    _say(f"installing Debian's package {DEBIAN_VENV}")
    try:
        _run(["apt-get", "-qq", "update"], "apt-get update")
        install = ["apt-get", "-qq", "install", "-y", "--no-install-recommends", DEBIAN_VENV]
        _run(install, f"apt-get install {DEBIAN_VENV}", {"DEBIAN_FRONTEND": "noninteractive"})
    except SetupError as error:
        raise SetupError(f"{error}\n{advice}") from error
    importlib.invalidate_caches()


def _install(*arguments: str) -> None:
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "install", "--progress-bar", "off"]
    _run([*pip, *arguments], "pip install", {"PYTHONUNBUFFERED": "1", "PIP_NO_INPUT": "1"})


def _run(command: list[str], name: str, more: dict[str, str] | None = None) -> None:
    """Run to the end and show how far it is; SetupError with its last lines when it fails."""
    last: deque[str] = deque(maxlen=SHOWN)
    progress = _Progress()
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", env={**os.environ, **(more or {})},
    ) as process:  # fmt: skip
        for line in process.stdout or ():
            last.append(line.rstrip())
            progress.line(line)
    progress.end()
    if process.returncode:
        raise SetupError(f"{name} failed with code {process.returncode}:\n  " + "\n  ".join(last))


class _Progress:
    """What pip does, in one line that is written over on a terminal, and in a few lines elsewhere."""

    EVERY = 10  # packages between two lines where nothing can be written over

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._terminal = sys.stdout.isatty()

    def line(self, line: str) -> None:
        """Take one line of pip's output."""
        if found := re.match(r"(?:Collecting|Requirement already satisfied:) ([\w.-]+)", line):
            if found[1] not in self._seen:
                self._seen.add(found[1])
                self._show(f"packages: {len(self._seen)}, {found[1]}", len(self._seen) % self.EVERY == 0)
        elif self._seen and line.startswith("Installing collected"):
            self._show(f"packages: {len(self._seen)} found, unpacking and compiling them", True)

    def _show(self, text: str, worth_a_line: bool) -> None:
        if self._terminal:
            print(f"\r\x1b[K  {text}", end="", flush=True)
        elif worth_a_line:
            _say(text)

    def end(self) -> None:
        """Leave an empty line behind."""
        if self._terminal and self._seen:
            print("\r\x1b[K", end="", flush=True)


def _compile_sources() -> None:
    """Byte code beside the sources: without it the gateway starts two to three times more slowly."""
    subprocess.run(
        [PYTHON, "-m", "compileall", "-q", str(ROOT / "src")], check=True, stdin=subprocess.DEVNULL
    )


def _say(text: str) -> None:
    print(f"  {text}", flush=True)


if __name__ == "__main__":
    main()
