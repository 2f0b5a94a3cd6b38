"""Secrets in texts that are logged: credentials in queries, tokens and keys anywhere. One pass over the text each."""

from __future__ import annotations

import re

MASK = "****"

_DELIMITER = re.compile(r"([?&;#])")
_SECRET_NAMES = re.compile(r"(?i)token|key|secret|passw|pwd|signature|sig|code|auth|credential|session|jwt")
_TOKENS = re.compile(r"eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,4}|bgk_[A-Za-z0-9_-]{8,}")
_VAULT_TOKENS = re.compile(r"\bhv[sbr]\.[A-Za-z0-9_-]{8,}|\b[sbr]\.[A-Za-z0-9]{24,}")
_PASSWORDS = re.compile(r"(://[^\s/?#@:\"']*:)[^\s/?#@\"']+@")
_SECRET_KEYS = re.compile(
    r"(?i)(?:.*[_-])?(?:tokens?|secrets?|passw(?:or)?d|pwd|api[_-]?keys?|authorization|cookie|credentials?|jwt|private[_-]key"
    r"|secret[_-](?:id|key))"
)


def masked(text: str) -> str:
    """The text with what looks like a secret replaced."""
    if "=" in text:
        text = _without_secrets(text)
    if "@" in text and "://" in text:
        text = _PASSWORDS.sub(rf"\1{MASK}@", text)
    if "." in text:
        text = _VAULT_TOKENS.sub(MASK, text)
    return _TOKENS.sub(MASK, text) if "eyJ" in text or "bgk_" in text else text


def masked_value(name: str, value: object) -> object:
    """A value of a log line under its name: texts masked, whatever a name says is secret hidden, at any depth."""
    if isinstance(value, dict):
        return {key: masked_value(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [masked_value(name, inner) for inner in value]
    if isinstance(value, str | bytes | bytearray):
        if value and _SECRET_KEYS.fullmatch(name):
            return MASK
        return masked(value if isinstance(value, str) else bytes(value).decode("utf-8", "replace"))
    return value


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
