"""Documents as YAML, and what the operator writes as documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from brain_gateway.cli.remote.exits import ExitCode, Stopped


def yaml_text(document: object) -> str:
    """The document as YAML: in its own order, lists of scalars in one line."""
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return str(
        yaml.dump(
            document, Dumper=dumper, sort_keys=False, allow_unicode=True, default_flow_style=None, width=110
        )
    )


def json_text(document: object) -> str:
    """The document as indented JSON."""
    import json

    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def yaml_values(text: str, where: str) -> Any:  # noqa: ANN401 - whatever YAML holds
    """The values of a YAML text, by the rules of gateway.yaml. `where` names it in errors."""
    import yaml

    from brain_gateway.infrastructure.configuration.document import Document

    try:
        document = Document(text, {})
    except yaml.YAMLError:
        raise Stopped(ExitCode.REFUSED, f"{where}: is not YAML") from None
    if document.faults:
        raise Stopped(ExitCode.REFUSED, f"{where}: {document.faults[0].message}")
    return document.values


def file_values(path: Path) -> dict[str, Any]:
    """The mapping in a YAML or JSON file; - is stdin."""
    import sys

    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise Stopped(ExitCode.REFUSED, f"{path}: cannot be read") from None
    values = yaml_values(text, str(path))
    if not isinstance(values, dict):
        raise Stopped(ExitCode.REFUSED, f"{path}: must be a mapping (lines of `key: value`)")
    return values


def with_settings(document: dict[str, Any], settings: list[str]) -> dict[str, Any]:
    """`document` with each KEY=VALUE put in: dots lead into mappings, values are YAML, null takes a key back to its
    default."""
    for setting in settings:
        key, given, value = setting.partition("=")
        if not given or not all(key.split(".")):
            raise Stopped(ExitCode.REFUSED, f"--set {setting}: write KEY=VALUE, such as breaker.failures=3")
        *parents, last = key.split(".")
        place = document
        for parent in parents:
            below = place.get(parent)
            place[parent] = below = dict(below) if isinstance(below, dict) else {}
            place = below
        place[last] = yaml_values(value, f"--set {key}")
    return document


def limit_of(text: str) -> dict[str, Any]:
    """A limit as people write it: REQUESTS/WINDOW, with an optional burst: 100/60s, 100/1m:20."""
    most, _, rest = text.partition("/")
    window, _, burst = rest.partition(":")
    if not most.isdecimal() or (burst and not burst.isdecimal()):
        raise Stopped(
            ExitCode.REFUSED, f'limit "{text}": write REQUESTS/WINDOW[:BURST], such as 100/60s or 100/1m:20'
        )
    return {
        "requests": int(most),
        **({"window": window} if window else {}),
        **({"burst": int(burst)} if burst else {}),
    }
