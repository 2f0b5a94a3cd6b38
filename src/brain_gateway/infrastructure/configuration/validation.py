"""From plain values to a GatewayFile, as much of it as can be read, and the faults of the rest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from brain_gateway.infrastructure.configuration.document import Document
from brain_gateway.schemas.faults import Fault, Path
from brain_gateway.schemas.file import GatewayFile
from brain_gateway.schemas.messages import message, path_of


@dataclass(slots=True)
class Reading:
    """`file` is None when nothing can be read; `unreadable` are the keys left out, by mapping."""

    file: GatewayFile | None
    faults: list[Fault]
    unreadable: dict[Path, frozenset[str | int]] = field(default_factory=dict)

    def leave_out(self, unit: Path) -> None:
        """Note that the key `unit` could not be read."""
        parent = unit[:-1]
        self.unreadable[parent] = self.unreadable.get(parent, frozenset()) | set(unit[-1:])


def read(values: dict[str, Any], document: Document) -> Reading:
    """Validate `values`; keys at fault are cut out (of `values` too), so that the rest is judged as well.

    `document` knows the lines, and which faults its writing already has.
    """
    reading = Reading(None, list(document.faults))
    _cut(values, document.unread, reading)
    for _ in range(3):  # a second look after cutting; a third when what was cut was needed
        try:
            reading.file = GatewayFile.model_validate(values)
            break
        except ValidationError as error:
            faults = _faults(error, document)
        reading.faults += faults
        _cut(values, (fault.path for fault in faults), reading)
    return reading


def _faults(error: ValidationError, document: Document) -> list[Fault]:
    faults = []
    for detail in error.errors():
        path = path_of(detail)
        faults.append(Fault(document.line(path), path, message(detail, document.reference(path))))
    return faults


def _cut(values: dict[str, Any], paths: Iterable[Path], reading: Reading) -> None:
    for path in paths:
        unit = _unit(path)
        reading.leave_out(unit)
        holder: Any = values
        for step in unit[:-1]:
            holder = holder.get(step) if isinstance(holder, dict) else None
        if isinstance(holder, dict) and unit:
            holder.pop(unit[-1], None)


def _unit(path: Path) -> Path:
    """The key to leave out for a fault at `path`: a service's key, a tenant's key, or a key of the file."""
    if path[:1] == ("services",):
        return path[:3]
    if path[:1] == ("tenants",):
        return path[:5] if path[2:3] == ("services",) else path[:3]
    return path[:2]
