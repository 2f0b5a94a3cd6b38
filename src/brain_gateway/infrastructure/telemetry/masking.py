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
    """Parameter by parameter. Behind a secret, ';' and '?' may be part of it: what follows them is hidden too."""
    first, *rest = _DELIMITER.split(text)
    shown = [first]
    hiding = False
    for delimiter, part in zip(rest[::2], rest[1::2], strict=True):
        name, equals, value = part.partition("=")
        if hiding and delimiter in ";?":
            if not shown[-1].endswith(MASK):
                shown.append(MASK)
            continue
        hiding = bool(equals) and _SECRET_NAMES.search(name) is not None
        shown.append(f"{delimiter}{name}={MASK if value else ''}" if hiding else delimiter + part)
    return "".join(shown)
