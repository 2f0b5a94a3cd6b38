"""Compile constraints.txt: one pin for each distribution that the gateway, its extras, its tools and its build need.

Run by `make constraints`. The resolver is uv, from a scratch environment: it resolves for every Python from 3.11 on at
once, with markers where they differ. The file names distributions and versions, and no place where they come from.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PIN = re.compile(r"[a-z0-9][a-z0-9.-]*==[0-9][\w.+]*( ; [\w.<>=!' ()]+)?")
COMPILE = (
    "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--upgrade",
    "--all-extras", "--group", "dev", "--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links",
)  # fmt: skip


def main() -> None:
    """Write the file anew, with the newest versions that fit together."""
    with tempfile.TemporaryDirectory() as scratch:
        venv.create(scratch, with_pip=True)
        bin_directory = Path(scratch) / "bin"
        subprocess.run([bin_directory / "pip", "install", "--quiet", "uv"], check=True)
        build = Path(scratch) / "build.in"
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        build.write_text("\n".join((*project["build-system"]["requires"], "editables")), encoding="utf-8")
        command = [str(bin_directory / "uv"), *COMPILE, "pyproject.toml", str(build)]
        pins = subprocess.run(
            command,
            check=True,
            cwd=ROOT,
            env=_environment(bin_directory / "pip"),
            stdout=subprocess.PIPE,
            text=True,
        ).stdout
    odd = [line for line in pins.splitlines() if not PIN.fullmatch(line)]
    if odd:
        sys.exit("make constraints: these lines are no pins:\n" + "\n".join(odd))
    (ROOT / "constraints.txt").write_text(pins, encoding="utf-8")
    print(f"constraints.txt: {len(pins.splitlines())} pins")


def _environment(pip: Path) -> dict[str, str]:
    """uv reads no pip configuration: it is told the index that pip uses here, where there is one of its own."""
    listed = subprocess.run([pip, "config", "list"], check=True, stdout=subprocess.PIPE, text=True).stdout
    index = re.search(r"^\S+\.index-url='(.+)'$", listed, re.MULTILINE)
    return {**os.environ, "UV_NO_PROGRESS": "1", **({"UV_DEFAULT_INDEX": index[1]} if index else {})}


if __name__ == "__main__":
    main()
