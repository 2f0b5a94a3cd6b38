"""Conditional requests: the client's at the cache, the cache's at the service (RFC 9111 section 4.3, RFC 9110 13)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from brain_gateway.domain.http.caching.dates import parse_date
from brain_gateway.domain.http.caching.stored import StoredResponse

_TAG = re.compile(rb'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')
# Conditions that only the service can decide (RFC 9111 section 4.3.2).
FOR_THE_SERVICE = frozenset((b"if-match", b"if-unmodified-since", b"if-range"))
CONDITIONS = frozenset((b"if-none-match", b"if-modified-since"))
# What a 304 leaves as it is (RFC 9111 section 3.2): the stored body depends on it.
KEPT = frozenset((b"content-length", b"content-encoding", b"content-type", b"content-range"))
# What a 304 to a client carries (RFC 9110 section 15.4.5), beside what caching needs.
_IN_304 = frozenset(
    (b"cache-control", b"cdn-cache-control", b"content-location", b"date", b"etag", b"expires", b"vary",
     b"last-modified")
)  # fmt: skip


def not_modified(stored: StoredResponse, values: Mapping[bytes, bytes], now: float) -> bool:
    """Whether the client has what is stored already (RFC 9110 section 13.2.2): If-None-Match, by weak comparison,
    goes before If-Modified-Since."""
    if stored.status != 200:
        return False
    tags = values.get(b"if-none-match")
    if tags is not None:
        known = bool(stored.etag) and (
            tags == stored.etag or weak(stored.etag) in map(weak, _TAG.findall(tags))
        )
        return tags == b"*" or known
    since = parse_date(values.get(b"if-modified-since", b""), now)
    if since is None:
        return False
    modified = parse_date(stored.last_modified, now)
    return (stored.date if modified is None else modified) <= since


def weak(tag: bytes) -> bytes:
    """An entity tag for weak comparison (RFC 9110 section 8.8.3.2)."""
    return tag.removeprefix(b"W/")


def conditions(stored: StoredResponse) -> list[bytes]:
    """The lines that ask the service whether `stored` still holds (section 4.3.1)."""
    lines = [b"If-None-Match: " + stored.etag] if stored.etag else []
    if stored.last_modified:
        lines.append(b"If-Modified-Since: " + stored.last_modified)
    return lines


def freshens(stored: StoredResponse, values: Mapping[bytes, bytes]) -> bool:
    """Whether a 304 speaks of `stored` (section 4.3.4): a validator that it brings must be the stored one."""
    tag, modified = values.get(b"etag"), values.get(b"last-modified")
    if tag is not None and stored.etag:
        return weak(tag) == weak(stored.etag)
    return tag is None and (modified is None or not stored.last_modified or modified == stored.last_modified)


def agrees(stored: StoredResponse, values: Mapping[bytes, bytes]) -> bool:
    """Whether a 200 to a HEAD describes what is stored (section 4.3.5): validators and length, as far as it has any."""
    known = (
        (b"etag", stored.etag),
        (b"last-modified", stored.last_modified),
        (b"content-length", b"%d" % len(stored.body)),
    )
    return all(values.get(name, mine) == mine for name, mine in known)


def merged(old: tuple[bytes, ...], new: list[bytes]) -> list[bytes]:
    """The stored lines with those of a 304 in their place (section 3.2)."""
    brought = [line for line in new if _name(line) not in KEPT]
    names = {_name(line) for line in brought} | {b"age"}
    return [line for line in old if _name(line) not in names] + brought


def for_304(lines: tuple[bytes, ...]) -> list[bytes]:
    """What of a stored response's lines goes into a 304."""
    return [line for line in lines if _name(line) in _IN_304]


def _name(line: bytes) -> bytes:
    return line.partition(b":")[0].lower()
