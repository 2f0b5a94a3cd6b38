"""Secrets in texts that are logged: credentials in queries, tokens and keys anywhere. One pass over the text each."""

from __future__ import annotations

import re

MASK = "****"

_DELIMITER = re.compile(r"([?&;#])")
_SECRET_NAMES = re.compile(r"(?i)token|key|secret|passw|pwd|signature|sig|code|auth|credential|session|jwt")
_TOKENS = re.compile(r"eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,4}|bgk_[A-Za-z0-9_-]{8,}")


def masked(text: str) -> str:
    """The text with what looks like a secret replaced."""
    if "=" in text:
        text = _without_secrets(text)
    return _TOKENS.sub(MASK, text) if "eyJ" in text or "bgk_" in text else text


def _without_secrets(text: str) -> str:
    """Parameter by parameter; a part without '=' goes on with the value before it (`token=a;b` is one value)."""
    shown: list[str] = []
    hiding = False
    for at, part in enumerate(_DELIMITER.split(text)):
        if at % 2:  # a delimiter
            hiding = hiding and part == ";"
            if not hiding:
                shown.append(part)
        elif at and "=" in part:
            if hiding:
                shown.append(";")
            name, _, value = part.partition("=")
            hiding = _SECRET_NAMES.search(name) is not None
            shown.append(f"{name}={MASK}" if hiding and value else part)
        elif not hiding:
            shown.append(part)
    return "".join(shown)
