"""The compact serialisation of a signed token (RFC 7515 section 7.1), read strictly.

Nothing here is trusted yet: the header only says which key to look for, and the claims are not parsed before
the signature verifies. Header fields that bring their own key (jwk, jku, x5u, x5c) are never read.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Never

from brain_gateway.domain.errors import CredentialsInvalid

MAX_TOKEN_BYTES = 8 * 1024
MAX_KEY_ID_LENGTH = 256
_COMPACT = re.compile(rb"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
# RFC 8725 section 3.11: a token made for another purpose (a logout token, a DPoP proof) lets nobody in.
_TYPES = {"jwt", "at+jwt", "application/at+jwt"}


@dataclass(frozen=True, slots=True)
class CompactToken:
    """The parts of a token: what was signed, by which kind of signature, and the claims as unparsed JSON."""

    algorithm: str
    key_id: str | None
    signing_input: bytes
    signature: bytes
    claims: bytes


def parse(token: bytes) -> CompactToken:
    """Take a token apart. Raises CredentialsInvalid when it is no JWS of three parts or its header is odd."""
    if len(token) > MAX_TOKEN_BYTES:
        raise CredentialsInvalid(f"the token is longer than {MAX_TOKEN_BYTES} bytes")
    parts = _COMPACT.fullmatch(token)
    if parts is None:
        raise CredentialsInvalid("the token is not three base64url parts joined by dots (a signed JWT)")
    header = strict_object(_decode(parts[1]), "header")
    return CompactToken(
        algorithm=_algorithm(header),
        key_id=_key_id(header),
        signing_input=token[: parts.end(2)],
        signature=_decode(parts[3]),
        claims=_decode(parts[2]),
    )


def strict_object(raw: bytes, what: str) -> dict[str, object]:
    """A JSON object in UTF-8 without repeated names, NaN or Infinity (RFC 7519 section 4, RFC 8259)."""
    try:
        value = json.loads(raw.decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise CredentialsInvalid(f"the token's {what} is not JSON with unique names") from None
    if not isinstance(value, dict):
        raise CredentialsInvalid(f"the token's {what} is not a JSON object")
    return value


def encode_part(raw: bytes) -> bytes:
    """base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def _decode(part: bytes) -> bytes:
    """The inverse of `encode_part`; a part that is not exactly what encoding gives is refused."""
    if len(part) % 4 != 1:
        raw = base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))
        if encode_part(raw) == part:
            return raw
    raise CredentialsInvalid("a part of the token is not canonical base64url")


def _algorithm(header: dict[str, object]) -> str:
    if "crit" in header or "b64" in header:
        raise CredentialsInvalid("the token's header asks for extensions (crit), which are not supported")
    typ = header.get("typ", "JWT")
    if not isinstance(typ, str) or typ.lower() not in _TYPES:
        raise CredentialsInvalid("the token's type (typ) is not JWT")
    algorithm = header.get("alg")
    if not isinstance(algorithm, str):
        raise CredentialsInvalid("the token's header names no algorithm (alg)")
    return algorithm


def _key_id(header: dict[str, object]) -> str | None:
    key_id = header.get("kid")
    if key_id is None or (isinstance(key_id, str) and len(key_id) <= MAX_KEY_ID_LENGTH):
        return key_id
    raise CredentialsInvalid(f"the key id (kid) is not text of at most {MAX_KEY_ID_LENGTH} characters")


def _unique(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    members: dict[str, object] = {}
    for name, value in pairs:
        if name in members:
            raise ValueError("repeated name")
        members[name] = value
    return members


def _no_constant(_: str) -> Never:
    raise ValueError("NaN and Infinity are not JSON")
