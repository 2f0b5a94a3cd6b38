"""Secrets in texts that are logged: credentials in queries, tokens and keys anywhere. One pass over the text each."""

from __future__ import annotations

import re

MASK = "****"

_PARAMETER = re.compile(r"([?&;])([^=&;?]*)=([^&#\s]*)")
_SECRET_NAMES = re.compile(r"(?i)token|key|secret|passw|pwd|signature|sig|code|auth|credential|session|jwt")
_TOKENS = re.compile(r"eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,4}|bgk_[A-Za-z0-9_-]{8,}")


def masked(text: str) -> str:
    """The text with what looks like a secret replaced."""
    if "=" in text:
        text = _PARAMETER.sub(_parameter, text)
    return _TOKENS.sub(MASK, text) if "eyJ" in text or "bgk_" in text else text


def _parameter(match: re.Match[str]) -> str:
    before, name, value = match.groups()
    return f"{before}{name}={MASK if value and _SECRET_NAMES.search(name) else value}"
