"""Settings that name a secret in place of holding it: `secret:NAME#FIELD`, or `${secret:NAME#FIELD}` within a URL."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote

from brain_gateway.domain.secret_path import SecretReference

_WITHIN = re.compile(r"\$\{(secret:[^{}]*)\}")
_STANDS_FOR = "1"  # what can be a host, a port, a name and a password


def is_reference(text: str) -> bool:
    """Whether the whole text is a reference."""
    return SecretReference.parse(text) is not None


def references_in(text: str, *, within: bool) -> tuple[SecretReference, ...]:
    """The reference that the text is, or those in it (`within`)."""
    whole = SecretReference.parse(text)
    if whole:
        return (whole,)
    found = (SecretReference.parse(part) for part in _WITHIN.findall(text)) if within else ()
    return tuple(reference for reference in found if reference)


def filled(text: str, value: Callable[[SecretReference], str]) -> str:
    """The text with what its references name; a part of a URL is escaped (RFC 3986 section 2.1)."""
    whole = SecretReference.parse(text)
    if whole:
        return value(whole)
    return _WITHIN.sub(lambda found: _part(found, value), text)


def without_references(text: str) -> str:
    """A URL of the same shape, to check what can be checked before the secrets are known."""
    return _WITHIN.sub(lambda found: _part(found, lambda _: _STANDS_FOR), text)


def _part(found: re.Match[str], value: Callable[[SecretReference], str]) -> str:
    reference = SecretReference.parse(found[1])
    return quote(value(reference), safe="") if reference else found[0]
