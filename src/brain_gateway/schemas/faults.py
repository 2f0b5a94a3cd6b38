"""Faults of a configuration file: where, at which key, what to do. Collected, then raised all at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from brain_gateway.domain.errors import ConfigurationError

Path = tuple[str | int, ...]
"""Keys and list indexes from the root of the file: ("services", "ai-agents", "routes", 2)."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One fault; `line` counts from 1."""

    line: int
    path: Path
    message: str

    def text(self, file: str) -> str:
        """`gateway.yaml:12: services.ai-agents.routes[2].path: must be ...`."""
        where = f"{dotted(self.path)}: " if self.path else ""
        return f"{file}:{self.line}: {where}{self.message}"


def dotted(path: Path) -> str:
    """The path as people write it: list indexes in brackets, the rest joined by dots."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def refuse(file: str, faults: Iterable[Fault]) -> ConfigurationError:
    """The error that carries `faults`, sorted by line, each once."""
    ordered = sorted(set(faults), key=lambda fault: (fault.line, dotted(fault.path), fault.message))
    return ConfigurationError(faults=tuple(fault.text(file) for fault in ordered))
