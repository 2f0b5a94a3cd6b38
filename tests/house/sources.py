"""What the house rules look at: the project's files, as text and as syntax trees."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src" / "brain_gateway"
DOCS = ROOT / "docs"
MADE = frozenset(
    (".git", ".venv", ".venv-platform", ".brain-gateway", "__pycache__", "dist", ".hypothesis", ".mypy_cache",
     ".ruff_cache", ".pytest_cache", ".import_linter_cache")
)  # fmt: skip

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Place(NamedTuple):
    """Somewhere in the sources; shown as `file:line name`."""

    path: Path
    line: int
    name: str = ""

    def __repr__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line} {self.name}".rstrip()


@cache
def tracked() -> tuple[Path, ...]:
    """Every file of the project that git tracks or would; without git, all but what is known to be made here."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listing = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout.decode()
    except (FileNotFoundError, subprocess.CalledProcessError):  # no git here, or no clone
        return tuple(path for path in ROOT.rglob("*") if path.is_file() and not _made_here(path))
    return tuple(path for name in listing.split("\0") if name and (path := ROOT / name).is_file())


def _made_here(path: Path) -> bool:
    parts = path.relative_to(ROOT).parts
    return not MADE.isdisjoint(parts) or path.suffix in (".pyc", ".log")


def python_files(*folders: str) -> list[Path]:
    """The Python files of these folders of the project."""
    return [path for path in tracked() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in folders]


@cache
def text(path: Path) -> str:
    """A file's text."""
    return path.read_text(encoding="utf-8")


@cache
def tree(path: Path) -> ast.Module:
    """A Python file's syntax tree."""
    return ast.parse(text(path))


def length(path: Path) -> int:
    """Lines of a file."""
    return len(text(path).splitlines())


def functions(path: Path) -> Iterator[Function]:
    """Every function of a file, methods and nested ones too."""
    for node in ast.walk(tree(path)):
        if isinstance(node, Function):
            yield node


def module_name(path: Path) -> str:
    """`src/brain_gateway/domain/__init__.py` -> `brain_gateway.domain`."""
    parts = path.relative_to(SRC.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path) -> set[str]:
    """The modules that a file imports, wherever it does so; `from a import b` counts as `a` and as `a.b`."""
    names: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names
