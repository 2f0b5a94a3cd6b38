"""`${NAME}` and `${NAME:-default}` in a text, from the environment; `$${` stands for a literal `${`."""

from __future__ import annotations

import re
from collections.abc import Mapping

_REFERENCE = re.compile(
    r"\$(?P<escaped>\$\{)|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}|\$\{"
)


def expand(text: str, environ: Mapping[str, str]) -> str:
    """`text` with its references replaced, once: what a variable holds is not expanded again.

    An empty variable counts as unset. Raises ValueError that names a variable without a value and without a
    default, or shows the forms when a reference is malformed.
    """
    if "${" not in text:
        return text
    return _REFERENCE.sub(lambda match: _replacement(match, environ), text)


def has_reference(text: str) -> bool:
    """Whether `expand` would look anything up in `text`."""
    return any(not match["escaped"] for match in _REFERENCE.finditer(text))


def _replacement(match: re.Match[str], environ: Mapping[str, str]) -> str:
    if match["escaped"]:
        return "${"
    name, default = match["name"], match["default"]
    if name is None:
        raise ValueError(
            "has a reference that cannot be read: write ${NAME}, ${NAME:-default}, or $${ for a plain ${"
        )
    value = environ.get(name) or default
    if value is None:
        raise ValueError(f"environment variable {name} is not set: set it, or write ${{{name}:-default}}")
    return value
