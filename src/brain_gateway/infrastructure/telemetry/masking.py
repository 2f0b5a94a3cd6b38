"""Secrets in texts that are logged: credentials in queries, tokens and keys anywhere."""

from __future__ import annotations

import re

MASK = "****"

_QUERY = re.compile(
    r"(?i)([?&;][^=&;]*(?:token|key|secret|passw|pwd|signature|sig|code|auth|credential|session|jwt)[^=&;]*=)[^&#\s]+"
)
_TOKENS = re.compile(r"eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,4}|bgk_[A-Za-z0-9_-]{8,}")


def masked(text: str) -> str:
    """The text with what looks like a secret replaced."""
    if "=" in text:
        text = _QUERY.sub(r"\1" + MASK, text)
    return _TOKENS.sub(MASK, text) if "eyJ" in text or "bgk_" in text else text
