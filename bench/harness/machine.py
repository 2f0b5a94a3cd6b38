"""Where the figures were taken: they mean nothing without it."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from pathlib import Path

from .servers import find_binary

VERSION_COMMANDS = {
    "nginx": ["-v"],
    "haproxy": ["-v"],
    "envoy": ["--version"],
    "traefik": ["version"],
    "wrk": ["-v"],
}


def describe_machine() -> dict[str, str]:
    """Return processor, memory, kernel, Python and the versions of what is installed beside the gateway."""
    cpu = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text(), re.MULTILINE)
    facts = {
        "processor": f"{os.cpu_count()} x {cpu[1] if cpu else platform.machine()}",
        "memory": f"{int(memory[1]) / 2**20:.0f} GiB" if memory else "unknown",
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }
    return facts | {name: version for name in VERSION_COMMANDS if (version := _version(name))}


def _version(name: str) -> str | None:
    binary = find_binary(name)
    if binary is None:
        return None
    done = subprocess.run([binary, *VERSION_COMMANDS[name]], capture_output=True, text=True, check=False)
    found = re.search(r"\d+\.\d+\.\d+", done.stdout + done.stderr)
    return found[0] if found else "unknown"
