"""How old a response is, and how old it may grow (RFC 9111 section 4.2)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from brain_gateway.domain.http.caching.dates import parse_date
from brain_gateway.domain.http.caching.directives import MOST_SECONDS, Directives, seconds

# RFC 9110 section 15.1: final statuses that may be cached although nothing is said of it, but for 206.
HEURISTIC_STATUSES = frozenset((200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501))
LONGEST_HEURISTIC = 86400.0
_SHARE = 0.1  # of the time since the last change (section 4.2.2)
_AGE = re.compile(rb"([0-9]+)[ \t]*(?:,|$)")


def lifetime(
    status: int,
    directives: Directives,
    firsts: Mapping[bytes, bytes],
    received: float,
    default_ttl: float | None = None,
) -> float:
    """The freshness_lifetime in seconds (section 4.2.1): s-maxage, max-age, Expires, then `default_ttl` or a guess
    from Last-Modified, where the status (or `public`) allows one."""
    for name in (b"s-maxage", b"max-age"):
        stated = seconds(directives, name)
        if stated is not None:
            return float(stated)
    date = parse_date(firsts.get(b"date", b""), received)
    since = received if date is None else date
    if b"expires" in firsts:
        expires = parse_date(firsts[b"expires"], received)
        return 0.0 if expires is None else max(0.0, expires - since)
    if status not in HEURISTIC_STATUSES and b"public" not in directives:
        return 0.0
    return default_ttl if default_ttl is not None else _guess(firsts, since, received)


def _guess(firsts: Mapping[bytes, bytes], since: float, received: float) -> float:
    modified = parse_date(firsts.get(b"last-modified", b""), received)
    if modified is None:
        return 0.0
    return min(max(0.0, (since - modified) * _SHARE), LONGEST_HEURISTIC)


def initial_age(firsts: Mapping[bytes, bytes], asked: float, received: float) -> float:
    """The corrected_initial_age (section 4.2.3) of a response that was asked for and received at these unix times."""
    date = parse_date(firsts.get(b"date", b""), received)
    apparent = 0.0 if date is None else max(0.0, received - date)
    return max(apparent, age_value(firsts) + max(0.0, received - asked))


def age_value(firsts: Mapping[bytes, bytes]) -> float:
    """The Age field: the first member of a list, nothing where it is no number (section 5.1)."""
    match = _AGE.match(firsts.get(b"age", b""))
    return float(min(int(match[1][:12]), MOST_SECONDS)) if match is not None else 0.0
