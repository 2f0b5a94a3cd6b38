"""A configuration file as the gateway is told of it: everything in it written out, and whose it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from brain_gateway.cli.remote.exits import ExitCode, Stopped

if TYPE_CHECKING:
    from brain_gateway.application.configuration import GatewayConfiguration

_UNSAID: Final = 29.9990234375
"""An interval that no file names: probes that have it are left to the gateway's own HEALTH_CHECK_INTERVAL."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What a file declares as an explicit document, and its label."""

    label: str
    document: dict[str, Any]


def declared_by(file: Path, label: str | None, profile: str, auto_discovery: bool) -> Declared:
    """The file, resolved here: packaged services, host template and environment are those of this machine.

    Raises ConfigurationError with every fault, Stopped for a label that is none.
    """
    from brain_gateway.infrastructure.configuration import collector_paused, load_configuration
    from brain_gateway.schemas.explicit import configuration_document
    from brain_gateway.settings import Profile

    with collector_paused():
        configuration = load_configuration(
            file, profile=Profile(profile), health_check_interval=_UNSAID, auto_discovery=auto_discovery
        )
        document = configuration_document(configuration, _UNSAID)
    document.pop("label", None)
    return Declared(_label(file, label, configuration), document)


def _label(file: Path, label: str | None, configuration: GatewayConfiguration) -> str:
    """What was asked for, what the file says, or its name without what a label cannot hold."""
    from brain_gateway.schemas.file import check_label

    named = label or configuration.label or re.sub(r"[^A-Za-z0-9._-]+", "-", file.stem).strip("-._")
    try:
        return check_label(named)
    except ValueError as error:
        raise Stopped(ExitCode.REFUSED, f'--owner: "{named}" {error}') from None
