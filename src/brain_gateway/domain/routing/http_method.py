"""HTTP methods as a value object: any token of RFC 9110, not a closed list."""

from __future__ import annotations

import re
from dataclasses import dataclass

from brain_gateway.domain.errors import MalformedRequest

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}", re.ASCII)
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_IDEMPOTENT = _SAFE | {"PUT", "DELETE"}


def is_method(text: str) -> bool:
    """Whether `text` is a method: a token (RFC 9110 section 5.6.2) of at most 32 characters."""
    return _TOKEN.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class HttpMethod:
    """A method, case-sensitive (RFC 9110 section 9.1). Raises MalformedRequest for what is no token."""

    value: str

    def __post_init__(self) -> None:
        if not is_method(self.value):
            raise MalformedRequest("the method is not a token of 1 to 32 characters (RFC 9110 section 9.1)")

    @property
    def safe(self) -> bool:
        """Read-only by definition (RFC 9110 section 9.2.1); a method it does not define is unsafe."""
        return self.value in _SAFE

    @property
    def idempotent(self) -> bool:
        """Sending it twice means the same as once (RFC 9110 section 9.2.2); unknown methods count as not."""
        return self.value in _IDEMPOTENT

    def __str__(self) -> str:
        return self.value


GET = HttpMethod("GET")
HEAD = HttpMethod("HEAD")
POST = HttpMethod("POST")
PUT = HttpMethod("PUT")
PATCH = HttpMethod("PATCH")
DELETE = HttpMethod("DELETE")
OPTIONS = HttpMethod("OPTIONS")
TRACE = HttpMethod("TRACE")
CONNECT = HttpMethod("CONNECT")
