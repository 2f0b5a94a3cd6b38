"""May a shared cache store a response (RFC 9111 section 3)? Reasons are texts for Cache-Status; None: it may."""

from __future__ import annotations

from collections.abc import Mapping

from brain_gateway.domain.http.caching.directives import Directives
from brain_gateway.domain.http.caching.freshness import HEURISTIC_STATUSES

# Statuses whose rules of caching this cache follows (RFC 9110 section 15), for must-understand.
UNDERSTOOD = frozenset(
    (200, 201, 202, 203, 204, 205, 300, 301, 302, 303, 305, 307, 308, 400, 401, 402, 403, 404, 405, 406, 407, 408,
     409, 410, 411, 412, 413, 414, 415, 416, 417, 421, 422, 426, 500, 501, 502, 503, 504, 505)
)  # fmt: skip
_SHARED = frozenset((b"public", b"s-maxage", b"must-revalidate"))  # section 3.5
_STATED = frozenset((b"public", b"s-maxage", b"max-age"))


def why_not_stored(
    status: int,
    values: Mapping[bytes, bytes],
    directives: Directives,
    request: Directives,
    *,
    authenticated: bool,
) -> str | None:
    """Of a whole response to a GET without Range. `authenticated`: the caller showed credentials, and the store is
    shared with others than this caller."""
    understood = b"must-understand" in directives and status in UNDERSTOOD
    if b"no-store" in request:
        return "request no-store"
    if status < 200 or status in (206, 304):
        return "status"
    if b"must-understand" in directives and not understood:
        return "must-understand"
    if b"no-store" in directives and not understood:
        return "no-store"
    if directives.get(b"private") == b"":
        return "private"
    if authenticated and _SHARED.isdisjoint(directives):
        return "authenticated"
    if b"*" in values.get(b"vary", b"").replace(b",", b" ").split():
        return "vary"
    if b"set-cookie" in values and b"public" not in directives and b"s-maxage" not in directives:
        return "set-cookie"  # somebody's session: shared only where the service says so itself
    stated = not _STATED.isdisjoint(directives) or b"expires" in values
    if not stated and status not in HEURISTIC_STATUSES:
        return "status"
    return None
