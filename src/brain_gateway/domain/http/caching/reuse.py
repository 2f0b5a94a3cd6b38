"""May a stored response answer a request, and how (RFC 9111 sections 4, 4.2.4 and 5.2.1, RFC 5861)?"""

from __future__ import annotations

from enum import Enum

from brain_gateway.domain.http.caching.directives import MOST_SECONDS, Directives, seconds
from brain_gateway.domain.http.caching.stored import StoredResponse

ERRORS = frozenset((500, 502, 503, 504))  # RFC 5861 section 4


class Use(Enum):
    """What to do with a stored response."""

    FRESH = "serve it"
    STALE = "serve it stale, as the request allows"
    REFRESH = "serve it stale, and ask the service beside that"
    VALIDATE = "ask the service first, it is stale"
    REQUESTED = "ask the service first, the request says so"


def judge(stored: StoredResponse, request: Directives, now: float) -> Use:
    """What holds at `now` (unix seconds) for a request with these directives."""
    left = stored.left(now)
    if stored.validate:
        return Use.VALIDATE
    if _wants_newer(stored, request, now):
        return Use.REQUESTED
    if left > 0:
        return Use.FRESH
    if stored.strict:
        return Use.VALIDATE
    if b"max-stale" in request:
        most = seconds(request, b"max-stale") if request[b"max-stale"] else MOST_SECONDS
        if -left <= (most or 0):
            return Use.STALE
    return Use.REFRESH if -left < stored.stale_while_revalidate else Use.VALIDATE


def _wants_newer(stored: StoredResponse, request: Directives, now: float) -> bool:
    """no-cache, max-age and min-fresh of the request (sections 5.2.1.1, 5.2.1.3, 5.2.1.4)."""
    if not request:
        return False
    most = seconds(request, b"max-age")
    if b"no-cache" in request or (most is not None and stored.age(now) > most) or most == 0:
        return True
    least = seconds(request, b"min-fresh")
    return least is not None and 0 < stored.left(now) < least


def serves_error(stored: StoredResponse, request: Directives, now: float) -> bool:
    """Whether it may stand in, stale, for an error of the service (RFC 5861 section 4)."""
    if stored.strict or stored.validate or b"no-cache" in request:
        return False
    asked = seconds(request, b"stale-if-error") or 0
    return -stored.left(now) < max(stored.stale_if_error, float(asked))
