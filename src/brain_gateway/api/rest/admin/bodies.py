"""Request bodies: bounded, of the media type that is asked for, and JSON that can be read in one way only.

RFC 8259 leaves open what duplicate names mean, and lets numbers and nesting grow without bound: such is refused.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from email.message import Message

import orjson
from starlette.requests import ClientDisconnect, Request

from brain_gateway.domain.errors import BodyTooLarge, MalformedRequest, UnsupportedMediaType

MIB = 1024 * 1024
MAX_DEPTH = 40  # of the deepest document of gateway.yaml: 12
MERGE_PATCH = "application/merge-patch+json"
JSON = "application/json"


def check_media_type(given: str | None, taken: Iterable[str]) -> None:
    """Raises UnsupportedMediaType for any other type than those `taken`, and for other encodings than UTF-8."""
    message = Message()
    message["content-type"] = given or ""
    wanted = " or ".join(taken)
    if given is None or message.get_content_type() not in taken:
        raise UnsupportedMediaType(f"send {wanted} in Content-Type")
    charset = str(message.get_param("charset", "utf-8")).lower()
    if charset not in ("utf-8", "utf8"):
        raise UnsupportedMediaType("JSON is UTF-8 (RFC 8259 section 8.1)")


async def read_bounded(request: Request, most: int) -> bytes:
    """The body. Raises BodyTooLarge as soon as it is known to be longer than `most` bytes."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:18]) > most:
        raise BodyTooLarge(f"this takes at most {most} bytes")
    pieces, held = [], 0
    try:
        async for piece in request.stream():
            held += len(piece)
            if held > most:
                raise BodyTooLarge(f"this takes at most {most} bytes")
            pieces.append(piece)
    except ClientDisconnect:
        raise MalformedRequest("the body did not come to its end") from None
    return b"".join(pieces)


def read_json(body: bytes) -> object:
    """The value. Raises MalformedRequest for what is not JSON, names a member twice or nests too deeply."""
    try:
        orjson.loads(body)  # strict about encoding, numbers and surrogates
        value: object = json.loads(body.decode(), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise MalformedRequest(_reason(error)) from None
    if _too_deep(value):
        raise MalformedRequest(f"the document nests deeper than {MAX_DEPTH} levels")
    return value


class _TwiceError(ValueError):
    """A member is named twice; its text is the caller's own name for it."""


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        raise _TwiceError(f"a member is there twice: {twice[:60]!r}")
    return members


def _reason(error: Exception) -> str:
    if isinstance(error, _TwiceError):
        return str(error)
    if isinstance(error, json.JSONDecodeError):
        return f"the body is not JSON: line {error.lineno}, column {error.colno}"
    return "the body is not JSON that can be read"


def _too_deep(value: object) -> bool:
    level: list[object] = [value]
    for _ in range(MAX_DEPTH):
        below: list[object] = []
        for one in level:
            if isinstance(one, dict):
                below.extend(one.values())
            elif isinstance(one, list):
                below.extend(one)
        if not below:
            return False
        level = below
    return any(isinstance(one, dict | list) for one in level)
