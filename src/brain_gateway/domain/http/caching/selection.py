"""Which of a resource's stored responses a request may get: Vary (RFC 9111 section 4.1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b

from brain_gateway.domain.http.caching.stored import StoredResponse

_LIST_SPACE = re.compile(rb"[ \t]*,[ \t]*")

FieldValue = Callable[[bytes], bytes | None]


def vary_names(values: Mapping[bytes, bytes]) -> tuple[bytes, ...]:
    """The selecting fields of a response, in lower case, each once, in one order. `*` is not stored at all."""
    return tuple(
        sorted({name.strip(b" \t").lower() for name in values.get(b"vary", b"").split(b",")} - {b""})
    )


def selector(vary: tuple[bytes, ...], base: bytes, value_of: FieldValue) -> bytes:
    """What tells this request's variant from others: `base`, and its values of the selecting fields.

    `value_of(name)` gives a field's combined value, None where the request has none; white space around commas does
    not count (section 4.1: normalizing). 16 bytes.
    """
    digest = blake2b(base, digest_size=16)
    for name in vary:
        value = value_of(name)
        text = b"-" if value is None else b"+" + _LIST_SPACE.sub(b",", value)
        digest.update(b"%d:%b=%d:%b" % (len(name), name, len(text), text))
    return digest.digest()


def choose(found: Iterable[StoredResponse]) -> StoredResponse | None:
    """Of several that match the most recent one, by Date (section 4.1)."""
    return max(found, key=lambda stored: (stored.date, stored.received), default=None)
