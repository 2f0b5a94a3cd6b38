"""The services' own virtual environment: Django and the rest stay out of the gateway's."""

import hashlib
import importlib.util
import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from launcher.layout import LaunchError, Layout
from launcher.steps import Steps

STAMP = "platform-requirements.sha256"


def is_ready(layout: Layout) -> bool:
    """Whether the environment is there, with what requirements.txt says today."""
    stamp = layout.venv / STAMP
    return layout.python.exists() and stamp.exists() and stamp.read_text() == _fingerprint(layout)


def prepare(layout: Layout, steps: Steps, on_progress: Callable[[int, int, str], None]) -> None:
    """Make the environment or bring it up to date; `on_progress` gets how many of how many, and which."""
    stamp = layout.venv / STAMP
    if not stamp.exists() or not layout.python.exists():
        _remove_remains(layout.venv)  # of an installation that was cut short: a package may be half there
    stamp.unlink(missing_ok=True)
    pins = re.findall(r"^([\w.-]+)==", layout.requirements.read_text(), re.MULTILINE)
    seen: set[str] = set()

    def on_line(line: str) -> None:
        found = re.match(r"(?:Collecting|Requirement already satisfied:) ([\w.-]+)", line)
        if found:
            seen.add(found[1].lower())
            on_progress(len(seen), len(pins), found[1])
        elif line.startswith("Installing"):
            on_progress(len(pins), len(pins), "unpacking and compiling")

    env = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONUNBUFFERED": "1"}
    if not layout.python.exists():
        # Without pip: Debian's python3 has the module venv but may lack ensurepip (package python3-venv).
        make = [sys.executable, "-m", "venv", "--without-pip", str(layout.venv)]
        steps.run("the platform's environment", make, env, layout.log("venv"))
    install = [*_installer(layout), "-r", str(layout.requirements)]
    steps.run("installing the platform's packages", install, env, layout.log("pip"), on_line)
    stamp.write_text(_fingerprint(layout))


def _installer(layout: Layout) -> list[str]:
    """Whichever installer there is; the gateway's pip can install into another environment (pip 22.3)."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "--python", str(layout.python), "install", "--progress-bar=off"]
    if uv := shutil.which("uv"):
        return [uv, "pip", "install", "--python", str(layout.python)]
    raise LaunchError(f"neither pip nor uv is to be had for {sys.executable}: install one of them")


def _remove_remains(venv: Path) -> None:
    if venv.exists() and any(venv.iterdir()):
        if not (venv / "pyvenv.cfg").exists():
            raise LaunchError(f"{venv} is there and is no virtual environment: move it away")
        shutil.rmtree(venv)


def _fingerprint(layout: Layout) -> str:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return hashlib.sha256(layout.requirements.read_bytes() + version.encode()).hexdigest()
