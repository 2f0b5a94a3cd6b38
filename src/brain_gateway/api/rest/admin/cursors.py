"""Cursors: where a page of a list begins. For clients they are opaque; they hold the sort key of the last item."""

from __future__ import annotations

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Final

from brain_gateway.domain.errors import MalformedRequest

UUID: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.ASCII)
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)
BY_NAME: Final = (_NAME, UUID)
BY_INTEGRATION: Final = (_NAME,)
BY_ID: Final = (UUID,)
BY_SEQUENCE: Final = (re.compile(r"[0-9]{1,18}", re.ASCII),)

Shape = Sequence[re.Pattern[str]]
"""What each part of a sort key looks like."""


def part(text: str) -> str:
    """What a path names by its id, which may come as a slug in the place of percent-encoding."""
    return unslug(text) or text


def to_text(key: Sequence[str]) -> str:
    """The cursor of a sort key."""
    return slug("\n".join(key)) if key else ""


def from_text(text: str, shape: Shape) -> tuple[str, ...]:
    """The sort key of a cursor. Raises MalformedRequest for one that this list did not give."""
    parts = tuple((unslug(text) or "").split("\n"))
    if len(parts) != len(shape) or not all(
        form.fullmatch(part) for form, part in zip(shape, parts, strict=True)
    ):
        raise MalformedRequest("cursor: is not one that this list gave; begin without it")
    return parts


def slug(text: str) -> str:
    """Any text as one path segment: base64url without padding (RFC 4648 section 5)."""
    return urlsafe_b64encode(text.encode()).rstrip(b"=").decode("ascii")


def unslug(text: str) -> str | None:
    """The text of a slug; None for what is none, or not the one spelling of it."""
    try:
        found = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, ValueError):
        return None
    return found if slug(found) == text else None
